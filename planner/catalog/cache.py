"""A cache of what was read from YAML: lines of JSON in the user's cache directory.

YAML is the truth and takes a second to read; this keeps a start at a few milliseconds. A cache that is missing, stale,
damaged or cannot be written is as if there were none. ``PLANNER_CACHE_DIR`` names another directory; empty or ``off``
switches it off.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from zlib import crc32

_OFF = ("", "off")


def cache_dir() -> Path | None:
    """Return the directory of the cache, which need not exist; None where it is off or there is no home."""
    given = os.environ.get("PLANNER_CACHE_DIR")
    if given is not None:
        return None if given in _OFF else Path(given)
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "planner"
    except RuntimeError:
        return None


def _path(name: str, scope: str) -> Path | None:
    folder = cache_dir()
    return folder / f"{name}-{sha256(scope.encode()).hexdigest()[:12]}.jsonl" if folder else None


def read(name: str, scope: str, key: str) -> list[bytes] | None:
    """Return the lines written for ``key``, or None. ``scope`` (the directories) keeps several checkouts apart."""
    path = _path(name, scope)
    if path is None:
        return None
    try:
        header, _, body = path.read_bytes().partition(b"\n")
        if json.loads(header) != [key, crc32(body)]:
            return None
    except (OSError, ValueError):
        return None
    return body.split(b"\n")


def write(name: str, scope: str, key: str, lines: Sequence[str]) -> None:
    """Keep the lines, each one JSON without a line break, for ``key``. Replaces the file at once, or does nothing."""
    path = _path(name, scope)
    if path is None:
        return
    body = "\n".join(lines).encode()
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            temporary.write_bytes(json.dumps([key, crc32(body)]).encode() + b"\n" + body)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
