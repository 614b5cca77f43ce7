"""What coefficients may depend on, factor by factor: engine, generation, accelerator, arithmetic and link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from planner.performance.deployments import Deployments, IntArray
from planner.performance.resources import LINKS, arithmetic_class, link_index

FACTORS = ("engine", "generation", "accelerator", "arithmetic", "link")


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
        table = np.array([keys.get(" ".join(combined), -1) for combined in product(*names)], dtype=np.intp)
        code = np.ravel_multi_index([self.codes[part] for part in parts], [len(each) for each in names])
        return table[code]

    def keys(self, level: str) -> list[str]:
        """Return the key of each situation at a level."""
        parts = level.split()
        columns = [np.array(self.names[part], dtype=object)[self.codes[part]] for part in parts]
        return [" ".join(combined) for combined in zip(*columns, strict=True)]


def situations(deployments: Deployments) -> Situations:
    """Return what the coefficients of each row depend on."""
    d = deployments
    generations, generation = _factor([item.generation for item in d.accelerators])
    classes = [[arithmetic_class(weights, item) for item in d.accelerators] for weights in d.weight_formats]
    arithmetics, arithmetic = _factor([name for row in classes for name in row])
    arithmetic = arithmetic.reshape(len(d.weight_formats), len(d.accelerators))[d.weight_format, d.accelerator]
    sizes = (len(d.engines), len(d.accelerators), len(arithmetics), len(LINKS))
    packed = np.ravel_multi_index((d.engine, d.accelerator, arithmetic, link_index(d)), sizes)
    used = np.zeros(int(np.prod(sizes)), dtype=np.intp)
    used[packed] = 1
    distinct = np.flatnonzero(used)
    used[distinct] = np.arange(len(distinct))
    engine, accelerator, arithmetic, link = np.unravel_index(distinct, sizes)
    return Situations(
        names={
            "engine": d.engines,
            "generation": generations,
            "accelerator": tuple(item.id for item in d.accelerators),
            "arithmetic": arithmetics,
            "link": LINKS,
        },
        codes={
            "engine": engine,
            "generation": generation[accelerator],
            "accelerator": accelerator,
            "arithmetic": arithmetic,
            "link": link,
        },
        index=used[packed],
    )


def _factor(values: Sequence[str]) -> tuple[tuple[str, ...], IntArray]:
    """Return the distinct values in sorted order and the place of each given one."""
    names = tuple(sorted(set(values)))
    places = {name: i for i, name in enumerate(names)}
    return names, np.array([places[value] for value in values], dtype=np.intp)
