"""The parser's events -> data and marks, in one pass without recursion.

``yaml.compose`` would do for friendly files, but it recurses once per level and resolves scalars as YAML 1.1; from the
events, nesting, aliases and duplicate keys are judged as they come, and a hostile file costs no more than its bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isinf
from typing import Any

import yaml

from planner.errors import Diagnostic
from planner.source.document import Marks, Place, excerpt_of, printable

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_NUMERIC_START = frozenset("0123456789+-.")
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_MAX_DIGITS = 40
_MAX_PROBLEMS = 50

_UNCLOSED = "found unexpected end of stream"
_TOO_DEEP_FOR_PARSER = "maximum nesting depth"
_SYNTAX_HELP = (
    ("cannot start any token", "indent with spaces, not tabs; quote a value that starts with @, ` or %"),
    ("mapping values are not allowed", "quote a value that contains ': ', or check the indentation"),
    ("could not find expected ':'", "a key needs ': ' after it, or a quote is not closed"),
    ("did not find expected key", "check the indentation and the quotes of the lines above"),
    ("did not find expected ',' or '}'", "close the { ... } of the line above, or put a comma between its parts"),
    ("did not find expected ',' or ']'", "close the [ ... ] of the line above, or put a comma between its parts"),
    (_UNCLOSED, "close the quote"),
    ("block sequence entries are not allowed", "put the '-' on a line of its own"),
)


class _Stop(Exception):
    """Nothing below this point can be trusted."""


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not come yet."""

    value: dict[str, Any] | list[Any]
    marks: Marks
    anchor: str | None
    nodes_before: int
    key: str | None = None
    """The key that waits for its value; None where a key is due."""
    drop: bool = False
    """The value of a refused key is read and thrown away."""


class _Builder:
    def __init__(self, text: str, path: str, max_nodes: int, max_depth: int) -> None:
        self.text, self.path = text, path
        self.max_nodes, self.max_depth = max_nodes, max_depth
        self.problems: list[Diagnostic] = []
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Any, Marks, int]] = {}
        self.nodes = 0
        self.root: Any = None
        self.marks = Marks((1, 1, 1))

    def problem(self, place: Place, message: str, code: str, help: str = "") -> None:
        line, column, width = place
        excerpt = excerpt_of(self.text, line, column)
        width = max(1, min(width, len(excerpt) - column + 1))
        self.problems.append(
            Diagnostic(printable(message), self.path, line, column, code, printable(help), excerpt, width)
        )
        if len(self.problems) >= _MAX_PROBLEMS:
            raise _Stop

    def stop(self, place: Place, message: str, code: str, help: str = "") -> _Stop:
        self.problem(place, message, code, help)
        return _Stop()

    def run(self) -> None:
        loader = _Loader(self.text)
        documents = 0
        try:
            while loader.check_event():
                event = loader.get_event()
                match type(event):
                    case yaml.ScalarEvent:
                        self.scalar(event)
                    case yaml.MappingStartEvent:
                        self.open(event, {})
                    case yaml.SequenceStartEvent:
                        self.open(event, [])
                    case yaml.MappingEndEvent | yaml.SequenceEndEvent:
                        self.close()
                    case yaml.AliasEvent:
                        self.alias(event)
                    case yaml.DocumentStartEvent:
                        documents += 1
                        if documents > 1:
                            raise self.stop(_place(event), "a second document starts here", "many-documents",
                                            "keep one document per file")  # fmt: skip
        finally:
            loader.dispose()

    def count(self, place: Place, nodes: int = 1) -> None:
        self.nodes += nodes
        if self.nodes > self.max_nodes:
            raise self.stop(place, f"more than {self.max_nodes:,} values, aliases written out", "too-many-values",
                            "split the file, or use fewer aliases")  # fmt: skip

    def scalar(self, event: yaml.ScalarEvent) -> None:
        place = _place(event)
        self.count(place)
        parent = self.stack[-1] if self.stack else None
        if parent is not None and parent.key is None and isinstance(parent.value, dict):
            self.key(parent, event, place)
            return
        self.tag(event, place)
        value: Any = event.value
        if event.implicit[0]:
            value = self.resolve(value, place)
        marks = Marks(place)
        if event.anchor:
            self.anchors[event.anchor] = (value, marks, 1)
        self.attach(value, marks)

    def key(self, parent: _Open, event: yaml.ScalarEvent, place: Place) -> None:
        """Note the key whose value comes next. A key is the text that is written: ``on``, ``1e9`` and ``8`` alike."""
        self.tag(event, place)
        key = event.value
        if event.anchor:
            self.anchors[event.anchor] = (key, Marks(place), 1)
        parent.key, parent.drop = key, True
        if event.implicit[0] and key == "<<":
            self.problem(place, "merge keys (<<) are not supported", "merge-key", "write the keys out")
        elif event.implicit[0] and key == "":
            self.problem(place, "a key is missing before ':'", "yaml-syntax")
        elif key in parent.marks.keys:
            first = parent.marks.keys[key][0]
            self.problem(place, f"key {key[:60]!r} is given twice (first on line {first})", "duplicate-key",
                         "keep one of the two")  # fmt: skip
        else:
            parent.drop = False
            parent.marks.keys[key] = place

    def open(self, event: yaml.CollectionStartEvent, value: dict[str, Any] | list[Any]) -> None:
        place = _place(event)
        self.tag(event, place)
        self.count(place)
        if len(self.stack) >= self.max_depth:
            raise self.stop(place, f"nested more than {self.max_depth} deep", "too-deep")
        if self.stack and self.stack[-1].key is None and isinstance(self.stack[-1].value, dict):
            raise self.stop(place, "a list or mapping cannot be a key", "yaml-syntax", "quote it, if it is a text")
        self.stack.append(_Open(value, Marks(place), event.anchor, self.nodes - 1))

    def close(self) -> None:
        done = self.stack.pop()
        if done.anchor:
            self.anchors[done.anchor] = (done.value, done.marks, self.nodes - done.nodes_before)
        self.attach(done.value, done.marks)

    def alias(self, event: yaml.AliasEvent) -> None:
        place = _place(event)
        name = event.anchor
        if any(item.anchor == name for item in self.stack):
            raise self.stop(place, f"alias *{name} is part of what it stands for", "recursive-alias",
                            "write the value out")  # fmt: skip
        if name not in self.anchors:
            raise self.stop(place, f"alias *{name} has no anchor &{name} before it", "unknown-alias",
                            f"write the value out, or '*{name}' in quotes for a text")  # fmt: skip
        value, marks, nodes = self.anchors[name]
        parent = self.stack[-1] if self.stack else None
        if parent is not None and parent.key is None and isinstance(parent.value, dict):
            raise self.stop(place, "an alias cannot be a key", "yaml-syntax", "write the key out")
        self.count(place, nodes)
        self.attach(value, marks)

    def attach(self, value: Any, marks: Marks) -> None:
        if not self.stack:
            self.root, self.marks = value, marks
            return
        parent = self.stack[-1]
        if isinstance(parent.value, list):
            parent.marks.children[len(parent.value)] = marks
            parent.value.append(value)
            return
        if parent.key is not None and not parent.drop:
            parent.value[parent.key] = value
            parent.marks.children[parent.key] = marks
        parent.key = None

    def tag(self, event: Any, place: Place) -> None:
        if event.tag is not None:
            shown = event.tag.replace("tag:yaml.org,2002:", "!!")[:60]
            self.problem(place, f"tag {shown} is not supported", "tag", "delete it; quote the value if it is a text")

    def resolve(self, text: str, place: Place) -> Any:
        """Return what a plain scalar means in YAML 1.2's core schema; refuse what is not finite or not unambiguous."""
        if text in _WORDS:
            return _WORDS[text]
        if text[0] not in _NUMERIC_START:
            return text
        if _INT.fullmatch(text):
            digits = text.lstrip("+-")
            if len(digits) > _MAX_DIGITS:
                self.problem(place, f"a number of {len(digits):,} digits", "bad-number", "write fewer digits")
                return 0
            if digits[0] == "0" and len(digits) > 1:
                self.problem(place, f"{text} is octal in YAML 1.1 and decimal in YAML 1.2", "bad-number",
                             f'write {digits.lstrip("0") or "0"}, or "{text}" for a text')  # fmt: skip
                return 0
            return int(text)
        if _FLOAT.fullmatch(text):
            number = float(text)
            if isinf(number) or len(text) > 2 * _MAX_DIGITS:
                self.problem(place, "the number is too large", "bad-number", "write it with its unit, such as 10B")
                return 0
            return number
        if _BASED.fullmatch(text) and len(text) <= _MAX_DIGITS:
            return int(text, 0)
        if _NOT_FINITE.fullmatch(text):
            self.problem(place, f"{text} is not a finite number", "bad-number", "leave the key out for no limit")
            return 0
        return text


