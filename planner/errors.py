"""The exceptions a caller may meet, and the diagnostics they carry.

PlannerError                exit code 1
├── InputError              exit code 2: a file or a flag is wrong; all its problems at once
│   ├── ScenarioError
│   ├── CatalogError
│   ├── RuleError
│   ├── ArchitectureError   a config.json, safetensors or GGUF file that cannot be read
│   └── MeasurementError    rows given to `validate` or `calibrate`
├── MissingExtra            exit code 2: an optional dependency is needed; says what to install
└── Infeasible              exit code 3: the requirements contradict each other; carries the conflict
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.plan import Conflict


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem of an input: where it is, what is wrong and what to do about it.

    ``line`` and ``column`` count from 1; 0 means that the problem has no place (a flag, a whole file).
    ``excerpt`` is the text of that line, ``width`` how many characters the caret underlines.
    """

    message: str
    path: str = ""
    line: int = 0
    column: int = 0
    code: str = ""
    help: str = ""
    excerpt: str = ""
    width: int = 1

    def render(self) -> str:
        """Return ``path:line:column: message`` with the line, a caret and the remedy below it."""
        place = ":".join(str(part) for part in (self.path, self.line, self.column) if part)
        lines = [f"{place}: {self.message}" if place else self.message]
        if self.excerpt and self.line:
            number = str(self.line)
            lines.append(f"  {number} | {self.excerpt}")
            start = max(self.column - 1, 0)
            before, marked = self.excerpt[:start], self.excerpt[start : start + max(self.width, 1)]
            blank = " " * (start - len(before) + _cells(before))
            lines.append(f"  {' ' * len(number)} | {blank}{'^' * max(_cells(marked), 1)}")
        if self.help:
            lines.append(f"  help: {self.help}")
        return "\n".join(lines)


def _cells(text: str) -> int:
    """Return how many columns of a terminal a text takes; Chinese characters take two."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text)


class PlannerError(Exception):
    """Base of every error that the planner raises on purpose."""

    exit_code = 1


class InputError(PlannerError):
    """An input is wrong. ``diagnostics`` holds every problem found, not only the first."""

    exit_code = 2

    def __init__(self, diagnostics: Iterable[Diagnostic] | str) -> None:
        if isinstance(diagnostics, str):
            diagnostics = [Diagnostic(diagnostics)]
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(item.render() for item in self.diagnostics))


class ScenarioError(InputError):
    """A scenario cannot be read or contradicts itself."""


class CatalogError(InputError):
    """A catalog entry is malformed, lacks its source, or refers to what does not exist."""


class RuleError(InputError):
    """A rule cannot be compiled, or its evaluation failed."""


class ArchitectureError(InputError):
    """A model description (config.json, safetensors, GGUF) cannot be read or makes no sense."""


class MeasurementError(InputError):
    """Measurement rows cannot be read."""


class MissingExtra(PlannerError):
    """An optional dependency is not installed."""

    exit_code = 2

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed.\n"
            f"  help: pip install 'llm-deployment-planner[{extra}]'"
        )


class Infeasible(PlannerError):
    """No plan holds every requirement. ``conflict`` names the requirements and the cheapest ways out."""

    exit_code = 3

    def __init__(self, conflict: Conflict) -> None:
        self.conflict = conflict
        super().__init__(conflict.summary)
