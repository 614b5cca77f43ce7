"""What a plan can be rendered to. A further target is an entry here and a template under ``templates/deploy``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of manifest. ``values``: ``module:function`` that fills its template from a plan.

    ``needs``: inputs without which it cannot be written, beside those that its launcher takes at run time.
    """

    id: str
    summary: str
    template: str
    values: str
    needs: tuple[str, ...] = ()

    def fill(self) -> Callable[..., dict[str, Any]]:
        """Return the function that fills the template."""
        module, _, name = self.values.partition(":")
        function: Callable[..., dict[str, Any]] = getattr(import_module(module), name)
        return function


TARGETS: Mapping[str, Target] = {
    item.id: item
    for item in (
        Target(
            "torchrun",
            "a script that starts a training run on every node",
            "torchrun.sh.j2",
            "planner.deploy.training:training_values",
        ),
        Target(
            "pytorchjob",
            "a PyTorchJob of Kubeflow's training operator (kubeflow.org/v1)",
            "pytorchjob.yaml.j2",
            "planner.deploy.training:training_values",
            ("IMAGE", "CLAIM"),
        ),
    )
}
