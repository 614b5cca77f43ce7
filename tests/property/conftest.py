"""What laws over scenarios share."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # what several laws are tried on: problems, performances


@pytest.fixture(scope="module")
def told_shortly():
    """Leave out what stands in the way of a plan, which takes longer to find than that there is none."""
    nothing = SimpleNamespace(
        summary="nothing holds", requirements=(), because=("nothing holds",), relaxations=(), rejected=()
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("planner.solve.joint_conflict.joint_conflict", lambda scenario, catalog: nothing)
        yield
