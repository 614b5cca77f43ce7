"""What the requests and what is asked of them have to do with each other: the checks that hold for each service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from planner.scenario.reader import Draft, Problem
from planner.units import format_duration_ms, format_percent, format_rate_per_second

ABSENT: Any = object()
"""Stands for a field that is not there, or not right."""
_ALL = 1e-6
"""By how much shares of all requests may miss one."""
MOST_SIZES = 6
"""Classes of sizes: each further one doubles the ways to split the traffic."""


def section_of(draft: Draft, name: str) -> Draft:
    """Return a section of a draft; an empty one where it is missing or wrong."""
    section = draft.get(name)
    return section if isinstance(section, dict) else {}


def one_kind_of_load(draft: Draft) -> Iterator[Problem]:
    """Exactly one of concurrency and request rate."""
    if not isinstance(draft.get("workload"), dict):
        return
    load = draft["workload"]
    concurrency, rate = load.get("concurrency", ABSENT), load.get("request_rate_per_s", ABSENT)
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
    sizes = load.get("sizes", ABSENT)
    for name in ("input_tokens", "output_tokens"):
        if sizes is ABSENT or name not in load:
            continue
        if not sizes and not load[name]:
            yield Problem(("workload",), f"{name} is missing", "add `" + name + ": 2048`", "missing-key", True)
        elif sizes and load[name]:
            yield Problem(
                ("workload", name), "contradicts workload.sizes, which give the lengths class by class",
                "keep one of the two", "contradiction", True,
            )  # fmt: skip
    if sizes and sizes is not ABSENT:
        shares = [item.get("share", ABSENT) for item in sizes]
        if ABSENT not in shares and abs(sum(shares) - 1.0) > _ALL:
            yield Problem(
                ("workload", "sizes"), f"the shares add up to {format_percent(sum(shares))}", "make them add up to 100%"
            )
        if len(sizes) > MOST_SIZES:
            yield Problem(("workload", "sizes"), f"lists {len(sizes)} classes", f"merge them to at most {MOST_SIZES}")


def disaggregated_at_a_rate(draft: Draft) -> Iterator[Problem]:
    """Stages have to be told how many requests arrive, and how the time of a request is divided between them."""
    if not section_of(draft, "search").get("disaggregated"):
        return
    if section_of(draft, "workload").get("concurrency") is not None:
        yield Problem(
            ("search", "disaggregated"),
            "needs workload.request_rate: of requests in flight, how many wait for a prefill depends on the decoding",
            "write `request_rate: 12/s` instead of `concurrency`", "contradiction", True,
        )  # fmt: skip
    sla = section_of(draft, "sla")
    if sla.get("e2e_p95_ms") is not None and sla.get("ttft_p95_ms") is None:
        yield Problem(
            ("search", "disaggregated"),
            "needs sla.ttft_p95 beside sla.e2e_p95, to divide the time of a request between the stages",
            "add `ttft_p95: 2s`", "missing-key", True,
        )  # fmt: skip


def limits_that_decide(draft: Draft) -> Iterator[Problem]:
    """Of two limits of which one includes the other, the wider must not be the stricter one's shadow."""
    sla = section_of(draft, "sla")
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
    sla = section_of(draft, "sla")
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
    load, asked = section_of(draft, "workload"), section_of(draft, "sla").get("output_tokens_per_second")
    rate, tokens = load.get("request_rate_per_s"), _mean_output(load)
    if asked is not None and rate is not None and tokens is not None and asked > rate * tokens * (1 + 1e-9):
        most = format_rate_per_second(rate * tokens, "tok")
        yield Problem(
            ("sla", "output_tokens_per_second"),
            f"{format_rate_per_second(asked, 'tok')} cannot be: {format_rate_per_second(rate)} requests of {tokens:g} "
            f"output tokens ask for {most}",
            f"ask at most {most}, or raise workload.request_rate", "contradiction",
        )  # fmt: skip


SERVICE_CHECKS: tuple[Callable[[Draft], Iterator[Problem]], ...] = (
    one_kind_of_load,
    lengths_or_sizes,
    limits_that_decide,
    confidence_in_something,
    throughput_that_arrives,
    disaggregated_at_a_rate,
)
"""What is asked of each service."""
