"""What a report says about a plan, picked and worded once for all formats.

The renderers below this only lay it out: ``text`` in columns, the templates in Markdown and HTML. A view holds strings
in the report's language, and beside them the bare numbers that bars and charts are drawn from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from planner.plan import TrainingPlan
from planner.report.breakdown import Breakdown, breakdown, interval_of
from planner.report.deployment import Fleet, Rival, fleet, rival
from planner.report.figures import amount, asked, figure, label, quantity
from planner.report.i18n import Translator
from planner.report.outlook import WrongTable, outlook, wrong_table
from planner.report.together import Held, ServiceView, held, services
from planner.units import HOURS_PER_MONTH, MICRO_USD_PER_USD, SECONDS_PER_HOUR, format_percent

if TYPE_CHECKING:
    from planner.plan import Estimate, Margin, Plan, Proof
    from planner.scenario import Scenario

_FLOORS = {"output_tokens_per_second", "request_rate_per_s", "availability", "recovery"}
"""Requirements that ask for at least their limit; the others ask for at most."""
_MILLI = 10**3
_NANOGRAMS_PER_KG = 10**12


class Requirement(NamedTuple):
    """A row of the margin table. ``low``/``high`` are the 90 % interval, None where the figure is exact.

    ``sure`` says that the limit lies outside the interval, or that the figure is meant at the confidence asked for.
    """

    label: str
    limit_text: str
    actual_text: str
    interval_text: str
    slack_text: str
    holds: bool
    sure: bool
    limit: float
    actual: float
    low: float | None
    high: float | None


class Headline(NamedTuple):
    """One of the few figures that a reader wants first; ``aside`` is its limit or its other unit."""

    label: str
    value: str
    aside: str


class Ruled(NamedTuple):
    """How many candidates a reason ruled out."""

    label: str
    message: str
    candidates: str


class Preferred(NamedTuple):
    """What a rule that prefers something else counts against the plan."""

    rule: str
    message: str
    counted: str


class PlanView(NamedTuple):
    """Everything that a report of a plan may show."""

    title: str
    subject: str
    fleets: tuple[Fleet, ...]
    cost_per_month: str
    cost_per_hour: str
    cost_per_million: str
    figures: tuple[Headline, ...]
    requirements: tuple[Requirement, ...]
    memory: tuple[Breakdown, ...]
    cost: tuple[Breakdown, ...]
    performance: tuple[Breakdown, ...]
    reasons: tuple[str, ...]
    preferences: tuple[Preferred, ...]
    rivals: tuple[Rival, ...]
    proof: str
    rejected: tuple[Ruled, ...]
    warnings: tuple[str, ...]
    sources: tuple[str, ...]
    inputs: tuple[tuple[str, str], ...]
    leading: tuple[Breakdown, ...] = ()
    """What the text tells before memory: of a training run, where its time goes."""
    rival_columns: tuple[str, str, str] = ("per month", "TTFT p95", "TPOT p95")
    """What cost and the two figures of an alternative are."""
    outlook: tuple[str, ...] = ()
    wrong: WrongTable | None = None
    held: tuple[Held, ...] = ()
    """What is held in all, where several fleets serve."""
    services: tuple[ServiceView, ...] = ()
    """What each service gets, where several fleets serve."""


_ALSO = (("deadline", "time_to_train"), ("run", "cost_of_the_run"))
"""(requirement, the estimate that it limits) where they have different names."""


def plan_view(plan: Plan, say: Translator, scenario: Scenario | None = None) -> PlanView:
    """Return the view of ``plan`` in the language of ``say``; the scenario adds the words of what was asked."""
    estimates = {quantity(item.name): item for item in plan.estimates}
    limits = {quantity(item.requirement): item for item in plan.margins}
    for limit, name in _ALSO:
        if name in estimates:
            estimates[limit] = estimates[name]
        if limit in limits:
            limits[name] = limits[limit]

    sources = _sources(plan)
    references = {source: number for number, source in enumerate(sources, 1)}

    def breakdowns(names: Sequence[str], least: int = 2) -> tuple[Breakdown, ...]:
        chosen = (estimates[name] for name in names if name in estimates and len(estimates[name].terms) >= least)
        return tuple(breakdown(item, limits.get(quantity(item.name)), references, say) for item in chosen)

    latencies = [name for name in ("ttft_p95", "tpot_p95", "e2e_p95") if name in limits or name != "e2e_p95"]
    per_million = next((item for item in plan.estimates if "per_million" in item.name), None)
    requirements = tuple(requirement_row(item, estimates.get(quantity(item.requirement)), say) for item in plan.margins)
    per_hour = figure(plan.cost_usd_per_hour, "USD/h", say)
    per_token = figure(per_million.value, "USD", say) if per_million else ""
    view = PlanView(
        title=plan.scenario,
        subject=subject(scenario, say) if scenario else plan.deployments[0].model,
        fleets=tuple(fleet(item, say) for item in plan.deployments),
        cost_per_month=figure(plan.cost_usd_per_month, "USD/month", say),
        cost_per_hour=per_hour,
        cost_per_million=per_token,
        figures=_headlines(plan, requirements, per_hour, per_token, say),
        requirements=requirements,
        memory=breakdowns(["memory_per_gpu"]),
        cost=breakdowns(["cost", "cost_of_the_run", "power"], least=1),
        performance=breakdowns([*latencies, "time_to_train"]),
        reasons=tuple(map(say.sentence, plan.reasons)),
        rivals=tuple(rival(item, plan, say) for item in plan.alternatives),
        preferences=tuple(
            Preferred(item.rule, say.sentence(item.message), figure(item.usd_per_month, "USD/month", say))
            for item in plan.preferences
        ),
        proof=proof_sentence(plan.proof, say, preferring=bool(plan.preferences), goal=plan.goal),
        rejected=tuple(
            Ruled(label(item.reason, say), say.sentence(item.message), f"{item.count:,}") for item in plan.rejected
        ),
        warnings=(*(_warned(text, plan, say) for text in plan.warnings), *_switched_off(scenario, say)),
        sources=sources,
        inputs=plan.inputs,
        outlook=outlook(plan, say),
        wrong=wrong_table(plan, say),
        held=held(plan, say),
        services=services(plan, say),
    )
    if isinstance(plan, TrainingPlan):
        from planner.report.training_view import training_view

        return training_view(view, plan, say)
    return view


def _warned(text: str, plan: Plan, say: Translator) -> str:
    """Return a warning in the report's language; among several services it begins with the one it is about."""
    service, colon, rest = text.partition(": ")
    if colon and any(item.service == service for item in plan.services):
        return f"{service}: {say.sentence(rest)}"
    return say.sentence(text)


