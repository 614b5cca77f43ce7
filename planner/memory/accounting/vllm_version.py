"""Which vLLM a text means, as far as memory depends on it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Era = Literal["v0", "sort", "triton"]
"""Engine V0; V1 whose sampler sorts the vocabulary (to 0.16); V1 with a Triton kernel for top-k and top-p (0.17 on)."""

TRITON_SINCE = 17
V1_SINCE = 8
"""Minor version from which V1 is the default engine."""

RELEASES: dict[int, str] = {
    4: "2024-03", 5: "2024-06", 6: "2024-09", 7: "2025-01", 8: "2025-03", 9: "2025-06", 10: "2025-08", 11: "2025-10",
    12: "2025-12", 14: "2026-01", 16: "2026-02", 17: "2026-03", 19: "2026-04", 21: "2026-05", 22: "2026-06",
    24: "2026-07", 26: "2026-08", 29: "2026-09", 31: "2026-10",
}  # fmt: skip
"""Minor version -> the first month in which it was the newest."""

NEWEST = max(RELEASES)


TWO_STATES_SINCE = 20
"""From about this minor version prefix caching keeps two states per sequence of a recurrent layer."""


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A version: ``minor`` is the 19 of 0.19.0."""

    minor: int
    v0_engine: bool = False

    @property
    def era(self) -> Era:
        """The kind of profiling run that this version makes."""
        if self.v0_engine:
            return "v0"
        return "sort" if self.minor < TRITON_SINCE else "triton"


def states_per_sequence(text: str) -> int:
    """Return how many recurrent states per sequence and layer the version in ``text`` keeps."""
    return 2 if parse_version(text).minor >= TWO_STATES_SINCE else 1


_NUMBER = re.compile(r"(?<![\d.])0\.(\d{1,2})(?![\dx])")
_DATE = re.compile(r"\b(20\d\d)-(\d\d)")


def is_version(text: str) -> bool:
    """Whether a text has a number such as 0.11.0, or a month, from which ``parse_version`` tells the release."""
    return bool(_NUMBER.search(text) or _DATE.search(text))


@lru_cache(maxsize=256)
def parse_version(text: str) -> Version:
    """Return the version that a text such as ``0.11.0``, ``0.8.x V0 (2025-05-05)`` or ``V1 (2026-07)`` means.

    Without a number the release of the date in the text counts, without either the newest known.

    >>> parse_version("0.6.4.post1"), parse_version("0.8.5 dev V1"), parse_version("main 2025-08-20")
    (Version(minor=6, v0_engine=True), Version(minor=8, v0_engine=False), Version(minor=10, v0_engine=False))
    """
    number = _NUMBER.search(text)
    date = _DATE.search(text)
    if number:
        minor = int(number[1])
    elif date:
        minor = max((release for release, month in RELEASES.items() if month <= date[0]), default=min(RELEASES))
    else:
        minor = NEWEST
    stated = re.search(r"\bV([01])\b(?!\.\d)", text)
    return Version(minor, stated[1] == "0" if stated else minor < V1_SINCE)
