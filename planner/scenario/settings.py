"""Values that a command line sets over a scenario file: ``--set workload.concurrency=300``.

They change the parsed file before it is checked, so that they are read, and refused, as if they stood in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from planner.errors import Diagnostic, ScenarioError
from planner.source import SCENARIO_LIMITS, SourceDocument, load_yaml
from planner.source.document import Location, dotted

_SETTING = re.compile(r"\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*=(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ChangedDocument(SourceDocument):
    """A document of which some values come from settings; problems there name the setting, not a line."""

    settings: Mapping[str, str] = field(default_factory=dict)
    """Dotted key -> the setting as it was written."""

    def diagnostic(
        self, location: Location, message: str, *, help: str = "", code: str = "", key: bool = False
    ) -> Diagnostic:
        """Return a Diagnostic at the setting that gave the value, or at its line of the file."""
        for end in range(len(location), 0, -1):
            setting = self.settings.get(dotted(location[:end]))
            if setting is not None:
                return Diagnostic(f"{dotted(location)}: {message}", path=f"--set {setting}", code=code, help=help)
        return SourceDocument.diagnostic(self, location, message, help=help, code=code, key=key)


def with_settings(document: SourceDocument, settings: Iterable[str]) -> SourceDocument:
    """Return ``document`` with ``key.of.value=value`` settings applied in order; the value is read as YAML.

    ``null`` or nothing takes the key out. Raises ScenarioError with every setting that cannot be applied.
    """
    data = deepcopy(document.data)
    applied: dict[str, str] = {}
    problems: list[Diagnostic] = []
    for setting in settings:
        match = _SETTING.fullmatch(setting)
        if match is None:
            help = "write a key and a value, such as --set workload.concurrency=300"
            problems.append(Diagnostic("is no setting", path=f"--set {setting}", help=help))
            continue
        key, text = match.groups()
        try:
            value = load_yaml(f"value: {text}", limits=SCENARIO_LIMITS, error=ScenarioError).data["value"]
        except ScenarioError as error:
            problems += [Diagnostic(it.message, path=f"--set {setting}", help=it.help) for it in error.diagnostics]
            continue
        if _put(data, key.split("."), value):
            applied[key] = setting
        else:
            help = "set a key of a section, such as sla.ttft_p95"
            problems.append(Diagnostic("goes through a value that has no keys", path=f"--set {setting}", help=help))
    if problems:
        raise ScenarioError(problems)
    return ChangedDocument(data, document.path, document.text, document.marks, applied) if applied else document


def _put(data: Any, keys: list[str], value: Any) -> bool:
    """Set or take out one value; False where something on the way is no mapping."""
    *sections, last = keys
    for section in sections:
        if not isinstance(data, dict):
            return False
        data = data.setdefault(section, {})
    if not isinstance(data, dict):
        return False
    if value is None:
        data.pop(last, None)
    else:
        data[last] = value
    return True
