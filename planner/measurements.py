"""Files of measurements: a JSON list of objects or a CSV table in, the same rows with predictions out as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from planner.errors import Diagnostic, MeasurementError

MAX_BYTES = 256 * 1024**2
"""A row has some hundred bytes: a million measurements fit."""


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a JSON list or, for any other file, of a CSV table with a header.

    CSV cells stay text, empty ones become None. Raises MeasurementError naming the file and the line.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _problem(path, f"cannot be read: {error.strerror or error}") from error
    if len(data) > MAX_BYTES:
        raise _problem(path, f"is larger than {MAX_BYTES // 1024**2} MiB; split it")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _problem(path, f"is not UTF-8 (byte {error.start})", "save the table as CSV UTF-8") from error
    rows = _json_rows(path, text) if text.lstrip()[:1] in ("[", "{") else _csv_rows(path, text)
    if not rows:
        raise _problem(path, "holds no rows", "write a JSON list of objects, or CSV with a header line and a row each")
    return rows


def _json_rows(path: Path, text: str) -> list[dict[str, Any]]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise _problem(path, f"is not JSON: {error.msg}", line=error.lineno, column=error.colno) from error
    except RecursionError as error:
        raise _problem(path, "is nested too deep for measurements") from error
    except ValueError as error:  # numbers of thousands of digits
        raise _problem(path, f"holds a number that nobody measured: {error}") from error
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise _problem(path, "must hold a JSON list of objects", "write [{...}, {...}], one object per measurement")
    return value


def _csv_rows(path: Path, text: str) -> list[dict[str, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    names = list(reader.fieldnames or ())
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise _problem(path, f"has two columns named {', '.join(map(repr, twice))}", line=1)
    rows: list[dict[str, Any]] = []
    try:
        for row in reader:
            if None in row or None in row.values():
                message = f"this row does not have {len(names)} cells, as the header has"
                raise _problem(path, message, line=reader.line_num)
            rows.append({name: cell if cell != "" else None for name, cell in row.items()})
    except csv.Error as error:
        raise _problem(path, f"is not CSV: {error}", line=reader.line_num) from error
    return rows


def write_rows(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write rows as CSV with the columns in the order in which they first appear; nested values as JSON.

    Raises MeasurementError where the file cannot be written.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(names)
            writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    except OSError as error:
        raise _problem(path, f"cannot be written: {error.strerror or error}") from error


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else value


def _problem(path: Path, message: str, remedy: str = "", *, line: int = 0, column: int = 0) -> MeasurementError:
    return MeasurementError(
        [Diagnostic(message, path=str(path), line=line, column=column, code="measurements", help=remedy)]
    )
