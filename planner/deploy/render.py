"""A plan as the file that runs it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from planner.deploy.environment import fill
from planner.deploy.targets import TARGETS
from planner.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from planner.architecture.model import ModelArchitecture
    from planner.catalog import Catalog
    from planner.plan import Plan

_NAME = re.compile(r"[A-Z][A-Z0-9_]*")


def manifest(
    plan: Plan,
    target: str,
    catalog: Catalog | None = None,
    *,
    architecture: ModelArchitecture | None = None,
    inputs: Mapping[str, str] | None = None,
) -> str:
    """Return ``plan`` as a manifest of ``target`` (a key of ``planner.deploy.targets.TARGETS``).

    ``architecture`` is the plan's model where the catalog does not have it; ``inputs`` what the plan does not decide.
    Inputs that are not given are asked for when the manifest runs. Raises InputError for a plan that the target or its
    launcher cannot state in full, and for inputs that are missing or unknown.
    """
    if catalog is None:
        from planner.catalog import load_catalog

        catalog = load_catalog()
    chosen, given = TARGETS[target], dict(inputs or {})
    for name in given:
        if not _NAME.fullmatch(name):
            raise InputError(f"--input {name}: must be a name of capitals, digits and '_'")
    missing = [name for name in chosen.needs if not given.get(name)]
    if missing:
        raise InputError(f"{target} needs --input {missing[0]}=...")
    return fill(chosen.template, **chosen.fill()(plan, catalog, architecture, given))
