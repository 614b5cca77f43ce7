"""Bytes of an untrusted file -> text -> SourceDocument, or every reason why not."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from planner.errors import Diagnostic, InputError
from planner.source.document import SourceDocument, excerpt_of
from planner.source.events import build
from planner.units import MIB, format_bytes_mib


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a document may be. ``max_nodes`` counts values and keys with every alias written out."""

    max_bytes: int
    max_nodes: int
    max_depth: int


SCENARIO_LIMITS = Limits(max_bytes=1 * MIB, max_nodes=50_000, max_depth=32)
CATALOG_LIMITS = Limits(max_bytes=16 * MIB, max_nodes=2_000_000, max_depth=32)

# YAML 1.2, chapter 5.1, less the surrogates, which are not characters
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STDIN = "-"


def load_yaml(
    source: Path | str | bytes,
    *,
    name: str = "",
    limits: Limits = SCENARIO_LIMITS,
    error: type[InputError] = InputError,
    top: type[dict[str, object]] | type[list[object]] = dict,
) -> SourceDocument:
    """Read one YAML document, from a file (a Path; ``Path("-")`` is stdin) or from text (str or bytes).

    ``name`` is the path that messages print, by default the one given. ``top`` is what the document must be.
    Raises ``error`` with every problem that could be found before the text stopped making sense.
    """
    if isinstance(source, Path):
        name = name or ("<stdin>" if str(source) == _STDIN else str(source))
        raw: bytes | str = _read(source, name, limits, error)
    else:
        raw = source
    text = _decode(raw, name, limits, error)
    data, marks, problems = build(text, name, limits.max_nodes, limits.max_depth)
    if not problems and not isinstance(data, top):
        problems.append(_wrong_top(data, name, text, "a mapping" if top is dict else "a list"))
    if problems:
        raise error(problems)
    return SourceDocument(data, name, text, marks)


def _read(path: Path, name: str, limits: Limits, error: type[InputError]) -> bytes:
    # One byte beyond the limit is read and no more: the size that a device or a pipe reports means nothing.
    try:
        if str(path) == _STDIN:
            return sys.stdin.buffer.read(limits.max_bytes + 1)
        with path.open("rb") as file:
            return file.read(limits.max_bytes + 1)
    except FileNotFoundError:
        raise error([Diagnostic("no such file", path=name, code="no-file", help=_neighbours(path))]) from None
    except IsADirectoryError:
        raise error([Diagnostic("is a directory; a YAML file is needed", path=name, code="no-file")]) from None
    except (OSError, ValueError) as reason:  # ValueError: a NUL in the path
        text = getattr(reason, "strerror", None) or str(reason)
        raise error([Diagnostic(f"cannot be read: {text}", path=name, code="no-file")]) from None


def _neighbours(path: Path) -> str:
    """Say which file of the same directory may have been meant."""
    from planner.source.validation import closest

    try:
        names = sorted(item.name for item in path.parent.iterdir() if item.suffix in (".yaml", ".yml"))
    except (OSError, ValueError):
        return ""
    best = closest(path.name, names) or closest(path.name + ".yaml", names)
    return f"did you mean {path.with_name(best)}?" if best else ""


def _decode(raw: bytes | str, name: str, limits: Limits, error: type[InputError]) -> str:
    if len(raw) > limits.max_bytes:
        size = format_bytes_mib(limits.max_bytes)
        raise error([Diagnostic(f"is larger than {size}, the limit for such a file", path=name, code="too-large")])
    if isinstance(raw, bytes):
        if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise error([Diagnostic("is UTF-16", path=name, code="not-utf8", help="save the file as UTF-8")])
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as reason:
            good = raw[: reason.start].decode("utf-8-sig", "replace")
            line, column = _position(good, len(good))
            message = f"is not UTF-8: byte 0x{raw[reason.start]:02x} does not belong there"
            remedy = "save the file as UTF-8; from GBK: iconv -f GB18030 -t UTF-8 OLD > NEW"
            raise error([Diagnostic(message, name, line, column, "not-utf8", remedy)]) from None
    else:
        text = raw.removeprefix("\ufeff")
    forbidden = _FORBIDDEN.search(text)
    if forbidden:
        line, column = _position(text, forbidden.start())
        message = f"character U+{ord(forbidden[0]):04X} is not allowed in YAML"
        excerpt = excerpt_of(text, line, column)
        raise error([Diagnostic(message, name, line, column, "bad-character", "delete it", excerpt)])
    return text


def _position(text: str, index: int) -> tuple[int, int]:
    before = text[:index]
    return before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1


def _wrong_top(data: object, name: str, text: str, wanted: str) -> Diagnostic:
    remedy = "write `key: value` lines" if wanted.startswith("a mapping") else "write `- value` lines"
    if data is None:
        return Diagnostic("is empty", path=name, code="empty", help=remedy)
    kind = "a list" if isinstance(data, list) else "a mapping" if isinstance(data, dict) else "a single value"
    message = f"the document is {kind}, not {wanted}"
    return Diagnostic(message, name, 1, 1, "wrong-top", remedy, excerpt_of(text, 1, 1))