def _switched_off(scenario: Scenario | None, say: Translator) -> tuple[str, ...]:
    rules = scenario.disabled_rules if scenario else ()
    return tuple(say("The rule {id} is switched off: {reason}", id=rule.id, reason=rule.reason) for rule in rules)


def _headlines(
    plan: Plan, requirements: Sequence[Requirement], per_hour: str, per_token: str, say: Translator
) -> tuple[Headline, ...]:
    found = [Headline(say("Cost per month"), figure(plan.cost_usd_per_month, "USD", say), per_hour)]
    if per_token:
        found.append(Headline(say("Per million tokens"), per_token, say("output tokens")))
    gpus = say("{n} per replica", n=plan.deployments[0].gpus_per_replica)
    total = sum(item.gpus for item in plan.deployments)
    if plan.holdings:
        total = sum(item.instances * item.gpus_per_instance for item in plan.holdings)
        gpus = ""
    count = f"{total:,}"
    if any(it.instances_by_hour for it in plan.holdings):
        count, gpus = f"{min(_by_hour(plan)):,}–{total:,}", say("by the hour")
    found.append(Headline(say("GPUs"), count, gpus))
    predicted = [row for row in requirements if row.low is not None]
    found += [Headline(row.label, row.actual_text, row.limit_text) for row in predicted[: 5 - len(found)]]
    return tuple(found)


def _by_hour(plan: Plan) -> list[int]:
    """Return the GPUs that are held in each hour."""
    hours = max(len(item.instances_by_hour) for item in plan.holdings)
    return [
        sum(
            it.gpus_per_instance * (it.instances_by_hour[h] if it.instances_by_hour else it.instances)
            for it in plan.holdings
        )
        for h in range(hours)
    ]


