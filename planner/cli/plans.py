"""A plan that a command was given: read from a file or standard input, told from a scenario."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planner.errors import InputError

if TYPE_CHECKING:
    from planner.plan import Plan

MAX_PLAN_BYTES = 16 * 1024 * 1024
"""Largest plan file that is read; one of a plan is some tens of kilobytes."""


def plan_of_text(text: str, source: str) -> Plan | None:
    """Return the plan that ``text`` is, None where it is no plan but a scenario. Raises InputError for a conflict."""
    if text.lstrip().startswith("{"):
        data = _json(text)
        if isinstance(data, dict) and "plan" in data:
            return _from_dict(data, source)
        if isinstance(data, dict) and data.get("status") == "infeasible":
            raise InputError(f"{source}: is a conflict, not a plan: the scenario behind it has none")
    return None


def text_of(source: str) -> str:
    """Return the text of a file, or of standard input for ``-``. Raises InputError for what cannot be read."""
    stream = sys.stdin.buffer if source == "-" else None
    try:
        if stream is None:
            with Path(source).open("rb") as file:
                raw = file.read(MAX_PLAN_BYTES + 1)
        else:
            raw = stream.read(MAX_PLAN_BYTES + 1)
        if len(raw) > MAX_PLAN_BYTES:
            raise InputError(f"{source}: is larger than any plan ({MAX_PLAN_BYTES // 1024**2} MiB)")
        return raw.decode("utf-8")
    except OSError as error:
        raise InputError(f"{source}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: is not UTF-8 text") from error


def _json(text: str) -> Any:
    """Return what JSON text holds; None where it is not JSON, for YAML may start with a brace as well."""
    import json

    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _from_dict(data: dict[str, Any], source: str) -> Plan:
    from planner.plan_io import plan_from_dict

    try:
        plan = plan_from_dict(data)
        figures = [item.value for item in plan.estimates] + [item.limit for item in plan.margins]
        if not all(isinstance(it, int | float) for it in (plan.cost_usd_per_hour, plan.cost_usd_per_month, *figures)):
            raise TypeError("a figure is no number")
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{source}: is not a plan of this version: {type(error).__name__}: {error}\n"
            "  help: write it anew with `planner solve --format json`"
        ) from error
    return plan
