"""Words in other languages: the English message is the key, the translation lies in ``templates/messages``.

Two kinds of text are translated. The words of a renderer are looked up: ``say("Cost per month")``. Sentences that
other layers made (a reason, a warning, a conflict) carry their figures inside; the catalog holds them with named
places, ``"{offer} costs {money} more"``, and the English text is matched against those patterns to recover the values.
So no layer but this one knows that there is more than one language, and plans read back from JSON translate as well.

English needs neither catalog nor pattern; what does is in ``planner.report.translation``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.scenario import Scenario

LANGUAGES = ("en", "zh-CN")
"""The languages that ``--lang`` takes."""


class Translator:
    """Says messages in English, which is the language they are written in; the base of the other languages."""

    language = "en"

    def __call__(self, message: str, /, **values: object) -> str:
        """Return ``message`` in this language with its ``{name}`` places filled from ``values``."""
        return message.format_map(values) if values else message

    def sentence(self, text: str) -> str:
        """Return a finished English sentence in this language, as it stands where it has no translation."""
        return text

    def knowing(self, sentences: Mapping[str, str]) -> Translator:
        """Return this translator with further English sentences and their translations."""
        return self


ENGLISH = Translator()


@cache
def translator(language: str) -> Translator:
    """Return the translator of one of ``LANGUAGES``. Raises ValueError for any other."""
    if language not in LANGUAGES:
        raise ValueError(f"no language {language!r}; there are {', '.join(LANGUAGES)}")
    if language == "en":
        return ENGLISH
    from planner.report.translation import shipped

    return shipped(language)


def translator_for(scenario: Scenario | None, language: str) -> Translator:
    """Return the translator of ``language`` that also knows the messages of the rules that ``scenario`` selects."""
    say = translator(language)
    if scenario is None or say is ENGLISH:
        return say
    from planner.rules.loader import scenario_rules

    rules = scenario_rules(scenario).rules
    return say.knowing({rule.text("en"): rule.text(language) for rule in rules if language in rule.message})
