"""The packs that come with the planner, read from YAML once and kept in the cache that the catalog uses."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path

from planner.catalog import cache as store
from planner.errors import Diagnostic, RuleError
from planner.rules.rule import Rule

INDEX = "packs.yaml"


@dataclass(frozen=True, slots=True)
class Pack:
    """A shipped pack. ``default``: it applies unless a scenario says otherwise."""

    id: str
    about: str
    default: bool
    rules: tuple[Rule, ...]


@cache
def load_packs() -> tuple[Pack, ...]:
    """Return the shipped packs, from the cache where no file has changed since.

    Raises RuleError with every problem of every file.
    """
    from planner.paths import data_dir

    directory = data_dir("catalogs") / "rules"
    scope, key = str(directory), _fingerprint(directory)
    lines = store.read("rules", scope, key)
    if lines is not None:
        return tuple(
            Pack(data["id"], data["about"], data["default"], tuple(map(Rule.from_json, data["rules"])))
            for data in map(json.loads, lines)
        )
    packs = read_packs(directory)
    store.write("rules", scope, key, [_as_json(pack) for pack in packs])
    return packs


def default_rules() -> tuple[Rule, ...]:
    """Return the rules that apply unless a scenario says otherwise."""
    return tuple(rule for pack in load_packs() if pack.default for rule in pack.rules)


def read_packs(directory: Path) -> tuple[Pack, ...]:
    """Read every pack under ``directory`` from its YAML, packs in the order of ``packs.yaml``, rules by id.

    Raises RuleError with every problem of every file.
    """
    from pydantic import ValidationError

    from planner.rules.loader import load_rule_file, twice
    from planner.rules.schema import PackIndex
    from planner.source import diagnostics_from_validation_error, load_yaml

    document = load_yaml(directory / INDEX, name=f"{directory.name}/{INDEX}", error=RuleError)
    try:
        index = PackIndex.model_validate(document.data)
    except ValidationError as error:
        raise RuleError(diagnostics_from_validation_error(document, error, PackIndex)) from None
    packs: list[Pack] = []
    listed = {entry.id for entry in index.packs}
    problems = [
        Diagnostic(f"the pack {folder!r} is not listed", path=document.path, code="unlisted")
        for folder in sorted(item.name for item in directory.iterdir() if item.is_dir())
        if folder not in listed
    ]
    for entry in index.packs:
        rules: list[Rule] = []
        for path in sorted((directory / entry.id).glob("*.yaml")):
            try:
                read = load_rule_file(path, name=f"rules/{entry.id}/{path.name}", pack=entry.id).rules
                rules += [replace(rule, policy=entry.policy) for rule in read]
            except RuleError as error:
                problems += error.diagnostics
        packs.append(Pack(entry.id, entry.about, entry.default, tuple(rules)))
    problems += twice(rule for pack in packs for rule in pack.rules)
    if problems:
        raise RuleError(problems)
    return tuple(packs)


def _as_json(pack: Pack) -> str:
    rules = [rule.as_json(compiled=True) for rule in pack.rules]
    return json.dumps({"id": pack.id, "about": pack.about, "default": pack.default, "rules": rules})


def _fingerprint(directory: Path) -> str:
    """A text that changes when any rule file, the code that reads them or the CEL library does."""
    from planner.rules.expression import library_file

    code = Path(__file__).resolve().parent
    folders = [directory, *sorted(item for item in directory.iterdir() if item.is_dir()), code]
    stats = [(folder.name, *row) for folder in folders for row in _stats(folder, (".yaml", ".py"))]
    library = Path(library_file()).stat()
    stats.append(("cel", "", library.st_size, library.st_mtime_ns))
    return sha256(repr(stats).encode()).hexdigest()


def _stats(folder: Path, suffixes: tuple[str, ...]) -> Iterable[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        found = [(entry.name, entry.stat()) for entry in entries if entry.name.endswith(suffixes)]
    return sorted((name, status.st_size, status.st_mtime_ns) for name, status in found)