def _sources(plan: Plan) -> tuple[str, ...]:
    """Return every source that an estimate or one of its terms names, once, in the order of their appearance."""
    named = (source for item in plan.estimates for source in (item.source, *(term.source for term in item.terms)))
    return tuple(dict.fromkeys(filter(None, named)))


def subject(scenario: Scenario, say: Translator) -> str:
    """Return what is to be served, in one sentence: model, load and token counts."""
    work = scenario.workload
    if work.kind == "training":
        from planner.report.training_view import training_subject

        return training_subject(scenario, work, say)  # type: ignore[arg-type]  # its kind says so
    if len(scenario.parts) > 1:
        return say("{n} services: {names}", n=len(scenario.parts), names=", ".join(it.name for it in scenario.parts))
    (scenario,) = scenario.parts
    work = scenario.workload
    if work.concurrency is not None:
        load = say("{n} requests at a time", n=f"{work.concurrency:,}")
    else:
        load = say("{n} requests per second", n=f"{work.request_rate_per_s:g}")
    tokens = say("{i} tokens in, {o} out", i=f"{work.input_tokens:,}", o=f"{work.output_tokens:,}")
    return f"{scenario.model if isinstance(scenario.model, str) else scenario.name} · {load} · {tokens}"


def _least_of(goal: str, least: int, say: Translator) -> str:
    """Return what a proof says of energy or carbon, which it counts in milliwatts or in nanograms per second."""
    if goal == "energy":
        return figure(least / _MILLI, "W", say)
    monthly = least / _NANOGRAMS_PER_KG * HOURS_PER_MONTH * SECONDS_PER_HOUR
    return say("{n} kg of CO2 a month", n=amount(monthly))


def proof_sentence(proof: Proof, say: Translator, *, preferring: bool = False, goal: str = "cost") -> str:
    """Return what the solver proved and how much it looked at."""
    counted = say(
        "{feasible} of {candidates} candidates hold every requirement",
        feasible=f"{proof.feasible:,}",
        candidates=f"{proof.candidates:,}",
    )
    bound = figure(proof.bound_micro_usd_per_hour / MICRO_USD_PER_USD, "USD/h", say)
    if goal != "cost":
        bound = _least_of(goal, proof.bound_micro_usd_per_hour, say)
        found = say("Proven best: no plan needs less than {bound}", bound=bound)
        if proof.gap > 0:
            gap = format_percent(proof.gap)
            found = say("Best found: no plan needs less than {bound}, a gap of {gap}", bound=bound, gap=gap)
    elif proof.gap <= 0 and preferring:
        found = say("Proven best: no plan costs less than {bound} with its preferences counted", bound=bound)
    elif proof.gap <= 0:
        found = say("Proven cheapest: no plan costs less than {bound}", bound=bound)
    else:
        found = say(
            "Best found: no plan costs less than {bound}, a gap of {gap}", bound=bound, gap=format_percent(proof.gap)
        )
    checked = say("checked again without the solver") if proof.checked else say("not checked")
    return f"{found} ({proof.solver}) · {counted} · {checked}"


def requirement_row(margin: Margin, estimate: Estimate | None, say: Translator) -> Requirement:
    """Return a requirement beside what is given, with the interval of the estimate that it limits."""
    low, high = (estimate.low, estimate.high) if estimate else (None, None)
    floor = quantity(margin.requirement) in _FLOORS
    worst = low if floor else high
    return Requirement(
        label=label(margin.requirement, say) + (f" @{format_percent(margin.confidence)}" if margin.confidence else ""),
        limit_text=f"{'≥' if floor else '≤'} {asked(margin.limit, margin.unit, say)}",
        actual_text=figure(margin.actual, margin.unit, say),
        interval_text=interval_of(estimate, say) if estimate else "",
        slack_text=format_percent(margin.slack, 0),
        holds=margin.holds,
        sure=margin.holds and (margin.confidence is not None or _beyond(margin, worst, floor)),
        limit=margin.limit,
        actual=margin.actual,
        low=low,
        high=high,
    )


def _beyond(margin: Margin, worst: float | None, floor: bool) -> bool:
    """Say whether the limit lies beyond the worse end of the interval, or there is no interval."""
    return worst is None or (worst >= margin.limit if floor else worst <= margin.limit)
