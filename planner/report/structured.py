"""Plans and conflicts as JSON or YAML: complete, in a stable order, without clock or place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from planner.plan import Conflict


def dump(data: Any, form: str) -> str:
    """Return ``data`` as ``json`` or ``yaml``, keys in the order given. Raises ValueError for NaN and infinities."""
    if form == "json":
        import json

        return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    import yaml

    text: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)
    return text


def conflict_to_dict(conflict: Conflict) -> Mapping[str, Any]:
    """Return ``conflict`` as plain values; ``rejected`` counts candidates by reason, as in a plan."""
    data = asdict(conflict)
    rejected = [{"reason": reason, "count": count} for reason, count in data.pop("rejected")]
    return {"status": "infeasible", "conflict": _plain(data), "rejected": rejected}


def _plain(value: Any) -> Any:
    """Return tuples as lists, all the way down: YAML has no tuples."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