def _place(event: Any) -> Place:
    start, end = event.start_mark, event.end_mark
    one_line = start.line == end.line
    return start.line + 1, start.column + 1, (end.column - start.column if one_line else 1_000) or 1


def build(text: str, path: str, max_nodes: int, max_depth: int) -> tuple[Any, Marks, list[Diagnostic]]:
    """Return (data, marks, problems) of a text that holds one YAML document; with problems, data mean nothing."""
    builder = _Builder(text, path, max_nodes, max_depth)
    try:
        builder.run()
    except _Stop:
        pass
    except yaml.MarkedYAMLError as error:
        message = error.problem or error.context or "is not YAML"
        if _TOO_DEEP_FOR_PARSER in message:
            # libyaml 0.2.6 looks ahead for keys and stops at a depth of its own before our events begin.
            message = f"nested more than {max_depth} deep"
        # What is not closed is noticed at the end of the file; the beginning of it is what helps.
        mark = error.context_mark if _UNCLOSED in message and error.context_mark else error.problem_mark
        place = (mark.line + 1, mark.column + 1, 1) if mark else (0, 0, 1)
        if error.context and error.context_mark and error.context_mark.line + 1 != place[0]:
            message += f" {error.context} that begins on line {error.context_mark.line + 1}"
        remedy = next((remedy for words, remedy in _SYNTAX_HELP if words in message), "")
        _append(builder, place, f"not YAML: {message}", remedy)
    except yaml.YAMLError as error:
        _append(builder, (0, 0, 1), f"not YAML: {str(error).splitlines()[0]}", "")
    return builder.root, builder.marks, builder.problems


def _append(builder: _Builder, place: Place, message: str, remedy: str) -> None:
    excerpt = excerpt_of(builder.text, place[0], place[1])
    builder.problems.append(
        Diagnostic(printable(message), builder.path, place[0], place[1], "yaml-syntax", remedy, excerpt)
    )
