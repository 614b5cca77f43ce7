"""``planner rules``: list, show and test rules, and list what they may read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from planner.cli.output import emit, output_option

if TYPE_CHECKING:
    from planner.rules.rule import Rule
    from planner.rules.shipped import Pack

format_option = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form of output."
)
language_option = click.option(
    "--language", default="en", show_default=True, metavar="TAG", help="Language of messages: en or zh-CN."
)


@click.group()
def rules() -> None:
    """List, show and test the rules: what hardware, engines, procurement and companies forbid, demand or prefer.

    A scenario adds rule files with `rules`, packs with `rule_packs`, and switches rules off with `disable_rules`.
    """


@rules.command("list")
@click.option("--pack", default=None, metavar="PACK", help="Only the rules of one pack.")
@language_option
@format_option
@output_option
def list_command(pack: str | None, language: str, form: str, output: Path | None) -> None:
    """List the shipped rules by pack, with what each says.

    \b
    Examples:
      planner rules list --pack engines
      planner rules list --format json
    """
    from planner.rules.shipped import load_packs

    packs = load_packs()
    if pack is not None:
        packs = tuple(item for item in packs if item.id == pack)
        if not packs:
            known = ", ".join(item.id for item in load_packs())
            raise click.BadParameter(f"there is no pack {pack!r}; there are {known}", param_hint="--pack")
    if form == "json":
        content = [{"id": p.id, "default": p.default, "rules": [rule.as_json() for rule in p.rules]} for p in packs]
        emit(json.dumps(content, indent=2, ensure_ascii=False), output)
    else:
        emit("\n\n".join(_pack_text(item, language) for item in packs), output)


@rules.command("show")
@click.argument("rule_id", metavar="ID")
@click.option(
    "--file", "files", multiple=True, type=click.Path(path_type=Path), help="Look in this rule file too; repeatable."
)
@language_option
@format_option
@output_option
def show_command(rule_id: str, files: tuple[Path, ...], language: str, form: str, output: Path | None) -> None:
    """Show one rule in full: its conditions, message, remedy and source."""
    from planner.rules.loader import load_rule_files
    from planner.rules.shipped import load_packs

    known = {rule.id: rule for pack in load_packs() for rule in pack.rules}
    known |= {rule.id: rule for file in load_rule_files(files) for rule in file.rules}
    if rule_id not in known:
        from planner.source import closest

        near = closest(rule_id, known)
        hint = f"; did you mean {near!r}?" if near else "; `planner rules list` shows them"
        raise click.BadParameter(f"there is no rule {rule_id!r}{hint}", param_hint="ID")
    rule = known[rule_id]
    if form == "json":
        emit(json.dumps(rule.as_json(), indent=2, ensure_ascii=False), output)
    else:
        emit(_rule_text(rule, language), output)


@rules.command("test")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--tests",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Directory of test files named after the rules. By default tests/rules beside the shipped catalogs.",
)
@output_option
def test_command(files: tuple[Path, ...], tests: Path | None, output: Path | None) -> None:
    """Run the tests of the rules in FILES, or of the shipped ones.

    A rule's tests are the `tests:` inside its file, or a file of its name in the --tests directory, with lists `passes`
    and `fails`. Exits with 2 when a case comes out otherwise than it says, or a rule has no tests.
    """
    from planner.rules.testing import collect, test_rules

    reports = test_rules(collect(files, tests))
    problems = [problem for report in reports for problem in report.problems]
    width = max((len(report.rule.id) for report in reports), default=0)
    lines = [
        f"{report.rule.id:<{width}}  {report.passes} pass, {report.fails} fail  {'WRONG' if report.problems else 'ok'}"
        for report in reports
    ]
    lines.append(f"{len(reports)} rules, {sum(r.passes + r.fails for r in reports)} cases, {len(problems)} problems")
    emit("\n".join(lines), output)
    if problems:
        from planner.errors import RuleError

        raise RuleError(problems)


@rules.command("variables")
@click.argument("subject", required=False)
@format_option
@output_option
def variables_command(subject: str | None, form: str, output: Path | None) -> None:
    """List what a rule may read: name, type, when it is known, and what it means."""
    from planner.rules.variables import VARIABLES

    chosen = [item for item in VARIABLES.values() if subject in (None, item.subject)]
    if not chosen:
        known = ", ".join(dict.fromkeys(item.subject for item in VARIABLES.values()))
        raise click.BadParameter(f"there is no subject {subject!r}; there are {known}", param_hint="SUBJECT")
    if form == "json":
        rows = [{"name": v.name, "type": v.type, "stage": v.stage, "description": v.doc} for v in chosen]
        emit(json.dumps(rows, indent=2), output)
        return
    name, kind = (max(len(getattr(item, field)) for item in chosen) for field in ("name", "type"))
    emit("\n".join(f"{v.name:<{name}}  {v.type:<{kind}}  {v.stage:<8}  {v.doc}" for v in chosen), output)


def _pack_text(pack: Pack, language: str) -> str:
    state = "applies by default" if pack.default else f"add with `rule_packs: [{pack.id}]`"
    width = max((len(rule.id) for rule in pack.rules), default=0)
    lines = [f"{pack.id}: {pack.about} ({len(pack.rules)} rules; {state})"]
    lines += [f"  {rule.id:<{width}}  {rule.effect:<7}  {rule.text(language)}" for rule in pack.rules]
    return "\n".join(lines)


def _rule_text(rule: Rule, language: str) -> str:
    rows: list[tuple[str, Any]] = [
        ("pack", rule.pack),
        ("effect", rule.effect),
        ("when", rule.when or "always"),
        ("require", rule.require),
        (
            "penalty",
            f"{rule.penalty_usd_per_month:g} USD/month per {rule.penalty_per}" if rule.effect == "prefer" else "",
        ),
        ("message", rule.text(language)),
        ("fix", rule.remedy(language)),
        ("reads", ", ".join(rule.reads)),
        ("decided", {"static": "before estimates", "estimate": "with estimates", "plan": "over the plan"}[rule.stage]),
        ("source", f"{rule.source} ({rule.as_of})"),
        ("file", f"{rule.path}:{rule.line}"),
    ]
    return "\n".join([rule.id, *(f"  {name:<8}  {value}" for name, value in rows if value)])
