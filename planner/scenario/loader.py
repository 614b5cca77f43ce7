"""Scenario file -> Scenario."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from planner.errors import Diagnostic, ScenarioError
from planner.scenario.checks import CHECKS, FLEET_CHECKS
from planner.scenario.model import NO_DOCUMENT, Scenario
from planner.scenario.named import path_problems, reference_problems
from planner.scenario.reader import Problem, build, draft, entries
from planner.source import SCENARIO_LIMITS, SourceDocument, load_yaml

_MOST_PROBLEMS = 50


def load_scenario(path: str | Path, *, settings: Iterable[str] = ()) -> Scenario:
    """Read a scenario file; ``-`` is stdin. ``settings`` are values set over the file: ``workload.concurrency=300``.

    Raises ScenarioError with every problem of the file, each with its line, a caret and what to do.
    """
    document = load_yaml(Path(path), limits=SCENARIO_LIMITS, error=ScenarioError)
    if settings:
        from planner.scenario.settings import with_settings

        document = with_settings(document, settings)
    return replace(_scenario(document.data, document), document=document)


def parse_scenario(text: str | bytes, *, name: str = "") -> Scenario:
    """Read a scenario from YAML text. ``name`` is the path that messages print and relative paths start from.

    Raises ScenarioError as :func:`load_scenario` does.
    """
    document = load_yaml(text, name=name, limits=SCENARIO_LIMITS, error=ScenarioError)
    return replace(_scenario(document.data, document), document=document)


def scenario_from_data(data: Mapping[str, Any]) -> Scenario:
    """Make a scenario from what a file would hold: ``{"name": "x", "workload": {"input_tokens": "2k", ...}, ...}``.

    Raises ScenarioError with every problem; there are no lines to point at.
    """
    return _scenario(data, NO_DOCUMENT)


def check_references(scenario: Scenario, known: Callable[[str], Collection[str]]) -> None:
    """Check the ids that a scenario names. ``known`` gives the ids of a kind: of ``search``, ``sites``, ``offers``.

    Raises ScenarioError with every id that is not known, each with its line and the id that may have been meant.
    """
    problems = list(reference_problems(scenario, known))
    if problems:
        raise ScenarioError(_diagnostics(problems, scenario.document))


def _scenario(data: Any, document: SourceDocument) -> Scenario:
    problems: list[Problem] = []
    section: type[Scenario] = Scenario
    checks = CHECKS
    if is_training_workload(data):
        from planner.scenario.training import TRAINING_CHECKS, TrainingScenario

        section, checks = TrainingScenario, TRAINING_CHECKS
    elif _about_services(data):
        from planner.scenario.fleet import FleetScenario

        section, checks = FleetScenario, FLEET_CHECKS
    read = draft(section, data, (), problems)
    if read is not None:
        for check in checks:
            problems.extend(check(read))
        problems.extend(path_problems(read, Path(document.path).parent))
    if problems or read is None:
        raise ScenarioError(_diagnostics(problems, document))
    scenario: Scenario = build(section, read)
    return scenario


def _about_services(data: Any) -> bool:
    """Whether the data of a scenario file asks about several services, or was meant to: with that key misspelt."""
    if not isinstance(data, Mapping) or "services" in data or "model" in data:
        return isinstance(data, Mapping) and "services" in data
    from planner.scenario.fleet import FleetScenario
    from planner.source import closest

    known = entries(FleetScenario)
    return any(key not in known and closest(str(key), known) == "services" for key in data)


def is_training_workload(data: Any) -> bool:
    """Whether the data of a scenario file asks about training."""
    work = data.get("workload") if isinstance(data, Mapping) else None
    return isinstance(work, Mapping) and work.get("kind") == "training"


def _diagnostics(problems: Iterable[Problem], document: SourceDocument) -> list[Diagnostic]:
    """Return the problems in the order of the file, the first fifty of them."""
    found = [
        document.diagnostic(item.location, item.message, help=item.help, code=item.code, key=item.at_key)
        for item in problems
    ]
    found.sort(key=lambda item: (item.line, item.column, item.message))
    if len(found) > _MOST_PROBLEMS:
        rest = len(found) - _MOST_PROBLEMS
        found[_MOST_PROBLEMS:] = [Diagnostic(f"and {rest:,} more problems", document.path, code="more")]
    return found
