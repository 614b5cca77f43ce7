"""A plan on one screen: what to rent, how close to each limit, what fills the memory, why, and what came next.

Plain Python, no template engine: this is what ``planner solve`` prints, and its start-up is part of the answer time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from planner.report.breakdown import Breakdown
from planner.report.i18n import Translator, translator_for
from planner.report.layout import COLUMNS, LINES, Paint, cut, gauge, pad, stacked, table, unpainted, width, wrap
from planner.report.together import ServiceView, sparkline
from planner.report.view import PlanView, Preferred, Requirement, plan_view

if TYPE_CHECKING:
    from planner.plan import Plan
    from planner.scenario import Scenario

_BAR = 20
_SHADES = "█▓▒░"


class _Brevity(NamedTuple):
    """How many lines an alternative may take, and how many reasons and warnings are told in full."""

    rival_lines: int
    reasons: int
    warnings: int


_BREVITIES = (
    _Brevity(3, 99, 99),
    _Brevity(1, 99, 99),
    _Brevity(1, 99, 3),
    _Brevity(1, 4, 2),
    _Brevity(1, 3, 1),
    _Brevity(1, 2, 1),
    _Brevity(0, 2, 1),
)
"""Tried in this order until the text fits a screen."""


def plan_text(plan: Plan, scenario: Scenario | None = None, *, language: str = "en", paint: Paint = unpainted) -> str:
    """Return ``plan`` as text of at most ``COLUMNS`` columns and, where it can, of ``LINES`` lines."""
    say = translator_for(scenario, language)
    view = plan_view(plan, say, scenario)
    for brevity in _BREVITIES:
        text = _text(view, say, paint, brevity)
        if text.count("\n") <= LINES:
            break
    return text


def _text(view: PlanView, say: Translator, paint: Paint, brevity: _Brevity) -> str:
    blocks = [
        _head(view, say, paint),
        *(_service(item, view, say, paint) for item in view.services),
        _requirements(view.requirements, say, paint),
        *(_breakdown(item, say, paint) for item in (*view.leading, *view.memory)),
        _reasons(view, say, paint, brevity),
        _rivals(view, say, paint, brevity),
        [paint("strong", say("Outlook")), *_bullets(view.outlook)] if view.outlook else [],
        _end(view, say, paint, brevity),
    ]
    text = "\n\n".join("\n".join(block) for block in blocks if block) + "\n"
    return text.replace("\N{NO-BREAK SPACE}", " ")


def _head(view: PlanView, say: Translator, paint: Paint) -> list[str]:
    lines = [f"{paint('strong', view.title)}  {paint('faint', cut(view.subject, COLUMNS - width(view.title) - 2))}", ""]
    for item in view.held:
        what = f"{item.verb} {item.instances} × {item.offer}"
        used = say("{share} used", share=item.utilisation)
        rest = f"{item.where} · {item.cost} · {used}"
        lines.append(f"{paint('strong', what)}  {cut(rest, COLUMNS - width(what) - 2)}")
        if item.hourly:
            lines.append(f"  {sparkline(item.hourly)}  {say('by the hour')}")
    for fleet in () if view.held else view.fleets:
        what = f"{fleet.verb} {fleet.instances} × {fleet.offer}"
        where = cut(fleet.where, COLUMNS - width(what) - 2)
        lines += [f"{paint('strong', what)}  {where}", f"{fleet.gpus}: {fleet.layout}", fleet.formats]
    costs = [paint("strong", view.cost_per_month), view.cost_per_hour]
    if view.cost_per_million:
        costs.append(say("{cost} per million output tokens", cost=view.cost_per_million))
    return [*lines, "  ".join(costs)]


def _service(item: ServiceView, view: PlanView, say: Translator, paint: Paint) -> list[str]:
    """Return what a service gets; where it is the only one, the head has said what it is."""
    lines = []
    if len(view.services) > 1:
        lines.append(
            f"{paint('strong', item.name)}  {paint('faint', cut(item.subject, COLUMNS - width(item.name) - 2))}"
        )
    if item.hourly:
        lines.append(f"  {sparkline(item.hourly)}  {say('load by the hour')}")
    for part in item.parts:
        share = f"{part.share} · " if part.share else ""
        said = f"{share}{part.offer}: {part.fleet.layout}; {part.fleet.formats}"
        lines.extend(f"  {line}" for line in wrap(said, COLUMNS - 2))
    return [*lines, *_requirements(item.requirements, say, paint)]


def _requirements(rows: Iterable[Requirement], say: Translator, paint: Paint) -> list[str]:
    rows = tuple(rows)
    if not rows:
        return []
    head = [say("Requirement"), say("limit"), say("plan"), say("90 % interval"), "", say("margin")]

    def cells_of(bar: int) -> list[list[str]]:
        found = [head]
        for row in rows:
            drawn = gauge(row.actual, row.low, row.high, row.limit, bar)
            found.append([row.label, row.limit_text, row.actual_text, row.interval_text, drawn, row.slack_text])
        return found

    cells = cells_of(_BAR)
    if (wide := max(map(width, table(cells, "lrrrlr"))) - COLUMNS) > 0:
        cells = cells_of(max(_BAR - wide, 1))
    lines = table(cells, "lrrrlr")
    tones = ["bad" if not row.holds else "good" if row.sure else "warn" for row in rows]
    painted = [
        line.replace(cells[index][4], paint(tone, cells[index][4]), 1)
        for index, (line, tone) in enumerate(zip(lines[1:], tones, strict=True), 1)
    ]
    return [paint("faint", lines[0]), *painted]


def _breakdown(item: Breakdown, say: Translator, paint: Paint) -> list[str]:
    """Return the terms as a sum whose addends carry the shade that they have in the bar below."""
    total = say("{sum} of {limit}", sum=item.sum_text, limit=item.limit_text) if item.limit_text else item.sum_text
    shades = [_SHADES[index % len(_SHADES)] for index in range(len(item.addends))]
    terms = [f"{shade} {it.label} {it.text}" for shade, it in zip(shades, item.addends, strict=True)]
    head, *rest = wrap(f"{item.label}  {' + '.join(map(_together, terms))} {_together(f'= {total}')}", COLUMNS)
    parts = stacked([term.share for term in item.addends], COLUMNS - 1)
    bar = "".join(shade * part for shade, part in zip(shades, parts, strict=True))
    return [paint("strong", item.label) + head.removeprefix(item.label), *rest, f"{pad(bar, COLUMNS - 1)}│"]


def _together(text: str) -> str:
    """Return ``text`` with spaces at which no line breaks."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _reasons(view: PlanView, say: Translator, paint: Paint, brevity: _Brevity) -> list[str]:
    told = [*view.reasons[: brevity.reasons], *(_preference(item, say) for item in view.preferences)]
    return [paint("strong", say("Why")), *_bullets(told)] if told else []


