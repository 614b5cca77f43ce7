"""What the values of a scenario have to do with each other. Each check is given a draft and says what is wrong.

A requirement that can never decide anything is refused like one that cannot be met: whoever wrote it meant something
else. A field that is not right is absent from the draft; a check that needs it then says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from planner.scenario.fleet import checks_of_services, services_apart
from planner.scenario.model import Scenario
from planner.scenario.reader import Draft, Problem
from planner.scenario.sections import Search, key_of
from planner.scenario.supply import Quota
from planner.units import CURRENCY_UNITS_PER_USD, format_duration_ms, format_percent, format_rate_per_second

_ABSENT: Any = object()
_ALL = 1e-6
"""By how much shares of all requests may miss one."""
MOST_SIZES = 6
"""Classes of sizes: each further one doubles the ways to split the traffic."""


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


def lengths_or_sizes(draft: Draft) -> Iterator[Problem]:
    """Lengths are given once: as averages, or by classes whose shares are all of the requests."""
    load = draft.get("workload")
    if not isinstance(load, dict):
        return
    sizes = load.get("sizes", _ABSENT)
    for name in ("input_tokens", "output_tokens"):
        if sizes is _ABSENT or name not in load:
            continue
        if not sizes and not load[name]:
            yield Problem(("workload",), f"{name} is missing", "add `" + name + ": 2048`", "missing-key", True)
        elif sizes and load[name]:
            yield Problem(
                ("workload", name), "contradicts workload.sizes, which give the lengths class by class",
                "keep one of the two", "contradiction", True,
            )  # fmt: skip
    if sizes and sizes is not _ABSENT:
        shares = [item.get("share", _ABSENT) for item in sizes]
        if _ABSENT not in shares and abs(sum(shares) - 1.0) > _ALL:
            yield Problem(
                ("workload", "sizes"), f"the shares add up to {format_percent(sum(shares))}", "make them add up to 100%"
            )
        if len(sizes) > MOST_SIZES:
            yield Problem(("workload", "sizes"), f"lists {len(sizes)} classes", f"merge them to at most {MOST_SIZES}")


def quotas_of_something(draft: Draft) -> Iterator[Problem]:
    """A quota names what it is of and one amount; a share of spot needs that spot may be used."""
    limits = _section(draft, "limits")
    for index, quota in enumerate(limits.get("quotas", ())):
        place = ("limits", "quotas", index)
        if all(quota.get(name) is None for name in Quota.WORDS):
            yield Problem(
                place, "does not say of what", "add `accelerator: h100-sxm` or `provider: aws`", "missing-key"
            )
        if (quota.get("nodes") is None) == (quota.get("gpus") is None):
            yield Problem(place, "must have one of nodes and gpus", "write `nodes: 4` or `gpus: 32`", "missing-key")
    pricing = _section(draft, "search").get("pricing", _ABSENT)
    if limits.get("spot_share") is not None and pricing is not _ABSENT and "spot" not in (pricing or ()):
        yield Problem(
            ("limits", "spot_share"), "decides nothing: spot is used only where search.pricing names it",
            "add `search: {pricing: [on-demand, spot]}`", "contradiction",
        )  # fmt: skip


def inventory_with_running_cost(draft: Draft) -> Iterator[Problem]:
    """What is owned costs its power, which has a price at a site, or what the scenario says."""
    region = _section(draft, "site").get("region", _ABSENT)
    for index, item in enumerate(draft.get("inventory", ())):
        if region is None and item.get("cost", _ABSENT) is None:
            yield Problem(
                ("inventory", index), "has no running cost",
                "add `cost: 2 USD/h` for a node, or `site: {region: ...}` for its price of electricity", "missing-key",
            )  # fmt: skip


def disaggregated_at_a_rate(draft: Draft) -> Iterator[Problem]:
    """Stages have to be told how many requests arrive, and how the time of a request is divided between them."""
    if not _section(draft, "search").get("disaggregated"):
        return
    if _section(draft, "workload").get("concurrency") is not None:
        yield Problem(
            ("search", "disaggregated"),
            "needs workload.request_rate: of requests in flight, how many wait for a prefill depends on the decoding",
            "write `request_rate: 12/s` instead of `concurrency`", "contradiction", True,
        )  # fmt: skip
    sla = _section(draft, "sla")
    if sla.get("e2e_p95_ms") is not None and sla.get("ttft_p95_ms") is None:
        yield Problem(
            ("search", "disaggregated"),
            "needs sla.ttft_p95 beside sla.e2e_p95, to divide the time of a request between the stages",
            "add `ttft_p95: 2s`", "missing-key", True,
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


def _mean_output(load: dict[str, Any]) -> float | None:
    """Return the mean output of the requests, by classes where there are some; None where it is not known."""
    sizes: list[dict[str, Any]] = load.get("sizes") or []
    if not sizes:
        return load.get("output_tokens") or None
    if any(item.get(name) is None for item in sizes for name in ("share", "output_tokens")):
        return None
    return float(sum(item["share"] * item["output_tokens"] for item in sizes))


def throughput_that_arrives(draft: Draft) -> Iterator[Problem]:
    """No more tokens can be generated than requests ask for."""
    load, asked = _section(draft, "workload"), _section(draft, "sla").get("output_tokens_per_second")
    rate, tokens = load.get("request_rate_per_s"), _mean_output(load)
    if asked is not None and rate is not None and tokens is not None and asked > rate * tokens * (1 + 1e-9):
        most = format_rate_per_second(rate * tokens, "tok")
        yield Problem(
            ("sla", "output_tokens_per_second"),
            f"{format_rate_per_second(asked, 'tok')} cannot be: {format_rate_per_second(rate)} requests of {tokens:g} "
            f"output tokens ask for {most}",
            f"ask at most {most}, or raise workload.request_rate", "contradiction",
        )  # fmt: skip


def money_with_a_rate(draft: Draft) -> Iterator[Problem]:
    """Every currency that is used has a rate."""
    rates = draft.get("currency_rates")
    if rates is None:
        return
    budget, site = _section(draft, "budget"), _section(draft, "site")
    sums: list[tuple[tuple[str | int, ...], Any]] = []
    sums += [(("budget", name), budget.get(name)) for name in ("max", "peak", "capex", "tco", "run")]
    sums += [(("site", key_of(name)), site.get(name)) for name in ("electricity_per_kwh", "colocation_per_kw")]
    sums += [(("inventory", index, "cost"), item.get("cost")) for index, item in enumerate(draft.get("inventory", ()))]
    sums += [(("rule_penalties", name), money) for name, money in draft.get("rule_penalties", {}).items()]
    per_million = ("input_per_million", "output_per_million", "cached_per_million")
    sums += [
        (("compare", index, name), item.get(name))
        for index, item in enumerate(draft.get("compare", ()))
        for name in per_million
    ]
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


Check = Callable[[Draft], Iterator[Problem]]

SERVICE_CHECKS: tuple[Check, ...] = (
    one_kind_of_load,
    lengths_or_sizes,
    limits_that_decide,
    confidence_in_something,
    throughput_that_arrives,
    disaggregated_at_a_rate,
)
"""What is asked of each service."""

_SHARED_CHECKS: tuple[Check, ...] = (
    money_with_a_rate,
    purchase_with_its_terms,
    quotas_of_something,
    inventory_with_running_cost,
    rules_once,
)

CHECKS: tuple[Check, ...] = (*SERVICE_CHECKS, *_SHARED_CHECKS)
FLEET_CHECKS: tuple[Check, ...] = (services_apart, checks_of_services, *_SHARED_CHECKS)


def path_problems(draft: Draft, base_dir: Path) -> Iterator[Problem]:
    """Files that a scenario names exist, and lie in its directory or below it, wherever links lead.

    A scenario may come from somebody else; it decides what is read, so it may not reach beyond its own directory.
    """
    models: list[tuple[tuple[str | int, ...], Any]] = [(("model",), draft.get("model"))]
    models += [(("services", i, "model"), item.get("model")) for i, item in enumerate(draft.get("services") or ())]
    for place, model in models:
        if isinstance(model, str) and is_path(model):
            yield from _path_problem(place, model, base_dir, directory=True)
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


_SEARCHED = ("weights", "kv_cache", "accelerators", "vendors", "engines", "providers", "regions")
"""Keys of ``search`` whose values are ids; they are the kinds of those ids as well."""

Named = tuple[tuple[str | int, ...], Any, str]
"""Where an id stands, the id, and its kind."""


def named_ids(scenario: Scenario) -> Iterator[Named]:
    """Yield every id that a scenario names, with its place in the file and its kind; ids that are left out as well."""
    yield ("site", "region"), scenario.site.region, "sites"
    yield from _searched(scenario.search, ())
    for index, service in enumerate(getattr(scenario, "services", ())):
        yield from _searched(service.search, ("services", index))
    for index, item in enumerate(scenario.inventory):
        yield ("inventory", index, "accelerator"), item.accelerator, "accelerators"
        yield ("inventory", index, "offer"), item.offer, "offers"
    for index, quota in enumerate(scenario.limits.quotas):
        for key in ("offer", "accelerator", "provider", "region"):
            yield ("limits", "quotas", index, key), getattr(quota, key), f"{key}s"


def _searched(search: Search, above: tuple[str | int, ...]) -> Iterator[Named]:
    for key in _SEARCHED:
        for index, value in enumerate(getattr(search, key) or ()):
            yield (*above, "search", key, index), value, key


def reference_problems(scenario: Scenario, known: Callable[[str], Collection[str]]) -> Iterator[Problem]:
    """Yield a problem for each id that is not among the ``known`` ones of its kind."""
    from planner.source import closest

    for place, value, kind in named_ids(scenario):
        if value is None:
            continue
        ids = known(kind)
        if value not in ids:
            stem = f"{str(value).casefold()}-"
            kin = sorted(it for it in ids if it.casefold().startswith(stem))
            if len(kin) > 1:  # a100 is rather one of its own kinds than its neighbour a10
                yield Problem(place, f"{value!r} is not in the catalog", f"write one of {', '.join(kin)}", "unknown-id")
                continue
            best = closest(str(value), ids)
            few = sorted(ids)[:12]
            remedy = f"known: {', '.join(few)}{', ...' if len(ids) > len(few) else ''}"
            yield Problem(place, f"{value!r} is not in the catalog", f"did you mean {best!r}?" if best else remedy,
                          "unknown-id")  # fmt: skip
