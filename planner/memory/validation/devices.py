"""What drivers and people call accelerators, and which one of the catalog that is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from planner.catalog import Catalog
from planner.catalog.schema.accelerators import Accelerator

_BY_TOTAL: tuple[tuple[float, float, str], ...] = (
    (14.4, 14.9, "t4"),
    (22.0, 22.4, "a10g"),
    (23.4, 23.7, "rtx4090"),
    (31.3, 31.9, "rtx5090"),
    (39.3, 39.6, "a100-sxm-40"),
    (44.3, 44.6, "l40s"),
    (47.3, 47.6, "a6000"),
    (79.17, 79.205, "h100-sxm"),
    (79.0, 80.1, "a100-sxm-80"),
    (94.9, 95.1, "rtxpro6000-se"),
    (93.0, 93.2, "h100-nvl"),
    (119.0, 122.0, "gb10"),
    (139.5, 140.0, "h200-sxm"),
    (178.0, 179.0, "b200-sxm"),
    (184.0, 184.6, "gb200-nvl72"),
    (191.0, 192.1, "mi300x"),
    (267.0, 268.9, "b300-sxm"),
)
"""(from, to, device): GiB that CUDA or HIP reports as the total, where a log does not name its device."""


_JOINED: tuple[tuple[str, str], ...] = (
    (r"\bdgx spark\b", "gb10"),
    (r"\brtx pro 6000\b", "rtxpro6000"),
    (r"\brtx 6000 ada\b", "rtx6000ada"),
    (r"\brtx (a?\d{4})", r"rtx\1"),
    (r"\brtx(a\d{4})", r"\1"),
    (r"\b([2-5]0[5-9]0)\b", r"rtx\1"),
    (r"\b3e\b", "141g"),
    (r"\bsxm\d?\b", "sxm"),
    (r"\b(server|workstation) edition\b", r"\1"),
)
"""Names of several words, written as one: (pattern, replacement), applied in this order."""

FORMS = ("sxm", "pcie", "nvl", "se", "ws")
"""Form factors as the catalog's ids have them, the likelier first where a name does not say."""

USUAL_GB: dict[str, float] = {"a100": 80.0}
"""The size that a bare name means where it is not the smallest."""

_FORM_WORDS = {"server": "se", "workstation": "ws", "hbm3": "sxm", "hbm3e": "sxm", "hgx": "sxm", "dgx": "sxm"}
"""Words that tell a form factor; drivers print ``H100 80GB HBM3`` for the SXM board alone."""


def find_accelerator(name: str | None, total_gib: float | None, catalog: Catalog) -> Accelerator | None:
    """Return the device that a log names, or the one whose total memory it prints; None where neither tells.

    Names are those of drivers (``NVIDIA A100-SXM4-80GB``) and of people (``4090``, ``H100 80GB``); of several variants
    the form factor decides, then the memory that the name or the log tells, then what is sold most. "Of the H100 class"
    names no device.
    """
    words = _words(name or "")
    known = [device for device in catalog.accelerators.values() if _base(device) in words]
    if not known or ("class" in words and not total_gib):
        return _by_total(total_gib, catalog)
    form = next((word for word in words if word in FORMS), None)
    told = [float(word[:-1]) for word in words if re.fullmatch(r"\d{2,3}g", word)]
    memory = total_gib or (told[0] if told else USUAL_GB.get(_base(known[0])))
    return min(known, key=lambda device: _distance(device, form, memory))


def _words(name: str) -> Sequence[str]:
    text = re.sub(r"\(.*?\)", " ", name.lower()).split("+")[0]
    text = re.sub(r"[^a-z0-9]+", " ", text)
    for pattern, joined in _JOINED:
        text = re.sub(pattern, joined, text)
    text = re.sub(r"\b(\d{2,3}) ?(gb?|gib)\b", r"\1g", text)
    return [_FORM_WORDS.get(word, word) for word in text.split()]


def _base(device: Accelerator) -> str:
    return device.id.split("-")[0]


def _distance(device: Accelerator, form: str | None, memory: float | None) -> tuple[int, float, int, float, str]:
    """Return how far a device of the right name is from what else is known; the least is meant."""
    parts = [part.rstrip("0123456789") for part in device.id.split("-")]
    own = next((item for item in FORMS if item in parts), None)
    size = device.memory_gib_usable
    return (
        0 if form is None or own == form else 1,
        abs(size - memory) if memory else 0.0,
        FORMS.index(own) if own else -1,
        size,
        device.id,
    )


def _by_total(total_gib: float | None, catalog: Catalog) -> Accelerator | None:
    for low, high, key in _BY_TOTAL:
        if total_gib and low <= total_gib <= high and key in catalog.accelerators:
            return catalog.accelerators[key]
    return None
