"""A row of a start-up log: what the engine printed, and what was deduced where it was silent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class LogRow:
    """A row with what was deduced filled in where the log itself is silent."""

    data: Mapping[str, Any]

    def get(self, name: str) -> Any:
        """Return the logged value, else the deduced one, else None."""
        value = self.data.get(name)
        if value is None:
            value = (self.data.get("inferred") or {}).get(name)
        return value

    def integer(self, name: str) -> int | None:
        """Return a whole number, or None where the row has none."""
        value = self.get(name)
        return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def text(self, name: str) -> str:
        """Return a text, empty where the row has none."""
        value = self.get(name)
        return value if isinstance(value, str) else ""
