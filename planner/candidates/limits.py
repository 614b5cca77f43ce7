"""What hardware and engines cannot do, as small Boolean tables over distinct combinations.

Each function answers one question for all values of two or three axes at once; ``space`` combines them. They say the
same as the rules of the hardware pack would, and are all in this one module so that they can move there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.architecture.model import ModelArchitecture
    from planner.catalog.schema.accelerators import Accelerator
    from planner.catalog.schema.engines import Engine
    from planner.catalog.schema.formats import KvFormat, WeightFormat


@dataclass(frozen=True, slots=True)
class Parallelism:
    """Degrees of one replica: tensor, pipeline and expert parallel."""

    tp: int
    pp: int = 1
    ep: int = 1

    @property
    def gpus(self) -> int:
        """Accelerators of one replica; experts are spread over the tensor-parallel group."""
        return self.tp * self.pp


def weight_support(
    engines: Sequence[Engine], formats: Sequence[WeightFormat], accelerators: Sequence[Accelerator]
) -> NDArray[np.bool_]:
    """Return [accelerator, engine, format]: the engine has a kernel for the format there (perhaps weight-only)."""
    return _support(accelerators, lambda a: [[e.weight_support(f.id, a) != "no" for f in formats] for e in engines])


def kv_support(
    engines: Sequence[Engine], formats: Sequence[KvFormat], accelerators: Sequence[Accelerator]
) -> NDArray[np.bool_]:
    """Return [accelerator, engine, KV format]: the engine caches keys and values in the format there."""
    return _support(accelerators, lambda a: [[e.kv_support(f.id, a) != "no" for f in formats] for e in engines])


def _support(accelerators: Sequence[Accelerator], of: Callable[[Accelerator], list[list[bool]]]) -> NDArray[np.bool_]:
    """Ask once per generation and compute capability: engines support nothing finer."""
    known: dict[tuple[str, str], list[list[bool]]] = {}
    for item in accelerators:
        key = (item.generation, item.compute_capability)
        if key not in known:
            known[key] = of(item)
    return np.array([known[item.generation, item.compute_capability] for item in accelerators], dtype=bool)


def engine_parallelism(engines: Sequence[Engine], layouts: Sequence[Parallelism]) -> NDArray[np.bool_]:
    """Return [engine, layout]: the engine has the ways of spreading a model that the layout needs."""
    return np.array(
        [
            [
                (x.tp == 1 or e.parallelism.tensor)
                and (x.pp == 1 or e.parallelism.pipeline)
                and (x.ep == 1 or e.parallelism.expert)
                for x in layouts
            ]
            for e in engines
        ],
        dtype=bool,
    ).reshape(len(engines), len(layouts))


def divides_model(architecture: ModelArchitecture, layouts: Sequence[Parallelism]) -> NDArray[np.bool_]:
    """Return [layout]: heads, KV heads, experts and layers can be divided so.

    Query heads must be a multiple of TP; KV heads a multiple of TP or TP a multiple of them, when they are repeated
    (vLLM ``config.py``, ``llama.py``); experts a multiple of EP; at least one layer per pipeline stage.
    """
    mixers = [group.mixer for group in architecture.layers if group.mixer.heads]

    def fits(x: Parallelism) -> bool:
        heads = all(m.heads % x.tp == 0 for m in mixers)
        kv = all(not m.kv_heads or not m.splits_kv or not m.kv_heads % x.tp or not x.tp % m.kv_heads for m in mixers)
        experts = x.ep == 1 or (architecture.experts > 0 and architecture.experts % x.ep == 0)
        return heads and kv and experts and x.pp <= architecture.num_layers

    return np.array([fits(x) for x in layouts], dtype=bool)


def divides_blocks(
    architecture: ModelArchitecture, formats: Sequence[WeightFormat], layouts: Sequence[Parallelism]
) -> NDArray[np.bool_]:
    """Return [format, layout]: each GPU's share of every quantized matrix is whole scale groups.

    Groups run over input features (AWQ, GPTQ: 128) and blocks over both (FP8 block: 128 x 128): a matrix split by
    output keeps whole block rows, one split by input whole groups (vLLM ``fp8.py``, ``marlin_utils.py``).
    """
    result = np.ones((len(formats), len(layouts)), dtype=bool)
    matrices = {
        (t.rows, t.columns, t.split, t.component) for t, _ in architecture.tensors() if t.linear and t.split != "vocab"
    }
    for i, fmt in enumerate(formats):
        across = max((m.columns for m in fmt.metadata if not m.flat), default=0)
        down = max((m.rows for m in fmt.metadata if not m.flat), default=0)
        if across <= 1 and down <= 1:
            continue
        for j, x in enumerate(layouts):
            for rows, columns, split, component in matrices:
                if component in fmt.unquantized:
                    continue
                width = x.tp
                if split == "experts":
                    width = max(1, x.tp // x.ep)
                    split = "column" if columns == architecture.hidden_size else "row"
                # A matrix whose whole input is no multiple of the group is left unquantized by the quantizer.
                if across > 1 and columns % across:
                    continue
                if split == "row" and across > 1 and (columns % width or (columns // width) % across):
                    result[i, j] = False
                if split == "column" and down > 1 and (rows % width or (rows // width) % down):
                    result[i, j] = False
    return result
