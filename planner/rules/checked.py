"""Read the checked syntax tree that the CEL library serializes.

The library type-checks an expression but shows neither its tree nor the variables it reads. Its serialized form is
``cel.expr.CheckedExpr`` (https://github.com/google/cel-spec/blob/master/proto/cel/expr/checked.proto), a public and
stable protobuf; the few fields that the planner needs are decoded here rather than from generated code, which
would cost an import of the protobuf runtime and of a package of its own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

NodeKind = Literal["constant", "identifier", "select", "call", "list", "struct", "comprehension"]
# Field numbers of cel.expr.Expr's oneof (syntax.proto).
_KINDS: dict[int, NodeKind] = {
    3: "constant",
    4: "identifier",
    5: "select",
    6: "call",
    7: "list",
    8: "struct",
    9: "comprehension",
}
_DYNAMIC_TYPE = 1  # cel.expr.Type.dyn

Constant = bool | int | float | str | bytes | None


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the tree.

    ``name`` is the function of a call (``_>=_``), the identifier, or the selected field; ``value`` the constant;
    ``children`` are arguments (a member call's target first), list elements, map entries, or for a comprehension its
    range first. ``offset`` is the place in the text, in code points from 0.
    """

    kind: NodeKind
    offset: int
    name: str = ""
    value: Constant = None
    children: tuple[Node, ...] = ()

    def walk(self) -> Iterator[Node]:
        """Yield this node and everything below it, depth first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class CheckedExpression:
    """A type-checked expression: its tree, the variables that it reads (sorted), whether a type stayed dynamic."""

    root: Node
    variables: tuple[str, ...]
    dynamic: bool


def decode(serialized: bytes, declared: frozenset[str]) -> CheckedExpression:
    """Decode what ``Expression.serialize()`` gives; ``declared`` are the variables that the environment knows.

    Raises ValueError when the bytes are not a serialized CheckedExpr.
    """
    try:
        body = next(payload for number, payload in _fields(serialized) if number == 2 and isinstance(payload, bytes))
    except StopIteration:
        raise ValueError("not a serialized CEL expression") from None
    references: dict[int, str] = {}
    offsets: dict[int, int] = {}
    dynamic = False
    expression = b""
    for number, payload in _fields(body):
        if not isinstance(payload, bytes):
            continue
        if number == 2:
            key, entry = _map_entry(payload)
            references[key] = _string(entry, 1)
        elif number == 3:
            dynamic = dynamic or _mentions_dynamic(_map_entry(payload)[1])
        elif number == 4:
            expression = payload
        elif number == 5:
            offsets = _positions(payload)
    root = _node(expression, offsets)
    variables = sorted({name for name in references.values() if name in declared})
    return CheckedExpression(root, tuple(variables), dynamic)


def _node(payload: bytes, offsets: dict[int, int]) -> Node:
    identifier, kind, body = 0, 0, b""
    for number, value in _fields(payload):
        if number == 2 and isinstance(value, int):
            identifier = value
        elif number in _KINDS and isinstance(value, bytes):
            kind, body = number, value
    offset = offsets.get(identifier, 0)
    match kind:
        case 3:
            return Node("constant", offset, value=_constant(body))
        case 4:
            return Node("identifier", offset, name=_string(body, 1))
        case 5:
            return Node("select", offset, name=_string(body, 2), children=_nodes(body, (1,), offsets))
        case 6:
            return Node("call", offset, name=_string(body, 2), children=_nodes(body, (1, 3), offsets))
        case 7:
            return Node("list", offset, children=_nodes(body, (1,), offsets))
        case 8:
            entries = [value for number, value in _fields(body) if number == 2 and isinstance(value, bytes)]
            parts = [node for entry in entries for node in _nodes(entry, (3, 4), offsets)]
            return Node("struct", offset, children=tuple(parts))
        case 9:
            return Node("comprehension", offset, _string(body, 1), None, _nodes(body, (2, 4, 5, 6, 7), offsets))
        case _:
            return Node("constant", offset)


def _nodes(payload: bytes, numbers: tuple[int, ...], offsets: dict[int, int]) -> tuple[Node, ...]:
    found = list(_fields(payload))
    return tuple(
        _node(value, offsets)
        for wanted in numbers
        for number, value in found
        if number == wanted and isinstance(value, bytes)
    )


def _constant(payload: bytes) -> Constant:
    for number, value in _fields(payload):
        match number, value:
            case 2, int():
                return bool(value)
            case 3, int():
                return value - (1 << 64) if value >= 1 << 63 else value
            case 4, int():
                return value
            case 5, bytes():
                return float(struct.unpack("<d", value)[0])
            case 6, bytes():
                return value.decode()
            case 7, bytes():
                return value
    return None


def _positions(source_info: bytes) -> dict[int, int]:
    positions: dict[int, int] = {}
    for number, payload in _fields(source_info):
        if number == 4 and isinstance(payload, bytes):
            entry = dict(_fields(payload))
            key, value = entry.get(1, 0), entry.get(2, 0)
            if isinstance(key, int) and isinstance(value, int):
                positions[key] = value
    return positions


def _mentions_dynamic(type_message: bytes) -> bool:
    """Whether a cel.expr.Type is dynamic or a list or map of dynamic values."""
    for number, payload in _fields(type_message):
        if number == _DYNAMIC_TYPE:
            return True
        if number in (6, 7) and isinstance(payload, bytes):  # list_type, map_type
            parts = [part for _, part in _fields(payload) if isinstance(part, bytes)]
            if any(_mentions_dynamic(part) for part in parts):
                return True
    return False


def _map_entry(payload: bytes) -> tuple[int, bytes]:
    key, value = 0, b""
    for number, part in _fields(payload):
        if number == 1 and isinstance(part, int):
            key = part
        elif number == 2 and isinstance(part, bytes):
            value = part
    return key, value


def _string(payload: bytes, wanted: int) -> str:
    for number, value in _fields(payload):
        if number == wanted and isinstance(value, bytes):
            return value.decode()
    return ""


def _fields(payload: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield (field number, value) of a protobuf message: integers for varints, bytes for everything else."""
    position = 0
    while position < len(payload):
        tag, position = _varint(payload, position)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, position = _varint(payload, position)
            yield number, value
            continue
        if wire == 2:
            length, position = _varint(payload, position)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError("not a serialized CEL expression")
        yield number, payload[position : position + length]
        position += length


def _varint(payload: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= len(payload):
            raise ValueError("not a serialized CEL expression")
        byte = payload[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
