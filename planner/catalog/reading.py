"""YAML files -> validated records, all problems at once. Runs when there is no cache of these files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import cast

from planner.catalog.checks import check
from planner.catalog.files import CatalogFile
from planner.catalog.kinds import KINDS, Record, entity_class
from planner.catalog.offers_document import ProviderDocument, expand
from planner.catalog.sourced import Records, Sourced
from planner.catalog.validation import model_of, plain, validate
from planner.errors import CatalogError, Diagnostic, InputError
from planner.source import CATALOG_LIMITS, SourceDocument, load_yaml


def read_records(files: Iterable[CatalogFile]) -> dict[str, list[Record]]:
    """Read, validate and cross-check all files: kind -> records, sorted by id.

    Raises CatalogError with everything that is wrong in any of them.
    """
    records = Records(KINDS)
    problems: list[Diagnostic] = []
    for file in files:
        found, wrong = _read(file)
        problems += wrong
        for item in found:
            problems += records.add(item)
        if not found:
            records.add_broken(file.kind, Path(file.path).stem.replace("--", "/"))
    problems += check(records)
    if problems:
        raise CatalogError(sorted(problems, key=lambda item: (item.path, item.line, item.column, item.message)))
    return {kind: [records[kind][name].record for name in sorted(records[kind])] for kind in records}


def digest(records: Iterable[Record]) -> str:
    """Return the sha256 of records in their canonical form, whatever order, file or platform they come from."""
    ordered = sorted(records, key=lambda item: str(item["id"]))
    return sha256(json.dumps(ordered, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()


def _read(file: CatalogFile) -> tuple[list[Sourced], list[Diagnostic]]:
    try:
        document = load_yaml(Path(file.path), name=file.name, limits=CATALOG_LIMITS, error=CatalogError)
    except InputError as error:
        return [], list(error.diagnostics)
    if file.kind == "offers":
        return _read_offers(file, document)
    value, problems = validate(document, model_of(entity_class(file.kind)))
    if value is None:
        return [], problems
    item = Sourced(plain(value), document, (), file)
    name = str(item.record["id"]).replace("/", "--")
    if Path(file.path).stem != name:
        problems = [
            item.problem(("id",), f"stands in {file.name}", help=f"name the file {name}.yaml", code="file-name")
        ]
    return [item], problems


def _read_offers(file: CatalogFile, document: SourceDocument) -> tuple[list[Sourced], list[Diagnostic]]:
    value, problems = validate(document, ProviderDocument)
    if value is None:
        return [], problems
    provider = cast(ProviderDocument, value)
    if Path(file.path).stem != provider.provider:
        remedy = f"name the file {provider.provider}.yaml"
        problems.append(document.diagnostic(("provider",), f"stands in {file.name}", help=remedy, code="file-name"))
    found = []
    for record, place, wrong in expand(provider):
        found.append(Sourced(record, document, place, file))
        for where, message, known in wrong:
            remedy = f"known: {', '.join(known.split())}" if known else ""
            problems.append(document.diagnostic(where, message, help=remedy, code="unknown-reference"))
    return found, problems
