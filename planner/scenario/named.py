"""Files and ids that a scenario names: whether the files may be read, and whether the catalog has the ids."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from planner.scenario.model import Scenario
from planner.scenario.reader import Draft, Problem
from planner.scenario.sections import Search


def path_problems(draft: Draft, base_dir: Path) -> Iterator[Problem]:
    """Files that a scenario names exist, and lie in its directory or below it, wherever links lead.

    A scenario may come from somebody else; it decides what is read, so it may not reach beyond its own directory.
    """
    models: list[tuple[tuple[str | int, ...], Any]] = [(("model",), draft.get("model"))]
    models += [(("services", i, "model"), item.get("model")) for i, item in enumerate(draft.get("services") or ())]
    for place, model in models:
        if isinstance(model, str) and is_path(model):
            yield from _path_problem(place, model, base_dir, directory=True)
    for index, path in enumerate(draft.get("rule_paths", ())):
        yield from _path_problem(("rules", index), path, base_dir, directory=False)


def is_path(model: str) -> bool:
    """Whether a model is named by a path: it starts with a dot, a slash or a tilde, or ends like a model file."""
    return model.startswith((".", "/", "~", "\\")) or model.endswith((".json", ".gguf", ".safetensors"))


def _path_problem(at: tuple[str | int, ...], written: str, base: Path, *, directory: bool) -> Iterator[Problem]:
    try:
        root = base.resolve()
        path = (root / written).resolve()
        inside = not written.startswith("~") and path.is_relative_to(root)
        exists = path.is_file() or (directory and path.is_dir())
    except (OSError, ValueError, RuntimeError) as error:
        yield Problem(at, f"{written!r} cannot be followed: {error}", "write a path such as ./company.yaml", "bad-path")
        return
    if not inside:
        yield Problem(at, f"{written!r} lies outside the scenario's directory", "copy the file beside the scenario",
                      "outside-path")  # fmt: skip
    elif not exists:
        yield Problem(at, f"{written!r} does not exist", "paths start at the scenario's directory", "no-file")


_SEARCHED = ("weights", "kv_cache", "accelerators", "vendors", "engines", "providers", "regions")
"""Keys of ``search`` whose values are ids; they are the kinds of those ids as well."""

Named = tuple[tuple[str | int, ...], Any, str]
"""Where an id stands, the id, and its kind."""


def named_ids(scenario: Scenario) -> Iterator[Named]:
    """Yield every id that a scenario names, with its place in the file and its kind; ids that are left out as well."""
    yield ("site", "region"), scenario.site.region, "sites"
    yield from _searched(scenario.search, ())
    for index, service in enumerate(getattr(scenario, "services", ())):
        yield from _searched(service.search, ("services", index))
    for index, item in enumerate(scenario.inventory):
        yield ("inventory", index, "accelerator"), item.accelerator, "accelerators"
        yield ("inventory", index, "offer"), item.offer, "offers"
    for index, quota in enumerate(scenario.limits.quotas):
        for key in ("offer", "accelerator", "provider", "region"):
            yield ("limits", "quotas", index, key), getattr(quota, key), f"{key}s"


def _searched(search: Search, above: tuple[str | int, ...]) -> Iterator[Named]:
    for key in _SEARCHED:
        for index, value in enumerate(getattr(search, key) or ()):
            yield (*above, "search", key, index), value, key


def reference_problems(scenario: Scenario, known: Callable[[str], Collection[str]]) -> Iterator[Problem]:
    """Yield a problem for each id that is not among the ``known`` ones of its kind."""
    from planner.source import closest

    for place, value, kind in named_ids(scenario):
        if value is None:
            continue
        ids = known(kind)
        if value not in ids:
            stem = f"{str(value).casefold()}-"
            kin = sorted(it for it in ids if it.casefold().startswith(stem))
            if len(kin) > 1:  # a100 is rather one of its own kinds than its neighbour a10
                yield Problem(place, f"{value!r} is not in the catalog", f"write one of {', '.join(kin)}", "unknown-id")
                continue
            best = closest(str(value), ids)
            few = sorted(ids)[:12]
            remedy = f"known: {', '.join(few)}{', ...' if len(ids) > len(few) else ''}"
            yield Problem(place, f"{value!r} is not in the catalog", f"did you mean {best!r}?" if best else remedy,
                          "unknown-id")  # fmt: skip
