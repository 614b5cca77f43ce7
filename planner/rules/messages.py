"""Messages of rules: ``{variable}`` and ``{variable:.1f}`` placeholders, checked at load, filled with what was met.

Not ``str.format``: a message comes from an untrusted file, and ``{x.__class__}`` must mean nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from planner.rules.variables import STAGES, VARIABLES, Stage, Value, suggest

if TYPE_CHECKING:
    from planner.rules.diagnosis import Problem

MAX_SHOWN = 4
"""Distinct values of one placeholder that a message over several candidates lists before ``...``."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_SPEC = r",?(\.\d)?[fd%]?"
_JOIN = {"en": (", ", " or "), "zh-CN": ("、", " 或 ")}


def placeholders(template: str) -> tuple[str, ...]:
    """Return the variables that a checked ``template`` shows, in order, each once.

    >>> placeholders("{tp} of {model.heads} at {tp}")
    ('tp', 'model.heads')
    """
    return tuple(dict.fromkeys(match[1].partition(":")[0].strip() for match in _PLACEHOLDER.finditer(template)))


def check_message(template: str, stage: Stage) -> list[Problem]:
    """Return what is wrong with a message of a rule decided at ``stage``: unknown or later variables, odd formats."""
    from planner.rules.diagnosis import Problem

    problems = []
    rest = _PLACEHOLDER.sub("", template)
    for brace in ("{", "}"):
        if brace in rest:
            column = template.index(brace) + 1
            problems.append(
                Problem(f"a single {brace!r} opens or closes nothing", "placeholder", 1, column, 1, "write {variable}")
            )
    for match in _PLACEHOLDER.finditer(template):
        name, _, spec = (part.strip() for part in match[1].partition(":"))
        column, width = match.start() + 1, len(match[0])
        if name not in VARIABLES:
            near = suggest(name)
            hint = f"did you mean {{{near}}}?" if near else "see `planner rules variables`"
            problems.append(Problem(f"unknown placeholder {match[0]!r}", "placeholder", 1, column, width, hint))
        elif STAGES.index(VARIABLES[name].stage) > STAGES.index(stage):
            text = f"{match[0]!r} is not known yet when the rule is decided"
            problems.append(Problem(text, "placeholder", 1, column, width, "show what the conditions read"))
        elif not re.fullmatch(_SPEC, spec) or (spec and VARIABLES[name].type not in ("int", "double")):
            hint = "numbers take a format such as {offer.usd_per_hour:.2f}; text and lists take none"
            problems.append(
                Problem(f"{match[0]!r} has a format that is not taken", "placeholder", 1, column, width, hint)
            )
    return problems


def render(template: str, met: Mapping[str, Iterable[Value]], language: str = "en") -> str:
    """Fill ``template``; ``met`` gives the values each placeholder has among the candidates spoken of.

    >>> render("TP {tp} does not divide {model.heads} heads", {"tp": [3, 5], "model.heads": [64]})
    'TP 3 or 5 does not divide 64 heads'
    """

    def fill(match: re.Match[str]) -> str:
        name, _, spec = (part.strip() for part in match[1].partition(":"))
        shown = [_show(value, spec) for value in sorted(set(met[name]), key=_order)]
        return _enumerate(list(dict.fromkeys(shown)), language)

    return _PLACEHOLDER.sub(fill, template)


def _enumerate(texts: Sequence[str], language: str) -> str:
    comma, last = _JOIN.get(language, _JOIN["en"])
    if len(texts) > MAX_SHOWN:
        return comma.join([*texts[:MAX_SHOWN], "..."])
    return last.join([comma.join(texts[:-1]), texts[-1]]) if len(texts) > 1 else "".join(texts)


def _order(value: Value) -> tuple[bool, float, str]:
    number = isinstance(value, int | float)
    return (not number, float(value) if isinstance(value, int | float) else 0.0, str(value))


def _show(value: Value, spec: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return ", ".join(str(item) for item in value)
    if spec:
        return format(value, spec)
    if isinstance(value, float):
        return f"{value:.1f}" if value == int(value) and abs(value) < 100 else f"{value:,.6g}"
    return str(value)
