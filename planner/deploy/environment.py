"""The Jinja environment of manifests: sandboxed, strict about undefined names, quoting by the target's own rules.

word|shell      a word for bash: inputs as ``"${NAME}"``, everything else quoted where it has to be
word|pod        a word of a container's command: inputs as ``$(NAME)``, which the kubelet expands; quoted as YAML
text|quoted     text as a quoted YAML scalar (JSON strings are such)
"""

from __future__ import annotations

import json
import shlex
from functools import cache
from typing import TYPE_CHECKING, Any

from planner.deploy.launch import Ref, Token
from planner.paths import data_dir

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment


def fill(template: str, **values: Any) -> str:
    """Return ``template`` (a name under ``templates/deploy``) filled with ``values``.

    Raises jinja2.UndefinedError when the template asks for a value that is not there.
    """
    return _environment().get_template(template).render(values)


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    made = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(data_dir("templates") / "deploy"),
        undefined=StrictUndefined,
        autoescape=False,  # no HTML: each target's filter quotes
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update({"shell": shell, "pod": pod, "quoted": quoted, "comment": comment})
    return made


def shell(word: Token) -> str:
    """Return a word of a bash command line.

    >>> shell(Ref("OUT", "/a b")), shell("full_shard auto_wrap")
    ('"${OUT}"\'/a b\'', "'full_shard auto_wrap'")
    """
    if isinstance(word, Ref):
        return f'"${{{word.name}}}"' + (shlex.quote(word.suffix) if word.suffix else "")
    return shlex.quote(word)


def pod(word: Token) -> str:
    """Return a word of a container's command or arguments; ``$(`` in plain text is not expanded.

    >>> pod(Ref("OUT", "/x")), pod("$(rm)")
    ('"$(OUT)/x"', '"$$(rm)"')
    """
    if isinstance(word, Ref):
        return quoted(f"$({word.name}){word.suffix}")
    return quoted(word.replace("$(", "$$("))


def quoted(text: object) -> str:
    """Return text as a scalar of YAML between quotes."""
    return json.dumps(str(text), ensure_ascii=False)


def comment(text: object) -> str:
    """Return text that cannot leave a comment line."""
    return " ".join(str(text).split())
