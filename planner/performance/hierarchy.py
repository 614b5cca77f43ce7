"""The linear algebra of a hierarchical fit: parameters in blocks, one block of coefficients per key of a level.

Every situation uses the base block and one block of each level. The blocks of the last level are disjoint between
its keys, so they are eliminated first (Schur complement) and only the levels above need a dense solve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.performance.deployments import IntArray
from planner.performance.profile import FloatArray
from planner.performance.situations import Situations


@dataclass(frozen=True, slots=True)
class Design:
    """Where each parameter sits in the solution vector, and which blocks a situation uses."""

    width: int
    """Coefficients per block."""
    levels: tuple[tuple[str, tuple[str, ...]], ...]
    blocks: IntArray
    """situations x (1 + levels): number of the block; block 0 is the base."""

    @property
    def size(self) -> int:
        """Parameters in all."""
        return self.width * (1 + sum(len(keys) for _, keys in self.levels))

    @property
    def upper(self) -> int:
        """Parameters above the last level."""
        return self.size - self.width * len(self.levels[-1][1])

    def starts(self) -> list[int]:
        """Return the first block of each level."""
        return [1 + sum(len(keys) for _, keys in self.levels[:i]) for i in range(len(self.levels))]

    def expand(self, solution: FloatArray) -> FloatArray:
        """Return the sum of the blocks of each situation: situations x width."""
        return np.asarray(solution.reshape(-1, self.width)[self.blocks].sum(axis=1))


def design(found: Situations, levels: Sequence[str], width: int) -> Design:
    """Lay the parameters of the observed situations out."""
    blocks = [np.zeros(len(found), dtype=np.intp)]
    laid = []
    first = 1
    for name in levels:
        each = found.keys(name)
        keys = tuple(sorted(set(each)))
        places = {key: i for i, key in enumerate(keys)}
        blocks.append(first + np.array([places[key] for key in each], dtype=np.intp))
        laid.append((name, keys))
        first += len(keys)
    return Design(width, tuple(laid), np.stack(blocks, axis=1))


@dataclass(frozen=True, slots=True)
class Normal:
    """Normal equations with the last level kept apart: H = [[upper, cross'], [cross, fine]]."""

    upper: FloatArray
    fine: FloatArray
    """keys of the last level x width x width."""
    cross: tuple[tuple[IntArray, FloatArray], ...]
    """Per key of the last level: columns of the upper part that it touches, and width x columns."""
    gradient: FloatArray


def normal_equations(
    plan: Design, members: Sequence[IntArray], slopes: FloatArray, weight: FloatArray, residual: FloatArray
) -> Normal:
    """Accumulate J'WJ and J'Wr.

    ``slopes`` is coefficients x metrics x rows, ``weight`` and ``residual`` are metrics x rows, and ``members[s]`` are
    the rows of situation s.
    """
    width, size, upper_size = plan.width, plan.size, plan.upper
    first_fine = plan.starts()[-1]
    upper = np.zeros((upper_size, upper_size))
    gradient = np.zeros(size)
    fine = np.zeros((len(plan.levels[-1][1]), width, width))
    cross: list[dict[int, FloatArray]] = [{} for _ in fine]
    each = np.arange(width)
    for situation, rows in enumerate(members):
        part = slopes[:, :, rows].reshape(width, -1)
        weighted = part * weight[:, rows].reshape(-1)
        block = weighted @ part.T
        pull = weighted @ residual[:, rows].reshape(-1)
        blocks = plan.blocks[situation]
        above = blocks[:-1]
        ids = (above[:, None] * width + each).ravel()
        upper[np.ix_(ids, ids)] += np.tile(block, (len(above), len(above)))
        gradient[ids] += np.tile(pull, len(above))
        key = blocks[-1] - first_fine
        fine[key] += block
        gradient[blocks[-1] * width + each] += pull
        for other in above:
            cross[key][int(other)] = cross[key].get(int(other), 0.0) + block
    packed = tuple(
        (
            (np.array(sorted(parts), dtype=np.intp)[:, None] * width + each).ravel(),
            np.hstack([parts[other] for other in sorted(parts)]),
        )
        for parts in cross
    )
    return Normal(upper, fine, packed, gradient)


def solve(plan: Design, equations: Normal, diagonal: FloatArray, gradient: FloatArray) -> FloatArray:
    """Return (H + diag)^-1 gradient."""
    reduced, inverses = _reduce(plan, equations, diagonal)
    width, upper = plan.width, plan.upper
    right = gradient[:upper].copy()
    fine = gradient[upper:].reshape(-1, width)
    for (ids, cross), inverse, pull in zip(equations.cross, inverses, fine, strict=True):
        right[ids] -= cross.T @ (inverse @ pull)
    solution = np.empty_like(gradient)
    solution[:upper] = np.linalg.solve(reduced, right)
    below = solution[upper:].reshape(-1, width)
    for place, ((ids, cross), inverse) in enumerate(zip(equations.cross, inverses, strict=True)):
        below[place] = inverse @ (fine[place] - cross @ solution[ids])
    return solution


def variances(plan: Design, equations: Normal, diagonal: FloatArray) -> FloatArray:
    """Return the diagonal of (H + diag)^-1: the posterior variance of every parameter."""
    reduced, inverses = _reduce(plan, equations, diagonal)
    inverse_upper = np.linalg.inv(reduced)
    out = np.empty(plan.size)
    out[: plan.upper] = np.diag(inverse_upper)
    below = out[plan.upper :].reshape(-1, plan.width)
    for place, ((ids, cross), inverse) in enumerate(zip(equations.cross, inverses, strict=True)):
        gain = inverse @ cross
        below[place] = np.diag(inverse) + np.einsum("ij,jk,ik->i", gain, inverse_upper[np.ix_(ids, ids)], gain)
    return out


def _reduce(plan: Design, equations: Normal, diagonal: FloatArray) -> tuple[FloatArray, FloatArray]:
    upper = plan.upper
    fine = equations.fine.copy()
    each = np.arange(plan.width)
    fine[:, each, each] += diagonal[upper:].reshape(-1, plan.width)
    inverses: FloatArray = np.asarray(np.linalg.inv(fine), dtype=np.float64)
    reduced = equations.upper + np.diag(diagonal[:upper])
    for (ids, cross), inverse in zip(equations.cross, inverses, strict=True):
        reduced[np.ix_(ids, ids)] -= cross.T @ inverse @ cross
    return reduced, inverses


def diagonal_of(plan: Design, equations: Normal) -> FloatArray:
    """Return the diagonal of H."""
    return np.concatenate([np.diag(equations.upper), np.einsum("kii->ki", equations.fine).ravel()])
