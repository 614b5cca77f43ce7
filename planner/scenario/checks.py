"""What the values of a scenario have to do with each other. Each check is given a draft and says what is wrong.

A requirement that can never decide anything is refused like one that cannot be met: whoever wrote it meant something
else. A field that is not right is absent from the draft; a check that needs it then says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from planner.scenario.model import Scenario
from planner.scenario.reader import Draft, Problem
from planner.units import CURRENCY_UNITS_PER_USD, format_duration_ms, format_rate_per_second

_ABSENT: Any = object()


def _section(draft: Draft, name: str) -> Draft:
    section = draft.get(name)
    return section if isinstance(section, dict) else {}


def one_kind_of_load(draft: Draft) -> Iterator[Problem]:
    """Exactly one of concurrency and request rate."""
    if not isinstance(draft.get("workload"), dict):
        return
    load = draft["workload"]
    concurrency, rate = load.get("concurrency", _ABSENT), load.get("request_rate_per_s", _ABSENT)
    if concurrency is None and rate is None:
        yield Problem(
            ("workload",), "how many requests there are is missing",
            "add `concurrency: 200` (requests in flight) or `request_rate: 12/s`", "missing-key", True,
        )  # fmt: skip
    elif concurrency is not None and rate is not None:
        yield Problem(
            ("workload", "request_rate"), "contradicts workload.concurrency: the load is one or the other",
            "keep `concurrency` for a closed loop, or `request_rate` for arrivals", "contradiction", True,
        )  # fmt: skip


def limits_that_decide(draft: Draft) -> Iterator[Problem]:
    """Of two limits of which one includes the other, the wider must not be the stricter one's shadow."""
    sla = _section(draft, "sla")
    for inner, outer, why in (
        ("ttft_p50", "ttft_p95", "the median is never above the 95th percentile"),
        ("ttft_p95", "e2e_p95", "the first token is never later than the last"),
    ):
        narrow, wide = sla.get(f"{inner}_ms"), sla.get(f"{outer}_ms")
        if narrow is not None and wide is not None and narrow > wide:
            yield Problem(
                ("sla", inner),
                f"{format_duration_ms(narrow)} decides nothing beside sla.{outer} of {format_duration_ms(wide)}: {why}",
                f"lower {inner} below {format_duration_ms(wide)}, or leave it out", "contradiction",
            )  # fmt: skip


def confidence_in_something(draft: Draft) -> Iterator[Problem]:
    """A confidence is one in predictions that are asked for."""
    sla = _section(draft, "sla")
    predicted = ("ttft_p50_ms", "ttft_p95_ms", "tpot_p95_ms", "e2e_p95_ms", "output_tokens_per_second")
    if sla.get("confidence") is not None and all(sla.get(name) is None for name in predicted):
        yield Problem(
            ("sla", "confidence"), "decides nothing: no latency or throughput is asked for",
            "add `ttft_p95: 2s`, `tpot_p95: 50ms` or another limit, or leave it out", "contradiction",
        )  # fmt: skip


def throughput_that_arrives(draft: Draft) -> Iterator[Problem]:
    """No more tokens can be generated than requests ask for."""
    load, asked = _section(draft, "workload"), _section(draft, "sla").get("output_tokens_per_second")
    rate, tokens = load.get("request_rate_per_s"), load.get("output_tokens")
    if asked is not None and rate is not None and tokens is not None and asked > rate * tokens * (1 + 1e-9):
        most = format_rate_per_second(rate * tokens, "tok")
        yield Problem(
            ("sla", "output_tokens_per_second"),
            f"{format_rate_per_second(asked, 'tok')} cannot be: {format_rate_per_second(rate)} requests of {tokens} "
            f"output tokens ask for {most}",
            f"ask at most {most}, or raise workload.request_rate", "contradiction",
        )  # fmt: skip


def money_with_a_rate(draft: Draft) -> Iterator[Problem]:
    """Every currency that is used has a rate."""
    rates = draft.get("currency_rates")
    if rates is None:
        return
    sums = [(("budget", name), _section(draft, "budget").get(name)) for name in ("max", "capex", "tco", "run")]
    sums += [(("rule_penalties", name), money) for name, money in draft.get("rule_penalties", {}).items()]
    for place, money in sums:
        if money is not None and money.currency not in rates and money.currency not in CURRENCY_UNITS_PER_USD:
            from planner.source import closest

            best = closest(money.currency, CURRENCY_UNITS_PER_USD)
            remedy = (
                f"add `currency_rates: {{{money.currency}: <{money.currency} per US dollar>}}` at the top of the file"
            )
            yield Problem(
                place, f"no exchange rate is known for {money.currency}",
                f"did you mean {best}? Otherwise {remedy}" if best else remedy, "missing-rate",
            )  # fmt: skip


