"""What somebody would rather have: ``h100-sxm fp8-e4m3 tp4 reserved-1y``, in any order.

A word is an id or alias of the catalog, the first part of several ids (``h100`` is ``h100-sxm`` and ``h100-pcie``),
``tp4``, ``pp2`` or a way to pay. ``kv-fp8`` means the KV cache, for formats of weights and of the cache share names; a
key says it outright where words are ambiguous: ``weights=fp8-e4m3``, ``provider=aws``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from planner.errors import Diagnostic, InputError

if TYPE_CHECKING:
    from planner.catalog import Catalog

PRICING = ("on-demand", "reserved-1y", "reserved-3y", "spot", "purchase")

_DEGREE = re.compile(r"(tp|pp)[=:]?(\d{1,3})")
_KEYS = {
    "accelerator": "accelerators",
    "gpu": "accelerators",
    "weights": "weights",
    "kv": "kv_cache",
    "kv_cache": "kv_cache",
    "engine": "engines",
    "pricing": "pricing",
    "provider": "providers",
    "region": "regions",
    "offer": "offers",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted: keys of ``search`` and ``offers``, each with the values that would do. Absent keys are open."""

    words: str
    values: Mapping[str, tuple[str | int, ...]] = field(default_factory=dict)

    def of(self, key: str) -> tuple[str | int, ...] | None:
        """Return the values of ``key`` that would do, or None for any."""
        return self.values.get(key)


def parse_wanted(text: str, catalog: Catalog) -> Wanted:
    """Read words about a candidate. Raises InputError with every word that means nothing or two different things."""
    known = _known(catalog)
    values: dict[str, tuple[str | int, ...]] = {}
    problems: list[Diagnostic] = []
    for word in text.replace(",", " ").split():
        try:
            key, found = _meaning(word, known, catalog)
        except ValueError as error:
            problems.append(Diagnostic(str(error), path="--why-not"))
            continue
        if key in values:
            problems.append(Diagnostic(f"{word!r}: {key} is named twice; one candidate has one", path="--why-not"))
        values[key] = found
    if not values and not problems:
        problems.append(Diagnostic("names nothing", path="--why-not", help='write such as "h100-sxm fp8-e4m3 tp4"'))
    if problems:
        raise InputError(problems)
    return Wanted(text, values)


def _known(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """Return key of ``search`` -> the values there are."""
    offers = catalog.offers.values()
    return {
        "accelerators": tuple(catalog.accelerators),
        "weights": tuple(key for key, item in catalog.formats.items() if not item.compute_only),
        "kv_cache": tuple(catalog.kv_formats),
        "engines": tuple(catalog.engines),
        "pricing": PRICING,
        "providers": tuple(sorted({item.provider for item in offers})),
        "regions": tuple(sorted({item.region for item in offers})),
        "offers": tuple(catalog.offers),
    }


_RESOLVED = {"accelerators": "accelerators", "weights": "formats", "kv_cache": "kv_formats", "engines": "engines"}


def _meaning(word: str, known: Mapping[str, tuple[str, ...]], catalog: Catalog) -> tuple[str, tuple[str | int, ...]]:
    """Return (key, values) of a word. Raises ValueError with what to write instead."""
    folded = word.casefold()
    if match := _DEGREE.fullmatch(folded):
        return {"tp": "tensor_parallel", "pp": "pipeline_parallel"}[match[1]], (int(match[2]),)
    name, mark, value = folded.partition("=")
    if not mark and folded.startswith(("kv-", "kv:")):
        name, mark, value = "kv", "=", folded[3:]
    if mark:
        if name not in _KEYS:
            raise ValueError(f"{word!r}: there is no {name!r}; there are {', '.join(sorted({*_KEYS, 'tp', 'pp'}))}")
        found = _values(value, _KEYS[name], known, catalog)
        if not found:
            raise ValueError(f"{word!r}: no {name} is called {value!r}{_hint(value, known[_KEYS[name]])}")
        return _KEYS[name], found
    # A whole id beats the first part of others; weights beat the KV cache, which has a word of its own.
    for exact in (True, False):
        for key in (key for key in known if key != "kv_cache"):
            if found := _values(folded, key, known, catalog, exact=exact):
                return key, found
    every = [item for key in known for item in known[key]]
    raise ValueError(f"{word!r} means nothing in the catalog{_hint(word, every)}")


def _values(
    word: str, key: str, known: Mapping[str, tuple[str, ...]], catalog: Catalog, *, exact: bool | None = None
) -> tuple[str | int, ...]:
    """Return the values of ``key`` that ``word`` is the id or alias of, else those that begin with it."""
    tests: list[Callable[[], tuple[str, ...]]] = []
    if exact is not False:
        tests.append(lambda: tuple(item for item in known[key] if item.casefold() == word))
        if key in _RESOLVED:
            tests.append(lambda: tuple(filter(None, [catalog.resolve(_RESOLVED[key], word)])))
    if exact is not True:
        tests.append(lambda: tuple(item for item in known[key] if _begins(item.casefold(), word)))
    return next((found for test in tests if (found := test())), ())


def _begins(name: str, word: str) -> bool:
    """Say whether ``word`` is the first part of ``name`` up to a separator."""
    return name.startswith(word) and not name[len(word) : len(word) + 1].isalnum()


def _hint(word: str, known: tuple[str, ...] | list[str]) -> str:
    from planner.source import closest

    near = closest(word, known)
    return f"; did you mean {near!r}?" if near else "; `planner catalog list` shows what there is"
