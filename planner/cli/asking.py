"""What several commands ask for: a scenario, and values set over it."""

from __future__ import annotations

import click

scenario_argument = click.argument("scenario", metavar="SCENARIO")

settings_option = click.option(
    "--set",
    "settings",
    metavar="KEY=VALUE",
    multiple=True,
    help="Set a value over the file, such as workload.concurrency=300; null takes a key out. May be repeated.",
)
