"""A language that has a catalog: words looked up, finished sentences matched against patterns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from planner.paths import data_dir
from planner.report.i18n import Translator

_PLACE = re.compile(r"\{([A-Za-z_][\w.]*)(?::[^{}]*)?\}")
_SEAM = re.compile("(?<=[\u4e00-\u9fff])(?=[A-Za-z0-9$])|(?<=[A-Za-z0-9%])(?=[\u4e00-\u9fff])")

_LIST = re.compile(r"[^\s,]+(?:, [^\s,]+)*(?: or [^\s,]+)?")
"""Values that stand side by side in one place of a rule's message: ``a10, l4 or t4``."""

Patterns = tuple[tuple[re.Pattern[str], str], ...]
"""(pattern of an English sentence, its translation), in the order in which they are tried."""


@dataclass(frozen=True)
class CatalogTranslator(Translator):
    """Says messages in the language of a catalog, and in English what the catalog lacks."""

    language: str
    words: Mapping[str, str] = field(default_factory=lambda: {", ": ", ", " or ": " or "})
    sentences: Patterns = ()

    def __call__(self, message: str, /, **values: object) -> str:
        """Return ``message`` in this language with its ``{name}`` places filled from ``values``."""
        return self._spaced(super().__call__(self.words.get(message, message), **values))

    def sentence(self, text: str) -> str:
        """Return a finished English sentence in this language, as it stands where no pattern matches it.

        Values that the pattern recovers are themselves translated, so that a sentence may quote another.
        """
        for pattern, translation in self.sentences:
            if match := pattern.fullmatch(text):
                values = {name: self.sentence(value) for name, value in match.groupdict().items()}
                return self._spaced(translation.format_map(values))
        if (" or " in text or ", " in text) and _LIST.fullmatch(text):
            return text.replace(", ", self.words[", "]).replace(" or ", self.words[" or "])
        return self.words.get(text, text)

    def knowing(self, sentences: Mapping[str, str]) -> CatalogTranslator:
        """Return this translator with further sentences, each tried as early as it is specific, its own first.

        A rule's message has to come before the shortest patterns here, which quote parts: ``"{label} on {offers}"``.
        """
        return replace(self, sentences=tuple(sorted((*self.sentences, *patterns(sentences)), key=_generality)))

    def _spaced(self, text: str) -> str:
        """Return ``text`` with the space that Chinese typesetting puts beside Latin letters and figures."""
        return _SEAM.sub(" ", text) if self.language.startswith("zh") else text


def shipped(language: str) -> CatalogTranslator:
    """Return the translator of ``templates/messages/<language>.yaml``."""
    import yaml

    text = (data_dir("templates") / "messages" / f"{language}.yaml").read_text(encoding="utf-8")
    catalog = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 -- both are safe
    return CatalogTranslator(language, catalog["words"], patterns(catalog["sentences"]))


def patterns(sentences: Mapping[str, str]) -> Patterns:
    """Return the (pattern, translation) pairs of ``sentences``, the most specific first.

    Specific means many fixed characters: ``"{a} exceeds the budget"`` must be tried before ``"{a} exceeds {b}"``.
    Places may be dotted and carry a format, as in rules (``{offer.usd_per_hour:.2f}``); a place that stands twice holds
    the same text twice.
    """

    def fixed(sentence: str) -> int:
        return len(_PLACE.sub("", sentence))

    found = []
    for sentence in sorted(sentences, key=lambda sentence: (-fixed(sentence), sentence)):
        pattern, end = "", 0
        for place in _PLACE.finditer(sentence):
            group = _group(place)
            known = f"(?P<{group}>" in pattern
            pattern += re.escape(sentence[end : place.start()]) + (f"(?P={group})" if known else f"(?P<{group}>.+?)")
            end = place.end()
        pattern += re.escape(sentence[end:])
        translation = _PLACE.sub(lambda place: f"{{{_group(place)}}}", sentences[sentence])
        found.append((re.compile(pattern, re.DOTALL), translation))
    return tuple(found)


_GROUP = re.compile(r"\(\?P[<=]\w+\)?(?:>\.\+\?\))?")


def _generality(item: tuple[re.Pattern[str], str]) -> int:
    """Return the negative number of fixed characters of a compiled pattern."""
    return -len(_GROUP.sub("", item[0].pattern).replace("\\", ""))


def _group(place: re.Match[str]) -> str:
    """Return the name of a place as a regular expression takes it."""
    return place[1].replace(".", "__")
