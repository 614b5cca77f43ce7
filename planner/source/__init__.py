"""YAML text -> data with positions; and errors that point at the line they speak of.

    document = load_yaml(Path("scenario.yaml"))
    try:
        scenario = Scenario.model_validate(document.data)
    except ValidationError as error:
        raise ScenarioError(diagnostics_from_validation_error(document, error, Scenario)) from None

What is refused before any model sees it: duplicate keys, explicit tags, merge keys, numbers whose meaning changed
between YAML 1.1 and 1.2, aliases that blow up, nesting that has no end, files beyond a size limit, text that is not
UTF-8. Scalars resolve as in YAML 1.2: ``1e9`` is a number, ``on`` and ``no`` and ``12:30`` are strings.
"""

from planner.source.document import Marks, SourceDocument
from planner.source.reading import CATALOG_LIMITS, SCENARIO_LIMITS, Limits, load_yaml
from planner.source.validation import closest, diagnostics_from_validation_error

__all__ = [
    "CATALOG_LIMITS",
    "SCENARIO_LIMITS",
    "Limits",
    "Marks",
    "SourceDocument",
    "closest",
    "diagnostics_from_validation_error",
    "load_yaml",
]
