"""Corrections as text: the measured loads of each group, what each weighs for each metric, and the levels' spreads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from planner.performance.corrections import LEVELS, OCTAVES, SCALES, CorrectionLevel, Corrections
from planner.performance.deployments import IntArray
from planner.performance.steady_state import METRICS

FACTORS = ("campaign", "model", "engine", "accelerator", "arithmetic", "run")
"""Of which the key of a group is made: those of all levels."""


def encode_corrections(corrections: Corrections) -> Iterator[str]:
    """Yield the lines of the mapping. A point is its coordinates, then its weights in the order of the metrics."""
    spreads = {
        metric: {name: [digits(value) for value in pair] for name, pair in zip(LEVELS, pairs.tolist(), strict=True)}
        for metric, pairs in zip(METRICS, corrections.spreads, strict=True)
    }
    yield f'  "spreads": {json.dumps(spreads)},'
    groups: dict[str, list[list[float]]] = {}
    rows = np.concatenate([_natural(corrections.points), corrections.weights.T], axis=1).tolist()
    for key, row in zip(_keys(corrections), rows, strict=True):
        groups.setdefault(key, []).append([_short(value) for value in row])
    yield '  "points": {'
    lines = (
        f"    {json.dumps(key)}: {json.dumps(sorted(points), separators=(',', ':'))}"
        for key, points in sorted(groups.items())
    )
    yield ",\n".join(lines)
    yield "  }"


def decode_corrections(data: Mapping[str, Any]) -> Corrections | None:
    """Return the corrections, None without any. Raises KeyError, TypeError or ValueError where the data is none."""
    groups = data["points"]
    if not groups:
        return None
    table = np.array([row for rows in groups.values() for row in rows], dtype=np.float64)
    group = np.repeat(np.arange(len(groups)), [len(rows) for rows in groups.values()])
    points = table[:, : len(SCALES)]
    points[:, :OCTAVES] = np.log2(points[:, :OCTAVES])
    levels = []
    for name in LEVELS:
        keys, member = _members(name, list(groups))
        levels.append(CorrectionLevel(name, keys, member[group]))
    spreads = np.array([[data["spreads"][metric][name] for name in LEVELS] for metric in METRICS], dtype=np.float64)
    return Corrections(points / np.array(SCALES), table[:, len(SCALES) :].T, tuple(levels), spreads)


def digits(value: float) -> float:
    """Round to what a fit can tell; keeps files small and their bytes the same on every machine."""
    return float(f"{value:.4g}")


def _natural(points: Any) -> Any:
    """Return points in sequences, GPUs, tokens and so on."""
    values = points * np.array(SCALES)
    values[:, :OCTAVES] = np.exp2(values[:, :OCTAVES])
    return values


def _short(value: float) -> float:
    """Round, and write whole numbers without their point."""
    rounded = digits(value)
    return int(rounded) if rounded.is_integer() else rounded


def _keys(corrections: Corrections) -> Iterator[str]:
    """Yield the key of each point's group."""
    columns = [[level.keys[i].split() for i in level.member.tolist()] for level in corrections.levels]
    names = [part for level in corrections.levels for part in level.name.split()]
    places = [names.index(factor) for factor in FACTORS]
    for parts in zip(*columns, strict=True):
        values = [value for part in parts for value in part]
        yield " ".join(values[place] for place in places)


def _members(level: str, groups: list[str]) -> tuple[tuple[str, ...], IntArray]:
    """Return the keys of a level, and the place among them of each group."""
    columns = [FACTORS.index(part) for part in level.split()]
    parts = [key.split() for key in groups]
    keys, member = np.unique([" ".join(each[i] for i in columns) for each in parts], return_inverse=True)
    return tuple(keys.tolist()), member
