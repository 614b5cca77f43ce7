"""Where verdicts on layouts plug in: rules say which layouts are forbidden before anything is estimated."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.architecture.model import ModelArchitecture
    from planner.candidates.space import Layouts
    from planner.scenario import Scenario


def static_verdicts(layouts: Layouts, scenario: Scenario, architecture: ModelArchitecture) -> Layouts:
    """Return the layouts that no static rule forbids, with the others counted by rule."""
    return layouts
