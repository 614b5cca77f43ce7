"""Flags that say on which machine something ran, for files that do not say it themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--accelerator", metavar="DEVICE", help="Benchmark files: the accelerator that was measured."),
    click.option("--gpus", type=click.IntRange(1, 100_000), help="Benchmark files: how many."),
    click.option("--tp", type=click.IntRange(1, 1024), help="Benchmark files: tensor parallel size."),
    click.option("--pp", type=click.IntRange(1, 1024), help="Benchmark files: pipeline stages."),
    click.option("--ep", type=click.IntRange(1, 1024), help="Benchmark files: expert parallel size."),
    click.option("--engine", metavar="ENGINE", help="Benchmark files: the engine."),
    click.option("--engine-version", metavar="VERSION", help="Benchmark files: its version."),
    click.option("--weights", metavar="FORMAT", help="Benchmark files: the weight format."),
    click.option("--kv-cache", "kv_dtype", metavar="FORMAT", help="Benchmark files: the format of the KV cache."),
)
MACHINE = ("accelerator", "gpus", "tp", "pp", "ep", "engine", "engine_version", "weights", "kv_dtype")


def machine_options(command: Command) -> Command:
    """Add the flags; the command takes them as keyword arguments, see :func:`machine_of`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def machine_of(asked: dict[str, Any]) -> dict[str, Any]:
    """Take the machine's flags out of ``asked`` and return those that were given; GPUs follow from TP and PP."""
    machine = {name: asked.pop(name) for name in MACHINE}
    if machine["gpus"] is None and machine["tp"] is not None:
        machine["gpus"] = machine["tp"] * (machine["pp"] or 1)
    return {name: value for name, value in machine.items() if value is not None}
