"""What coefficients may depend on, factor by factor: model, engine, generation, accelerator, arithmetic, link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from planner.performance.deployments import Deployments, IntArray
from planner.performance.resources import LINKS, arithmetic_class, link_index

FACTORS = ("model", "campaign", "engine", "generation", "accelerator", "arithmetic", "link", "run")
REFERENCE = "inferencex"
"""The campaign whose tuning estimates assume: recent engine versions, set up by people who know them."""


@dataclass(frozen=True, slots=True)
class Situations:
    """The distinct combinations of factors among ``n`` rows. ``codes[f][s]`` indexes ``names[f]`` for situation s."""

    names: Mapping[str, tuple[str, ...]]
    codes: Mapping[str, IntArray]
    index: IntArray
    """Row -> situation."""

    def __len__(self) -> int:
        return len(self.codes["engine"])

    def places(self, level: str, keys: Mapping[str, int]) -> IntArray:
        """Return per situation the value of ``keys`` at its key, such as ``vllm hopper``; -1 where it has none."""
        parts = level.split()
        names = [self.names[part] for part in parts]
        sizes = [len(each) for each in names]
        code = np.ravel_multi_index([self.codes[part] for part in parts], sizes)
        distinct, index = _distinct(code, int(np.prod(sizes)))
        columns = np.unravel_index(distinct, sizes)
        found = [
            keys.get(" ".join(each[i] for each, i in zip(names, combined, strict=True)), -1)
            for combined in zip(*columns, strict=True)
        ]
        return np.array(found, dtype=np.intp)[index]

    def keys(self, level: str) -> list[str]:
        """Return the key of each situation at a level."""
        parts = level.split()
        columns = [np.array(self.names[part], dtype=object)[self.codes[part]] for part in parts]
        return [" ".join(combined) for combined in zip(*columns, strict=True)]


def situations(
    deployments: Deployments,
    models: Sequence[str],
    model: IntArray | None = None,
    campaigns: Sequence[str] = (REFERENCE,),
    campaign: IntArray | None = None,
    runs: Sequence[str] = ("",),
    run: IntArray | None = None,
) -> Situations:
    """Return what the coefficients of each row depend on.

    ``model`` indexes ``models``, ``campaign`` indexes ``campaigns`` and ``run`` indexes ``runs``; None means the first
    for every row. A run is a day and version of a campaign: how a server was set up on it is shared by its rows.
    """
    d = deployments
    model = np.zeros(len(d), dtype=np.intp) if model is None else model
    campaign = np.zeros(len(d), dtype=np.intp) if campaign is None else campaign
    run = np.zeros(len(d), dtype=np.intp) if run is None else run
    generations, generation = _factor([item.generation for item in d.accelerators])
    classes = [[arithmetic_class(weights, item) for item in d.accelerators] for weights in d.weight_formats]
    arithmetics, arithmetic = _factor([name for row in classes for name in row])
    arithmetic = arithmetic.reshape(len(d.weight_formats), len(d.accelerators))[d.weight_format, d.accelerator]
    columns = (model, campaign, d.engine, d.accelerator, arithmetic, link_index(d), run)
    sizes = (len(models), len(campaigns), len(d.engines), len(d.accelerators), len(arithmetics), len(LINKS), len(runs))
    packed = np.ravel_multi_index(columns, sizes)
    distinct, index = _distinct(packed, int(np.prod(sizes)))
    model, campaign, engine, accelerator, arithmetic, link, run = np.unravel_index(distinct, sizes)
    return Situations(
        names={
            "model": tuple(models),
            "campaign": tuple(campaigns),
            "engine": d.engines,
            "generation": generations,
            "accelerator": tuple(item.id for item in d.accelerators),
            "arithmetic": arithmetics,
            "link": LINKS,
            "run": tuple(runs),
        },
        codes={
            "model": model,
            "campaign": campaign,
            "engine": engine,
            "generation": generation[accelerator],
            "accelerator": accelerator,
            "arithmetic": arithmetic,
            "link": link,
            "run": run,
        },
        index=index,
    )


SCAN_LIMIT = 1_000_000
"""Up to so many possible combinations are marked in a table, which is faster than sorting the rows."""


def _distinct(packed: IntArray, size: int) -> tuple[IntArray, IntArray]:
    """Return the distinct values in order, and each row's place among them."""
    if size > SCAN_LIMIT:
        values, index = np.unique(packed, return_inverse=True)
        return values, index
    used = np.zeros(size, dtype=np.intp)
    used[packed] = 1
    distinct = np.flatnonzero(used)
    used[distinct] = np.arange(len(distinct))
    return distinct, used[packed]


def _factor(values: Sequence[str]) -> tuple[tuple[str, ...], IntArray]:
    """Return the distinct values in sorted order and the place of each given one."""
    names = tuple(sorted(set(values)))
    places = {name: i for i, name in enumerate(names)}
    return names, np.array([places[value] for value in values], dtype=np.intp)
