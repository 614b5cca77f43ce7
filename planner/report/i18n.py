"""Words in other languages: the English message is the key, the translation lies in ``templates/messages``.

Two kinds of text are translated. The words of a renderer are looked up: ``say("Cost per month")``. Sentences that
other layers made (a reason, a warning, a conflict) carry their figures inside; the catalog holds them with named
places, ``"{offer} costs {money} more"``, and the English text is matched against those patterns to recover the values.
So no layer but this one knows that there is more than one language, and plans read back from JSON translate as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING

from planner.paths import data_dir

if TYPE_CHECKING:
    from planner.scenario import Scenario

LANGUAGES = ("en", "zh-CN")
"""The languages that ``--lang`` takes; English needs no catalog."""

_HAN, _LATIN = "[\u4e00-\u9fff]", "[A-Za-z0-9$]"
_SEAM = re.compile(f"(?<={_HAN})(?={_LATIN})|(?<=[A-Za-z0-9%])(?={_HAN})")
_PLACE = re.compile(r"\{([A-Za-z_][\w.]*)(?::[^{}]*)?\}")


@dataclass(frozen=True)
class Translator:
    """Says messages in one language; a message without translation is said in English.

    ``words`` are looked up; ``sentences`` are (pattern, translation) pairs, tried in order.
    """

    language: str = "en"
    words: Mapping[str, str] = field(default_factory=dict)
    sentences: tuple[tuple[re.Pattern[str], str], ...] = ()

    def __call__(self, message: str, /, **values: object) -> str:
        """Return ``message`` in this language with its ``{name}`` places filled from ``values``."""
        text = self.words.get(message, message)
        return self._spaced(text.format_map(values) if values else text)

    def sentence(self, text: str) -> str:
        """Return a finished English sentence in this language, as it stands where no pattern matches it.

        Values that the pattern recovers are themselves translated, so that a sentence may quote another.
        """
        for pattern, translation in self.sentences:
            if match := pattern.fullmatch(text):
                values = {name: self.sentence(value) for name, value in match.groupdict().items()}
                return self._spaced(translation.format_map(values))
        return self.words.get(text, text)

    def _spaced(self, text: str) -> str:
        """Return ``text`` with the space that Chinese typesetting puts beside Latin letters and figures."""
        return _SEAM.sub(" ", text) if self.language.startswith("zh") else text


ENGLISH = Translator()


@cache
def translator(language: str) -> Translator:
    """Return the translator of one of ``LANGUAGES``. Raises ValueError for any other."""
    if language not in LANGUAGES:
        raise ValueError(f"no language {language!r}; there are {', '.join(LANGUAGES)}")
    if language == "en":
        return ENGLISH
    import yaml

    text = (data_dir("templates") / "messages" / f"{language}.yaml").read_text(encoding="utf-8")
    catalog = yaml.safe_load(text)
    return Translator(language, catalog["words"], patterns(catalog["sentences"]))


def translator_for(scenario: Scenario | None, language: str) -> Translator:
    """Return the translator of ``language`` that also knows the messages of the rules that ``scenario`` selects."""
    say = translator(language)
    if scenario is None or language == "en":
        return say
    from planner.rules.loader import scenario_rules

    rules = scenario_rules(scenario).rules
    messages = {rule.text("en"): rule.text(language) for rule in rules if language in rule.message}
    return replace(say, sentences=(*say.sentences, *patterns(messages)))


def patterns(sentences: Mapping[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
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


def _group(place: re.Match[str]) -> str:
    """Return the name of a place as a regular expression takes it."""
    return place[1].replace(".", "__")
