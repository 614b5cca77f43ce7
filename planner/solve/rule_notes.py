"""What rules say of the chosen plan: warnings, and preferences that count in the objective."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.cost import per_month, usd
from planner.plan import Preference

if TYPE_CHECKING:
    from planner.candidates import CandidateTable


def rule_warnings(table: CandidateTable, row: int) -> tuple[str, ...]:
    """Return the messages of the rules that warn of ``row``, in the order of the rules."""
    verdicts = table.ruling.said_of(table, row, ("warn",))
    return tuple(verdicts.message(name) for name in verdicts.violations)


def preferences(table: CandidateTable, row: int) -> tuple[Preference, ...]:
    """Return what each preference adds for ``row``. Their sum is exactly what the objective counted."""
    counted = int(table.preference[row])
    if not counted:
        return ()
    verdicts = table.ruling.said_of(table, row, ("prefer",))
    names = list(verdicts.violations)
    monthly = {name: table.ruling.price_of(table, row, name) for name in names}
    # The objective is whole micro-dollars per hour; the last preference takes the rounding.
    rest = per_month(usd(counted)) - sum(monthly[name] for name in names[:-1])
    monthly[names[-1]] = rest
    return tuple(Preference(name, verdicts.message(name), monthly[name]) for name in names)
