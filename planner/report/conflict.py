"""Why there is no plan, in words: "Because ..., and because ..., so ...", and the cheapest ways out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from planner.report.figures import figure, label
from planner.report.i18n import Translator, translator_for
from planner.report.layout import COLUMNS, LINES, Paint, table, unpainted, width, wrap
from planner.report.view import Ruled, subject

if TYPE_CHECKING:
    from planner.plan import Conflict
    from planner.scenario import Scenario


TOGETHER = " (together with "
"""What stands in a relaxation between what is needed of its requirement and what has to change as well."""


class WayOut(NamedTuple):
    """The least change of one requirement that leaves a plan; ``cost`` is empty where it is not known."""

    label: str
    current: str
    needed: str
    cost: str
    alone: str
    """What is needed of the requirement itself, without what has to change as well."""
    others: str
    """What has to change as well."""


class ConflictView(NamedTuple):
    """Everything that a report of a conflict shows."""

    title: str
    subject: str
    summary: str
    argument: str
    requirements: tuple[str, ...]
    ways_out: tuple[WayOut, ...]
    rejected: tuple[Ruled, ...]


def conflict_view(conflict: Conflict, say: Translator, scenario: Scenario | None = None) -> ConflictView:
    """Return the view of ``conflict`` in the language of ``say``."""
    return ConflictView(
        title=scenario.name if scenario else say("Conflict"),
        subject=subject(scenario, say) if scenario else "",
        summary=say.sentence(conflict.summary),
        argument=_argument(conflict, say),
        requirements=tuple(label(item, say) for item in conflict.requirements),
        ways_out=tuple(
            WayOut(
                label(item.requirement, say),
                say.sentence(item.current),
                say.sentence(item.needed),
                "" if item.cost_usd_per_month is None else figure(item.cost_usd_per_month, "USD/month", say),
                say.sentence(item.needed.partition(TOGETHER)[0]),
                item.needed.partition(TOGETHER)[2].removesuffix(")"),
            )
            for item in conflict.relaxations
        ),
        rejected=tuple(Ruled(label(reason, say), "", f"{count:,}") for reason, count in conflict.rejected),
    )


def _cause(text: str, say: Translator) -> str:
    """Return one cause; where there are several services it ends with the one it is about, in brackets."""
    told = say.sentence(text)
    if told != text or not text.endswith(")"):
        return told
    cause, _, service = text[:-1].rpartition(" (")
    return f"{say.sentence(cause)} ({service})"


def _argument(conflict: Conflict, say: Translator) -> str:
    """Return the causes and the conclusion as one sentence."""
    causes = [_cause(cause.rstrip("."), say) for cause in conflict.because]
    if not causes:
        return say.sentence(conflict.summary)
    joined = say(", and because ").join(causes)
    return say("Because {causes}, so no plan holds every requirement.", causes=joined)


_NEEDED = 50
"""Columns of what is needed beyond which that which has to change as well stands on lines of its own."""


def _listed(head: str, text: str, paint: Paint) -> list[str]:
    first, *rest = wrap(f"{head}  {text}", COLUMNS)
    return [first.replace(head, paint("strong", head), 1), *rest]


def conflict_text(
    conflict: Conflict, scenario: Scenario | None = None, *, language: str = "en", paint: Paint = unpainted
) -> str:
    """Return ``conflict`` as text of at most ``COLUMNS`` columns and about ``LINES`` lines."""
    say = translator_for(scenario, language)
    view = conflict_view(conflict, say, scenario)
    head = [f"{paint('strong', view.title)}  {paint('bad', say('no plan'))}"]
    if view.subject:
        head.append(paint("faint", view.subject))
    blocks = [
        head,
        wrap(view.argument, COLUMNS),
        _listed(say("In conflict"), " · ".join(view.requirements), paint),
    ]
    if view.ways_out:
        head = [say("Cheapest ways out"), say("asked"), say("needed"), say("cost then")]
        apart = any(width(it.needed) > _NEEDED for it in view.ways_out)
        rows = [[it.label, it.current, it.alone if apart else it.needed, it.cost or "–"] for it in view.ways_out]
        first, *rest = table([head, *rows], "lrrr", gap="   ")
        lines = [paint("strong", first)]
        for line, item in zip(rest, view.ways_out, strict=True):
            lines.append(line)
            if apart and item.others:
                said = say("together with {others}", others=item.others)
                lines += [paint("faint", f"    {part}") for part in wrap(said, COLUMNS - 4)]
        blocks.append(lines)
    if view.rejected:
        room = max(LINES - sum(len(block) + 1 for block in blocks) - 2, 3)
        shown = view.rejected if len(view.rejected) <= room + 1 else view.rejected[:room]
        rows = [[it.label, it.candidates] for it in shown]
        if more := len(view.rejected) - len(shown):
            rows.append([say("and {n} more; --format md tells all", n=more), ""])
        first, *rest = table([[say("Ruled out"), say("candidates")], *rows], "lr", gap="   ")
        blocks.append([paint("faint", first), *rest])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"
