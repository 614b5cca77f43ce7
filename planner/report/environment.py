"""The Jinja environment of every report: sandboxed, strict about undefined names, escaping in HTML.

Templates hold words and layout. What they may call beside Jinja's own filters:

    _("message", name=value)   the message in the report's language
    text|sentence              a finished English sentence in the report's language
    text|cell                  text that is safe inside a cell of a Markdown table
    text|md                    text that cannot turn into Markdown markup
    text|fenced                text as a code block of Markdown, whatever backticks it holds

A report for a new purpose extends ``base.html.j2`` (blocks ``title``, ``lead``, ``content``), which brings the style
sheet, light and dark colours and the print rules, and gets its charts as values made with ``planner.report.charts``::

    render("memory.html.j2", language="en", title="...", bar=stacked_bar(...))
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from planner.paths import data_dir
from planner.report.i18n import translator

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~])")


def render(template: str, *, language: str = "en", **values: Any) -> str:
    """Return ``template`` (a name under ``templates/``) filled with ``values``.

    Raises jinja2.UndefinedError when the template asks for a value that is not there.
    """
    return environment(language).get_template(template).render(values)


@cache
def environment(language: str = "en") -> ImmutableSandboxedEnvironment:
    """Return the environment for reports in ``language``; names that end in ``.html.j2`` are escaped."""
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    say = translator(language)
    made = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(data_dir("templates")),
        undefined=StrictUndefined,
        autoescape=_escapes,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals.update({"_": say, "language": language})
    made.filters.update({"sentence": say.sentence, "cell": _cell, "md": _markdown, "fenced": _fenced})
    return made


def _escapes(template: str | None) -> bool:
    """Escape everything but Markdown and the style sheet; a template from a string counts as HTML."""
    return template is None or not template.endswith((".md.j2", ".css"))


def _markdown(text: object) -> str:
    """Return ``text`` with the characters that Markdown or its HTML would interpret escaped."""
    return _MARKUP.sub(r"\\\1", str(text))


def _cell(text: object) -> str:
    """Return ``text`` for a cell of a Markdown table: on one line, its markup escaped."""
    return _markdown(" ".join(str(text).split()))


def _fenced(text: object, kind: str = "") -> str:
    """Return ``text`` between fences longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall("`+", str(text))), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{kind}\n{text}\n{fence}"
