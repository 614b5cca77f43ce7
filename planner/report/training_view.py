"""What a report says about a training run: the parts of a plan's view that differ from serving."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.report.deployment import Rival
from planner.report.figures import figure, interval, money, quantity
from planner.report.i18n import Translator
from planner.units import MICRO_USD_PER_USD, format_count, format_percent

if TYPE_CHECKING:
    from planner.plan import Alternative, Deployment, RunProof, TrainingPlan
    from planner.report.deployment import Fleet
    from planner.report.view import Headline, PlanView
    from planner.scenario import Scenario
    from planner.scenario.training import TrainingWorkload

COLUMNS = ("for the run", "time", "MFU")
"""What the columns of the alternatives hold."""


def training_subject(scenario: Scenario, work: TrainingWorkload, say: Translator) -> str:
    """Return what is to be trained, in one sentence: model, method, tokens and batch."""
    model = scenario.model if isinstance(scenario.model, str) else scenario.name
    tokens = say("{n} tokens", n=format_count(work.tokens))
    batch = say(
        "{n} sequences of {tokens} tokens per step", n=f"{work.global_batch:,}", tokens=f"{work.sequence_length:,}"
    )
    return f"{model} · {work.method} · {tokens} · {batch}"


def training_view(view: PlanView, plan: TrainingPlan, say: Translator) -> PlanView:
    """Return ``view`` with the words of a run: its cost and time as a whole, its layout, its proof."""
    made = plan.deployments[0]
    times = tuple(item for item in view.performance if item.id == "time-to-train")
    return view._replace(
        fleets=tuple(_fleet(item, fleet, say) for item, fleet in zip(plan.deployments, view.fleets, strict=True)),
        cost_per_month=say("{cost} for the run", cost=figure(plan.run_usd, "USD", say)),
        cost_per_million="",
        figures=_headlines(plan, view, made, say),
        rivals=tuple(_rival(item, plan, say) for item in plan.alternatives),
        rival_columns=COLUMNS,
        leading=times,
        proof=_proof(plan.proof, say),  # type: ignore[arg-type]  # a TrainingPlan is made with a RunProof
    )


def _fleet(item: Deployment, fleet: Fleet, say: Translator) -> Fleet:
    return fleet._replace(layout=_layout(item, say), formats=_formats(item, say))


def _layout(item: Deployment, say: Translator) -> str:
    sharding, accumulation = getattr(item, "sharding", ""), getattr(item, "accumulation", 1)
    sharding += f" {group}" if (group := getattr(item, "shard_group", 0)) else ""
    schedule = getattr(item, "schedule", "")
    degrees = [say("data parallel {n} ({sharding})", n=item.replicas, sharding=sharding)]
    named = (
        ("TP", item.tensor_parallel, ""),
        ("PP", item.pipeline_parallel, f" ({schedule})" if schedule else ""),
        ("CP", getattr(item, "context_parallel", 1), ""),
        ("EP", item.expert_parallel, ""),
    )
    degrees += [f"{name} {degree}{how}" for name, degree, how in named if degree > 1]
    batch = say("micro-batch {n}, {m} per step", n=item.batch_per_replica, m=accumulation)
    return f"{' × '.join(degrees)}, {batch}"


def _formats(item: Deployment, say: Translator) -> str:
    loss, offload = getattr(item, "loss", "standard"), getattr(item, "offload", "none")
    more = [
        *([say("loss {kind}", kind=loss)] if loss != "standard" else ()),
        *([say("optimizer in host memory")] if offload == "optimizer" else ()),
        *([say("weights and optimizer in host memory")] if offload == "all" else ()),
        *([say("optimizer in the backward pass")] if getattr(item, "optimizer_in_backward", False) else ()),
        *([say("without FlashAttention")] if not getattr(item, "flash_attention", True) else ()),
    ]
    made = say(
        "{method}, {weights}, {optimizer}, checkpointing {checkpointing} ({engine})",
        method=getattr(item, "method", ""),
        weights=item.weights,
        optimizer=getattr(item, "optimizer", ""),
        checkpointing=getattr(item, "checkpointing", ""),
        engine=item.engine,
    )
    return ", ".join((made, *more))


def _headlines(plan: TrainingPlan, view: PlanView, made: Deployment, say: Translator) -> tuple[Headline, ...]:
    from planner.report.view import Headline

    known = {item.name: item for item in plan.estimates}
    found = [Headline(say("Cost of the run"), figure(plan.run_usd, "USD", say), view.cost_per_hour)]
    for name, heading in (
        ("time_to_train", "Time to train"),
        ("mfu", "MFU"),
        ("tokens_per_second", "Tokens per second"),
    ):
        item = known[name]
        spread = "" if item.low is None or item.high is None else interval(item.low, item.high, item.unit, say)
        found.append(Headline(say(heading), figure(item.value, item.unit, say), spread))
    nodes = say("{n} instances", n=f"{made.instances:,}")
    return (*found, Headline(say("GPUs"), f"{made.gpus:,}", nodes))


def _rival(item: Alternative, plan: TrainingPlan, say: Translator) -> Rival:
    made = item.deployment
    known = {quantity(it.name): it for it in item.estimates}
    cost = known["cost_of_the_run"].value
    return Rival(
        name=f"{made.instances} × {made.offer}",
        layout=_layout(made, say),
        gpus=f"{made.gpus} × {made.accelerator}",
        cost=figure(cost, "USD", say),
        difference=f"+{money(cost - plan.run_usd)}",
        ttft=figure(known["time_to_train"].value, "h", say),
        tpot=figure(known["mfu"].value, "share", say),
        reason=say.sentence(item.reason),
    )


def _proof(proof: RunProof, say: Translator) -> str:
    bound = figure(proof.bound_micro_usd / MICRO_USD_PER_USD, "USD", say)
    counted = say(
        "{feasible} of {candidates} candidates hold every requirement",
        feasible=f"{proof.feasible:,}",
        candidates=f"{proof.candidates:,}",
    )
    if proof.gap <= 0:
        found = say("Proven cheapest: no run costs less than {bound}", bound=bound)
    else:
        gap = format_percent(proof.gap)
        found = say("Best found: no run costs less than {bound}, a gap of {gap}", bound=bound, gap=gap)
    return f"{found} ({proof.solver}) · {counted} · {say('checked again without the solver')}"
