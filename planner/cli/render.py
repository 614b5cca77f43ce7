"""``planner render``: a plan as the file that runs it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from planner.cli.asking import settings_option
from planner.cli.output import emit, output_option

if TYPE_CHECKING:
    from planner.architecture.model import ModelArchitecture
    from planner.plan import Plan

TARGETS = ("torchrun", "pytorchjob")


@click.command(
    epilog="""\b
Examples:
  planner render scenarios/training/7b-full.yaml --target torchrun -o train.sh
  planner solve scenarios/training/70b-pretraining.yaml --format json -o plan.json
  planner render plan.json --target pytorchjob --input IMAGE=registry/megatron:1 --input CLAIM=runs

\b
Exit codes:
  0  rendered
  2  the file is neither a plan nor a scenario, or its plan cannot be stated in full
  3  the scenario has no plan"""
)
@click.argument("source", metavar="PLAN_OR_SCENARIO")
@click.option("--target", type=click.Choice(TARGETS), required=True, help="What to write.")
@click.option(
    "--input",
    "inputs",
    metavar="NAME=VALUE",
    multiple=True,
    help="What a plan does not decide, such as LR=2e-5; the manifest lists them. pytorchjob needs IMAGE and CLAIM, "
    "the volume claim with data and checkpoints. May be repeated.",
)
@settings_option
@output_option
def render(source: str, target: str, inputs: tuple[str, ...], settings: tuple[str, ...], output: Path | None) -> int:
    """Write the file that runs a training plan.

    PLAN_OR_SCENARIO is a plan of a run, as `planner solve --format json` writes it, or a scenario, which is solved; -
    is standard input. Torchrun is a script for every node, pytorchjob a manifest for Kubeflow's training operator.
    Runs of whole layers on each GPU are told to TRL (with DeepSpeed where weights have a master copy), all others to
    Megatron-LM. What a framework cannot be told is refused, with the key of the scenario that leaves it out.
    """
    from planner.deploy.render import manifest

    given = {}
    for item in inputs:
        name, equals, value = item.partition("=")
        if not equals:
            raise click.UsageError(f"--input {item!r} is no NAME=VALUE")
        given[name] = value
    plan, architecture = _asked(source, settings)
    emit(manifest(plan, target, architecture=architecture, inputs=given), output)
    return 0


def _asked(source: str, settings: tuple[str, ...]) -> tuple[Plan, ModelArchitecture | None]:
    """Return the plan, and its model where a scenario describes it itself."""
    from planner.cli.plans import plan_of_text, text_of

    text = text_of(source)
    plan = plan_of_text(text, source)
    if plan is not None:
        if settings:
            raise click.UsageError("--set changes a scenario; this is a plan")
        return plan, None
    from planner.architecture import resolve_model
    from planner.catalog import load_catalog
    from planner.scenario import load_scenario, parse_scenario
    from planner.solve import solve

    if source == "-" and settings:
        raise click.UsageError("--set changes a scenario of a file, not of standard input")
    asked = parse_scenario(text, name=source) if source == "-" else load_scenario(source, settings=settings)
    catalog = load_catalog()
    plan = solve(asked, catalog, alternatives=0)
    if asked.workload.kind != "training":
        return plan, None
    return plan, resolve_model(asked.model, catalog=catalog, base_dir=asked.base_dir)
