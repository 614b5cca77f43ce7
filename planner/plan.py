"""What every stage after the search exchanges: estimates with their terms, verdicts, plans and conflicts.

Data only. Nothing here computes, prints or imports another layer.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Term:
    """One addend of an estimate. ``source`` says where the formula or figure comes from."""

    name: str
    value: float
    unit: str
    formula: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 90 % interval and the terms it is the sum of.

    ``low``/``high`` are None where the figure is exact arithmetic rather than a prediction.
    """

    name: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    terms: tuple[Term, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Margin:
    """A requirement beside what the plan gives. ``slack`` is positive when it holds, as a share of the limit."""

    requirement: str
    limit: float
    actual: float
    unit: str
    slack: float
    holds: bool
    confidence: float | None = None
    """At which confidence ``actual`` is meant; None for exact figures and best estimates."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """How one service is laid out on what is rented or bought."""

    service: str
    model: str
    weights: str
    kv_cache: str
    engine: str
    accelerator: str
    offer: str
    provider: str
    region: str
    pricing: str
    tensor_parallel: int
    pipeline_parallel: int
    expert_parallel: int
    gpus_per_replica: int
    replicas: int
    instances: int
    gpus_per_instance: int
    gpus: int
    batch_per_replica: int
    """Sequences that a replica serves at once in this plan."""
    requests: str = ""
    """Which requests or stage of the service, where it does not carry all of them."""
    load_share: float = 1.0
    """Share of those requests that it carries in the busiest hour."""
    replicas_by_hour: tuple[int, ...] = ()
    """Replicas in each hour of the cycle, where they change."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What is rented, bought or owned of one offer, whole, whichever services run on it."""

    offer: str
    provider: str
    region: str
    accelerator: str
    pricing: str
    gpus_per_instance: int
    instances: int
    """In the busiest hour."""
    spare_instances: int
    """Of these, held against failures."""
    cost_usd_per_month: float
    services: tuple[str, ...]
    instances_by_hour: tuple[int, ...] = ()
    """In each hour of the cycle, where they change."""
    capex_usd: float = 0.0
    utilisation: float = 1.0
    """Share of its GPU hours on which replicas run."""


@dataclass(frozen=True, slots=True)
class ServiceResult:
    """What one of several services gets."""

    service: str
    model: str
    load: str
    """What it has to carry, in the scenario's words: ``200 requests at a time``."""
    estimates: tuple[Estimate, ...]
    """The worst of its fleets, for figures of single requests; their sum for throughput."""
    margins: tuple[Margin, ...]
    hourly: tuple[float, ...] = ()
    """Share of the load in each hour, where it changes."""


@dataclass(frozen=True, slots=True)
class Regret:
    """What a plan costs when something is not as it was thought, and how much more that is than the best plan then."""

    what: str
    """In words: ``the load is 20% higher``."""
    cost_usd_per_month: float | None
    """None where the plan cannot hold what is asked, in whatever number."""
    more_usd_per_month: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The plan beside a price by the token."""

    name: str
    cost_usd_per_month: float
    """What the scenario's load costs there."""
    usd_per_million_input_tokens: float
    usd_per_million_output_tokens: float
    break_even: float
    """Share of the load at which both cost the same; above it the plan is the cheaper, which costs the same at any."""


@dataclass(frozen=True, slots=True)
class Growth:
    """How long a plan lasts while its load grows."""

    per_year: float
    headroom: float
    """Share by which the load may grow on what is held."""
    months: float
    """Until that is used up."""
    cost_usd_per_month: float | None
    """Of the cheapest plan for the load a year from now; None where no plan holds it."""
    plan: str
    """What that takes."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """A candidate that lost, with its cost and the reason."""

    deployment: Deployment
    cost_usd_per_month: float
    estimates: tuple[Estimate, ...]
    reason: str
    name: str = ""
    """What makes it another plan, where it is one of several fleets: ``one type of accelerator``."""
    holdings: tuple[Holding, ...] = ()
    """What it takes, where several fleets do."""
    regrets: tuple[Regret, ...] = ()
    """What being wrong would cost with it, where the scenario says what may be wrong."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What the solver says of its answer. ``gap`` is (cost - bound) / cost; costs are micro-dollars per hour."""

    status: str
    solver: str
    objective_micro_usd_per_hour: int
    bound_micro_usd_per_hour: int
    gap: float
    candidates: int
    feasible: int
    checked: bool
    """The plain-Python checker found every requirement held."""


@dataclass(frozen=True, slots=True)
class Relaxation:
    """The least change of one requirement that makes the rest feasible, and what the plan costs then."""

    requirement: str
    current: str
    needed: str
    cost_usd_per_month: float | None


@dataclass(frozen=True, slots=True)
class Conflict:
    """Requirements that cannot all hold: dropping any one of them leaves something feasible."""

    summary: str
    requirements: tuple[str, ...]
    because: tuple[str, ...]
    relaxations: tuple[Relaxation, ...]
    rejected: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Rejection:
    """How many candidates one reason cut."""

    reason: str
    message: str
    count: int


@dataclass(frozen=True, slots=True)
class Preference:
    """What a rule that prefers something else adds to the objective for this plan. Nobody pays it."""

    rule: str
    message: str
    usd_per_month: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer: what to rent or buy, how it is laid out, what it does and what it costs."""

    scenario: str
    deployments: tuple[Deployment, ...]
    estimates: tuple[Estimate, ...]
    """TTFT, TPOT, throughput, memory per GPU, cost: each with its terms."""
    margins: tuple[Margin, ...]
    cost_usd_per_hour: float
    cost_usd_per_month: float
    proof: Proof
    alternatives: tuple[Alternative, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    warnings: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    """Why this plan won, as sentences with their numbers."""
    inputs: tuple[tuple[str, str], ...] = field(default=())
    """(what, sha256) of the scenario and each catalog kind, and versions of planner and solver."""
    preferences: tuple[Preference, ...] = ()
    """The proof's objective is the cost and these."""
    holdings: tuple[Holding, ...] = ()
    """What is taken in all, where several fleets are; a single fleet is its deployment."""
    services: tuple[ServiceResult, ...] = ()
    """What each service gets, where several fleets serve; the estimates and margins above are then of the plan."""
    goal: str = "cost"
    """What is least in it, and in what unit the proof's figures are: micro-dollars, milliwatts, or carbon."""
    comparisons: tuple[Comparison, ...] = ()
    growth: Growth | None = None
    regrets: tuple[Regret, ...] = ()
    """What being wrong would cost, where the scenario says what may be wrong."""


@dataclass(frozen=True, slots=True)
class TrainingDeployment(Deployment):
    """How a training run is laid out. ``replicas`` are its data-parallel ranks, ``batch_per_replica`` its micro-batch.

    ``weights`` is the precision policy, or the format of frozen weights; a run has no KV cache.
    """

    method: str = ""
    optimizer: str = ""
    sharding: str = ""
    checkpointing: str = ""
    accumulation: int = 1
    """Micro-batches of a step on one rank."""
    virtual_stages: int = 1
    """Interleaving of the pipeline."""
    schedule: str = ""
    """Of the pipeline: ``1f1b``, ``interleaved`` or ``gpipe``; empty without one."""
    context_parallel: int = 1
    shard_group: int = 0
    """Ranks that shard among themselves under hybrid sharding; 0 otherwise."""
    sequence_length: int = 0
    loss: str = "standard"
    """``standard`` is the software's own; ``chunked`` and ``fused-linear`` keep fewer logits or none."""
    offload: str = "none"
    """What lies in host memory: ``none``, ``optimizer``, ``all``."""
    optimizer_in_backward: bool = False
    flash_attention: bool = True
    sequence_parallel: bool = True
    rank: int = 0
    """Of the adapters; 0 without."""


@dataclass(frozen=True, slots=True)
class RunProof(Proof):
    """What the solver says of the cost of a whole run, in micro-dollars.

    The inherited figures per hour are those of the chosen hardware; the run's are what was minimised.
    """

    objective_micro_usd: int = 0
    bound_micro_usd: int = 0


@dataclass(frozen=True, slots=True)
class TrainingPlan(Plan):
    """What to rent for a training run, for how long, and what the run costs."""

    run_hours: float = 0.0
    """Expected, checkpoints and restarts included."""
    run_usd: float = 0.0
    steps: int = 0
    """Optimizer steps of the run."""
    checkpoint_steps: int = 0
    """Steps from one checkpoint to the next, by Young's interval."""