def purchase_with_its_terms(draft: Draft) -> Iterator[Problem]:
    """Buying needs a time to write it off and a place; limits on buying need that something may be bought."""
    budget, pricing = _section(draft, "budget"), _section(draft, "search").get("pricing", _ABSENT)
    horizon, region = budget.get("horizon_months", _ABSENT), _section(draft, "site").get("region", _ABSENT)
    if budget.get("tco") is not None and horizon is None:
        remedy = "add `horizon: 36 months` beside it"
        yield Problem(("budget", "tco"), "a total cost needs the time that it covers", remedy, "missing-key")
    if pricing is not _ABSENT and pricing is not None and "purchase" in pricing:
        if horizon is None:
            yield Problem(
                ("search", "pricing"), "purchase needs a time over which the hardware is written off",
                "add `budget: {horizon: 36 months}`", "missing-key",
            )  # fmt: skip
        if region is None:
            yield Problem(
                ("search", "pricing"), "purchase needs a place with its price of electricity",
                "add `site: {region: ...}`; `planner catalog list regions` shows them", "missing-key",
            )  # fmt: skip
    elif budget.get("capex") is not None and pricing is not _ABSENT:
        if pricing is not None:
            yield Problem(("budget", "capex"), "limits purchases, and search.pricing allows none",
                          "add `purchase` to search.pricing, or leave capex out", "contradiction")  # fmt: skip
        elif horizon is None or region is None:
            yield Problem(
                ("budget", "capex"), "limits purchases, which need budget.horizon and site.region to be priced",
                "add `horizon: 36 months` here and `site: {region: ...}`", "missing-key",
            )  # fmt: skip


def rules_once(draft: Draft) -> Iterator[Problem]:
    """No rule is switched off twice."""
    seen: set[str] = set()
    for index, rule in enumerate(draft.get("disabled_rules", ())):
        if rule["id"] in seen:
            yield Problem(("disable_rules", index, "id"), f"{rule['id']!r} is switched off twice", "list it once")
        seen.add(rule["id"])


CHECKS: tuple[Callable[[Draft], Iterator[Problem]], ...] = (
    one_kind_of_load,
    limits_that_decide,
    confidence_in_something,
    throughput_that_arrives,
    money_with_a_rate,
    purchase_with_its_terms,
    rules_once,
)


def path_problems(draft: Draft, base_dir: Path) -> Iterator[Problem]:
    """Files that a scenario names exist, and lie in its directory or below it, wherever links lead.

    A scenario may come from somebody else; it decides what is read, so it may not reach beyond its own directory.
    """
    model = draft.get("model")
    if isinstance(model, str) and is_path(model):
        yield from _path_problem(("model",), model, base_dir, directory=True)
    for index, path in enumerate(draft.get("rule_paths", ())):
        yield from _path_problem(("rules", index), path, base_dir, directory=False)


def is_path(model: str) -> bool:
    """Whether a model is named by a path: it starts with a dot, a slash or a tilde, or ends like a model file."""
    return model.startswith((".", "/", "~", "\\")) or model.endswith((".json", ".gguf", ".safetensors"))


def _path_problem(at: tuple[str | int, ...], written: str, base: Path, *, directory: bool) -> Iterator[Problem]:
    try:
        root = base.resolve()
        path = (root / written).resolve()
        inside = not written.startswith("~") and path.is_relative_to(root)
        exists = path.is_file() or (directory and path.is_dir())
    except (OSError, ValueError, RuntimeError) as error:
        yield Problem(at, f"{written!r} cannot be followed: {error}", "write a path such as ./company.yaml", "bad-path")
        return
    if not inside:
        yield Problem(at, f"{written!r} lies outside the scenario's directory", "copy the file beside the scenario",
                      "outside-path")  # fmt: skip
    elif not exists:
        yield Problem(at, f"{written!r} does not exist", "paths start at the scenario's directory", "no-file")


def reference_problems(scenario: Scenario, known: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    """Yield a problem for each id that is not among the ``known`` ones of its key."""
    from planner.source import closest

    for name, ids in known.items():
        if name == "region":
            places: list[tuple[tuple[str | int, ...], Any]] = [(("site", "region"), scenario.site.region)]
        else:
            chosen = getattr(scenario.search, name) or ()
            places = [(("search", name, index), value) for index, value in enumerate(chosen)]
        for place, value in places:
            if value is not None and value not in ids:
                best = closest(str(value), ids)
                few = sorted(ids)[:12]
                remedy = f"known: {', '.join(few)}{', ...' if len(ids) > len(few) else ''}"
                yield Problem(place, f"{value!r} is not in the catalog", f"did you mean {best!r}?" if best else remedy,
                              "unknown-id")  # fmt: skip
