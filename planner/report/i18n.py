"""Words in other languages: the English message is the key, the translation lies in ``templates/messages``.

Two kinds of text are translated. Fixed words of a renderer are looked up: ``say("Cost per month")``. Sentences that
other layers made (a reason, a warning, a conflict) carry their figures inside; the catalog holds them with named
places, ``"{offer} costs {money} more"``, and the English text is matched against those patterns to recover the values.
So no layer but this one knows that there is more than one language, and plans read back from JSON translate as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from planner.paths import data_dir

LANGUAGES = ("en", "zh-CN")
"""The languages that ``--lang`` takes; English needs no catalog."""

_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Translator:
    """Says messages in one language; a message without translation is said in English."""

    language: str = "en"
    messages: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, message: str, /, **values: object) -> str:
        """Return ``message`` in this language with ``{name}`` places filled from ``values``."""
        text = self.messages.get(message, message)
        return text.format_map(values) if values else text

    def sentence(self, text: str) -> str:
        """Return a finished English sentence in this language, as it stands where no pattern matches it.

        Values that the pattern recovers are themselves translated, so that a sentence may quote another.
        """
        if not self.messages:
            return text
        if (exact := self.messages.get(text)) is not None:
            return exact
        for pattern, names, translation in _patterns(self.language):
            if match := pattern.fullmatch(text):
                values = zip(names, match.groups(), strict=True)
                return translation.format_map({name: self.sentence(value) for name, value in values})
        return text


@cache
def translator(language: str) -> Translator:
    """Return the translator of one of ``LANGUAGES``. Raises ValueError for any other."""
    if language not in LANGUAGES:
        raise ValueError(f"no language {language!r}; there are {', '.join(LANGUAGES)}")
    return Translator(language, _messages(language))


@cache
def _messages(language: str) -> Mapping[str, str]:
    if language == "en":
        return {}
    import yaml

    text = (data_dir("templates") / "messages" / f"{language}.yaml").read_text(encoding="utf-8")
    messages: dict[str, str] = yaml.safe_load(text)
    return messages


@cache
def _patterns(language: str) -> list[tuple[re.Pattern[str], list[str], str]]:
    """Return (pattern, names of its places, translation) of every message with places, the most specific first.

    Specific means many fixed characters: ``"{a} because {b}"`` must be tried after ``"{a} because no {b}"``.
    """
    found = []
    for message, translation in _messages(language).items():
        parts = _PLACE.split(message)
        if len(parts) == 1:
            continue
        fixed, names = parts[::2], parts[1::2]
        pattern = re.compile("(.+?)".join(re.escape(part) for part in fixed), re.DOTALL)
        found.append((-sum(map(len, fixed)), message, pattern, names, translation))
    return [(pattern, names, translation) for _, _, pattern, names, translation in sorted(found, key=lambda it: it[:2])]
