"""The candidate table as rules see it: a column for each declared variable, made when a rule first reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.rules.engine import Codes, Column
from planner.rules.facts import SUBJECTS
from planner.rules.variables import VARIABLES, Value


class CandidateColumns(Mapping[str, Column]):
    """Columns by variable over ``rows`` candidates.

    ``entities`` gives, per subject (``accelerator``, ``offer``, ``format``, ``kv_format``, ``engine``), the index of
    each row's entity and the entities (``offer``: planner.rules.facts.Priced); a single entity, such as ``model`` or
    ``scenario`` (planner.rules.facts.Asked), may stand alone and holds for every row. ``numbers`` are plain arrays by
    variable (``tp``, ``replicas``, ``estimates.*``), or what computes them. What is not given has no column, and a
    rule that reads it cannot be evaluated yet.
    """

    def __init__(
        self,
        rows: int,
        entities: Mapping[str, tuple[NDArray[Any], Sequence[Any]] | Any],
        numbers: Mapping[str, NDArray[Any] | Callable[[], NDArray[Any]]] | None = None,
    ) -> None:
        self.rows = rows
        self._entities: dict[str, tuple[Codes, Sequence[Any]]] = {}
        for subject, given in entities.items():
            if isinstance(given, tuple):
                self._entities[subject] = (given[0].astype(np.int32, copy=False), given[1])
            else:
                self._entities[subject] = (np.zeros(rows, dtype=np.int32), (given,))
        self._numbers = dict(numbers or {})
        self._columns: dict[str, Column] = {}
        self._names = frozenset(name for name in VARIABLES if self._has(name))

    def __getitem__(self, name: str) -> Column:
        column = self._columns.get(name)
        if column is None:
            if name not in self._names:
                raise KeyError(name)
            column = self._columns[name] = self._make(name)
        return column

    def __iter__(self) -> Iterator[str]:
        return (name for name in VARIABLES if name in self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def knows(self, names: Sequence[str]) -> bool:
        """Whether there is a column for each of ``names``."""
        return self._names.issuperset(names)

    def _has(self, name: str) -> bool:
        if name in self._numbers:
            return True
        match name:
            case "engine.format_support":
                return {"engine", "format", "accelerator"} <= self._entities.keys()
            case "engine.kv_support":
                return {"engine", "kv_format", "accelerator"} <= self._entities.keys()
            case "gpus_per_replica":
                return {"tp", "pp"} <= self._numbers.keys()
            case "nodes_per_replica":
                return {"tp", "pp"} <= self._numbers.keys() and "offer" in self._entities
        subject = VARIABLES[name].subject
        return subject in self._entities and name in SUBJECTS.get(subject, {})

    def _make(self, name: str) -> Column:
        if name in self._numbers:
            return _numeric(name, self._number(name))
        match name:
            case "engine.format_support":
                return self._support("format", "weight_support")
            case "engine.kv_support":
                return self._support("kv_format", "kv_support")
            case "gpus_per_replica":
                return _numeric(name, self._number("tp") * self._number("pp"))
            case "nodes_per_replica":
                codes, offers = self._entities["offer"]
                sizes = np.array([priced.offer.gpus for priced in offers], dtype=np.int64)[codes]
                return _numeric(name, -(-self._number("tp") * self._number("pp") // sizes))
        codes, entities = self._entities[VARIABLES[name].subject]
        read = SUBJECTS[VARIABLES[name].subject][name]
        return Column(codes, [read(entity) for entity in entities])

    def _number(self, name: str) -> NDArray[Any]:
        given = self._numbers[name]
        return given() if callable(given) else given

    def _support(self, subject: str, method: str) -> Column:
        """Ask each engine once per format and accelerator that meet in some row."""
        engine_codes, engines = self._entities["engine"]
        format_codes, formats = self._entities[subject]
        device_codes, devices = self._entities["accelerator"]
        wide = (engine_codes.astype(np.int64) * len(formats) + format_codes) * len(devices) + device_codes
        present, codes = np.unique(wide, return_inverse=True)
        values: list[Value] = []
        for key in present.tolist():
            rest, device = divmod(key, len(devices))
            engine, stored = divmod(rest, len(formats))
            values.append(getattr(engines[engine], method)(formats[stored].id, devices[device]))
        return Column(codes.astype(np.int32), values)


def _numeric(name: str, array: NDArray[Any]) -> Column:
    kind = VARIABLES[name].type
    if kind == "double":
        return Column.of_array(array.astype(np.float64, copy=False))
    return Column.of_array(array)
