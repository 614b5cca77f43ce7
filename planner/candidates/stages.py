"""Prefill and decode apart, each on a pool of its own, with the KV cache handed over in between.

A prefill replica answers with one token and keeps no sequence; a decode replica finds every prompt in its cache. So the
two stages are services like any other: the first has an output of one token, the second a prompt that needs no prefill.
What ties them together:

- engine, weights, KV format and vendor are the same on both sides (a **family**), since the cache is passed on as it
  is; groups may differ in size (DistServe, arXiv:2401.09670; Splitwise, arXiv:2311.18677);
- the time to first token is that of both: prefill may use ``1 - DECODE_SHARE`` of its limit, the handover and the first
  step of the decode replica the rest, so that whatever prefill and decode pools meet, the limit holds;
- the cache passes the network ports of either side, at the calibrated share of their rate.

Only a request rate says what a prefill pool has to carry: with a number of requests in flight it would follow from the
pace of decoding.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.parts import Part

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.candidates.table import CandidateTable
    from planner.scenario import Scenario

DECODE_SHARE = 0.1
"""Share of the limit on TTFT that is kept for the handover and the first decode step; a choice, not a measurement."""

Family = tuple[str, str, str, str]
"""Engine, weights, KV format and vendor of the accelerators."""

_AXES = ("engine", "weights", "kv", "hardware")
"""The axes of layouts that a family is read from."""


def staged(scenario: Scenario) -> tuple[tuple[Part, Scenario], tuple[Part, Scenario]]:
    """Return both stages of a service as scenarios of their own. Their requirements follow from ``Part.stage``."""
    work = scenario.workload
    first = replace(work, output_tokens=1, sizes=tuple(replace(item, output_tokens=1) for item in work.sizes))
    found = tuple(item.input_tokens for item in work.sizes) or (work.input_tokens,)
    cached = replace(work, prefix_hit_share=1.0 - 1.0 / max(*found, 2))
    return (
        (Part("prefill", of=2, stage="prefill", ttft_share=1.0 - DECODE_SHARE), replace(scenario, workload=first)),
        (Part("decode", of=2, stage="decode", ttft_share=DECODE_SHARE), replace(scenario, workload=cached)),
    )


def families(prefill: CandidateTable, decode: CandidateTable) -> tuple[Family, ...]:
    """Return the families of which both stages have a row."""
    return tuple(sorted(_families(prefill) & _families(decode)))


def of_family(table: CandidateTable, family: Family) -> NDArray[np.bool_]:
    """[row]: whether it is of ``family``."""
    found = np.ones(len(table), dtype=bool)
    for column, name in enumerate(_AXES):
        of_value = np.array([value == family[column] for value in _ids(table)[column]], dtype=bool)
        found &= of_value[table.column(name)]
    return found


def family_numbers(table: CandidateTable) -> NDArray[np.int64]:
    """[layout]: a number that layouts of the same family share."""
    number = np.zeros(len(table.layouts.engine), dtype=np.int64)
    for name, values in zip(_AXES, _ids(table), strict=True):
        distinct = sorted(set(values))
        of_value = np.array([distinct.index(value) for value in values], dtype=np.int64)
        number = number * len(distinct) + of_value[getattr(table.layouts, name)]
    return number


def by_family(table: CandidateTable, rows: NDArray[np.int64]) -> dict[Family, NDArray[np.int64]]:
    """Return those of ``rows`` that are of each family, in the order given."""
    number = family_numbers(table)[table.configurations.layout[table.configuration[rows]]]
    order = np.argsort(number, kind="stable")
    changes = np.flatnonzero(number[order][1:] != number[order][:-1]) + 1
    groups = np.split(rows[order], changes) if rows.size else []
    return {_family(table, int(group[0])): group for group in groups}


def _ids(table: CandidateTable) -> tuple[tuple[str, ...], ...]:
    """Return what a family is made of, for each index of the axes: engines, weights, KV formats, hardware's vendors."""
    axes = table.layouts.axes
    return (
        tuple(item.id for item in axes.engines),
        tuple(item.id for item in axes.weights),
        tuple(item.id for item in axes.kv_formats),
        tuple(item.accelerator.vendor for item in axes.hardware),
    )


def _families(table: CandidateTable) -> set[Family]:
    if not len(table):
        return set()
    return set(by_family(table, np.arange(len(table))))


def _family(table: CandidateTable, row: int) -> Family:
    """Return the family of a row."""
    layout = int(table.configurations.layout[table.configuration[row]])
    engines, weights, kv_formats, vendors = _ids(table)
    of = table.layouts
    return (
        engines[int(of.engine[layout])],
        weights[int(of.weights[layout])],
        kv_formats[int(of.kv[layout])],
        vendors[int(of.hardware[layout])],
    )
