"""What starts a run: a program with arguments, of which some are inputs that only whoever runs it knows."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from planner.errors import Diagnostic, InputError


@dataclass(frozen=True, slots=True)
class Ref:
    """The value of an input, with text behind it: ``$MEGATRON/pretrain_gpt.py``."""

    name: str
    suffix: str = ""


Token = str | Ref
Argument = tuple[Token, ...]
"""A flag with its values, which stand on one line."""


@dataclass(frozen=True, slots=True)
class Input:
    """What a plan does not decide: where data lies, how fast to learn."""

    name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Launch:
    """How one framework runs a plan. ``program`` is what torchrun starts, ``files`` what it reads, by name."""

    software: str
    program: Argument
    arguments: tuple[Argument, ...]
    inputs: tuple[Input, ...]
    files: tuple[tuple[str, str], ...] = ()
    environment: tuple[tuple[str, str], ...] = ()

    def tokens(self) -> Iterator[Token]:
        """Yield program and arguments, one word after the other."""
        yield from self.program
        for argument in self.arguments:
            yield from argument


@dataclass
class Refusals:
    """What a launcher cannot say of a plan, gathered so that all of it is told at once."""

    software: str
    found: list[Diagnostic] = field(default_factory=list)

    def check(self, wrong: bool, what: str, remedy: str) -> None:
        """Note ``what`` when it is wrong."""
        if wrong:
            self.found.append(Diagnostic(f"{self.software} cannot be told: {what}", code="render", help=remedy))

    def choice(self, value: str, known: Collection[str], what: str, key: str) -> None:
        """Note a value that is not among the known ones."""
        names = ", ".join(known)
        self.check(value not in known, f"{what} {value!r}", f"set {key} to one of {names}, or write your own launcher")

    def end(self) -> None:
        """Raise InputError with everything noted."""
        if self.found:
            raise InputError(self.found)
