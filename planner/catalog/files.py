"""Which files make up the catalog, and a fingerprint that changes when any of them does."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from planner import __version__
from planner.errors import CatalogError
from planner.paths import data_dir

_SUFFIX = ".yaml"
_CODE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class CatalogFile:
    """A file of one kind. ``layer`` 0 is the shipped catalog; an entity of a higher layer replaces one below it."""

    layer: int
    kind: str
    path: str
    name: str
    """The path as messages print it."""


def catalog_roots() -> tuple[Path, ...]:
    """Return the directories to read, lowest first: the shipped catalog, then the user's own.

    The user's are those of ``PLANNER_CATALOG_PATH`` (separated like PATH; empty for none), or ``planner/catalogs`` in
    the configuration directory (``XDG_CONFIG_HOME`` or ``~/.config``) where that exists.
    """
    shipped = data_dir("catalogs")
    given = os.environ.get("PLANNER_CATALOG_PATH")
    if given is not None:
        return (shipped, *(Path(part) for part in given.split(os.pathsep) if part))
    own = user_catalog_dir()
    return (shipped, own) if own is not None and own.is_dir() else (shipped,)


def user_catalog_dir() -> Path | None:
    """Return the directory for a user's own entities, whether or not it exists; None where there is no home."""
    given = os.environ.get("PLANNER_CATALOG_PATH")
    if given:
        return Path(given.split(os.pathsep)[0])
    base = os.environ.get("XDG_CONFIG_HOME")
    try:
        return (Path(base) if base else Path.home() / ".config") / "planner" / "catalogs"
    except RuntimeError:
        return None


def scan(roots: Sequence[Path], kinds: Iterable[str]) -> tuple[list[CatalogFile], str]:
    """Return the catalog's files in a fixed order, and their fingerprint.

    The fingerprint covers each file's layer, path, size and modification time, the version and the loader's own code.
    Raises CatalogError for a directory that exists and cannot be read.
    """
    found: list[CatalogFile] = []
    stats: list[tuple[int, str, int, int]] = []
    for layer, root in enumerate(roots):
        shown = "catalogs" if layer == 0 else str(root)
        for kind in kinds:
            for name, path, size, modified in _entries(root / kind, _SUFFIX):
                found.append(CatalogFile(layer, kind, path, f"{shown}/{kind}/{name}"))
                stats.append((layer, f"{kind}/{name}", size, modified))
    for folder in (_CODE, _CODE / "schema"):
        stats += [(-1, name, size, modified) for name, _, size, modified in _entries(folder, ".py")]
    text = repr((__version__, [str(root) for root in roots], stats))
    return found, sha256(text.encode()).hexdigest()


def _entries(folder: Path, suffix: str) -> list[tuple[str, str, int, int]]:
    """Return (name, path, bytes, mtime in ns) of the folder's files with that suffix, sorted; [] without a folder.

    A file that cannot be looked at is kept, so that reading it says why.
    """
    rows = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(suffix) and not entry.name.startswith("."):
                    try:
                        status = entry.stat()
                        rows.append((entry.name, entry.path, status.st_size, status.st_mtime_ns))
                    except OSError:
                        rows.append((entry.name, entry.path, 0, 0))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as reason:
        raise CatalogError(f"{folder} cannot be read: {reason.strerror}") from None
    return sorted(rows)
