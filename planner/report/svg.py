"""SVG elements as escaped markup, with numbers printed short and the same everywhere."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup


def tag(name: str, *children: str, **attributes: str | float) -> Markup:
    """Return ``<name attribute="value">children</name>``; text and values are escaped, markup is not.

    An attribute's trailing underscore is dropped (``class_``), others become hyphens (``text_anchor``).
    """
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), value if isinstance(value, str) else short(value))
        for key, value in attributes.items()
    )
    return Markup("<{0}{1}>{2}</{0}>").format(name, written, join(children))


def chart(name: str, kind: str, title: str, description: str, shapes: Iterable[str], **size: str) -> Markup:
    """Return the ``<svg>`` of a chart with its accessible name; ``name`` makes the ids unique in the document."""
    labels = f"{name}-title", f"{name}-description"
    heads = tag("title", title, id=labels[0]), tag("desc", description, id=labels[1])
    return tag("svg", *heads, *shapes, class_=f"chart {kind}", role="img", aria_labelledby=" ".join(labels), **size)


def join(parts: Iterable[str]) -> Markup:
    """Return the parts one after the other, escaping those that are not markup."""
    return Markup("").join(parts)


def short(value: float, digits: int = 1) -> str:
    """Return ``value`` with at most ``digits`` decimals and no trailing zeros."""
    text = f"{value:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def percent(share: float) -> str:
    """Return a share from 0 to 1 as a coordinate of a drawing that fills its column."""
    return f"{short(100 * share, 2)}%"


def share(value: float, total: float) -> float:
    """Return ``value`` as a share of ``total``, cut to 0 and 1; 0 where there is no total."""
    return min(max(value / total, 0.0), 1.0) if total > 0 else 0.0
