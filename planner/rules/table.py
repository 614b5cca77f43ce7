"""Candidates as rules see them: a column for each declared variable, made when a rule first reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.rules.engine import Codes, Column
from planner.rules.facts import SUBJECTS
from planner.rules.variables import VARIABLES, Value

Numbers = NDArray[Any] | Callable[[], NDArray[Any]]


class CandidateColumns(Mapping[str, Column]):
    """Columns by variable.

    ``entities`` gives, per subject (``accelerator``, ``offer``, ``format``, ``kv_format``, ``engine``), the index of
    each candidate's entity and the entities (``offer``: planner.rules.facts.Priced); a single entity, such as ``model``
    or ``scenario`` (planner.rules.facts.Asked), may stand alone and holds everywhere. ``numbers`` are plain arrays by
    variable (``tp``, ``replicas``, ``estimates.*``), or what computes them. All arrays broadcast against each other.
    What is not given has no column, and a rule that reads it cannot be evaluated yet.
    """

    def __init__(
        self,
        entities: Mapping[str, tuple[NDArray[Any], Sequence[Any]] | Any],
        numbers: Mapping[str, Numbers] | None = None,
    ) -> None:
        self._entities: dict[str, tuple[Codes, Sequence[Any]]] = {
            subject: given if isinstance(given, tuple) else (np.zeros((), dtype=np.int64), (given,))
            for subject, given in entities.items()
        }
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
        """Ask each engine once per format and kind of accelerator; alike ones are of one generation and capability."""
        engine_codes, engines = self._entities["engine"]
        format_codes, formats = self._entities[subject]
        device_codes, devices = self._entities["accelerator"]
        kinds: dict[tuple[str, str], int] = {}
        kind = np.array([kinds.setdefault((d.generation, d.compute_capability), len(kinds)) for d in devices])
        of_kind = [devices[int(np.argmax(kind == number))] for number in range(len(kinds))]
        values: list[Value] = [
            getattr(engine, method)(stored.id, device) for engine in engines for stored in formats for device in of_kind
        ]
        codes = (engine_codes * len(formats) + format_codes) * len(kinds) + kind[device_codes]
        return Column(codes, values)


def _numeric(name: str, array: NDArray[Any]) -> Column:
    double = VARIABLES[name].type == "double"
    return Column.of_array(array.astype(np.float64, copy=False) if double else array)