def _preference(item: Preferred, say: Translator) -> str:
    values = {"money": item.counted, "message": item.message, "rule": item.rule}
    return say("{money} counted against it: {message} ({rule})", **values)


def _rivals(view: PlanView, say: Translator, paint: Paint, brevity: _Brevity) -> list[str]:
    if not view.rivals:
        return []
    cost, first, second = view.rival_columns
    head = [say("Next best"), "", say(cost), "", say(first), say(second)]
    rows = [[cut(it.name, 40), it.gpus, it.cost, it.difference, it.ttft, it.tpot] for it in view.rivals]
    lines = table([head, *rows], "llrrrr")
    if (wide := max(map(width, lines)) - COLUMNS) > 0:
        longest = max(width(it.gpus) for it in view.rivals) - wide
        rows = [[name, cut(gpus, longest), *rest] for name, gpus, *rest in rows]
        lines = table([head, *rows], "llrrrr")
    found = [paint("strong", lines[0])]
    for line, rival in zip(lines[1:], view.rivals, strict=True):
        why = wrap(f"{rival.layout}: {rival.reason}", COLUMNS - 2)
        if not brevity.rival_lines:
            why = []
        elif len(why) > brevity.rival_lines:
            why = [*why[: brevity.rival_lines - 1], cut(" ".join(why[brevity.rival_lines - 1 :]), COLUMNS - 2)]
        found += [line, *(paint("faint", f"  {part}") for part in why)]
    return found


def _end(view: PlanView, say: Translator, paint: Paint, brevity: _Brevity) -> list[str]:
    told = list(view.warnings[: brevity.warnings])
    if more := len(view.warnings) - len(told):
        told.append(say("and {n} more; --format md tells all", n=more))
    lines = [paint("warn", line) for line in _bullets(told, mark="! ")]
    return lines + [paint("faint", line) for line in wrap(view.proof, COLUMNS)]


def _bullets(sentences: Iterable[str], mark: str = "- ") -> list[str]:
    lines = []
    for sentence in sentences:
        first, *rest = wrap(sentence, COLUMNS - len(mark))
        lines += [mark + first, *(" " * len(mark) + line for line in rest)]
    return lines
