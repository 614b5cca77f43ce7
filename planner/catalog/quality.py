"""How much of a model's quality a combination of formats keeps, from published measurements."""

from __future__ import annotations

from collections.abc import Mapping

from planner.catalog.schema.formats import KvFormat, WeightFormat
from planner.catalog.schema.quality import SIZE_CLASSES, QualityFamily, Recovery, SizeClass, SizeRecord

REFERENCE = "16bit"
_UPPER_BOUNDS = (2e9, 5.5e9, 15.5e9, 50.5e9, 130e9)
"""Parameters up to which a model belongs to a size class; between the printed ends, half way."""


def size_class(parameters: float) -> SizeClass:
    """Return the size class of a model with that many parameters in all (a mixture of experts counts every expert).

    >>> size_class(8.03e9), size_class(70.6e9), size_class(671e9)
    ('6-15B', '51-130B', '>130B')
    """
    return SIZE_CLASSES[sum(parameters >= bound for bound in _UPPER_BOUNDS)]


class Quality:
    """The evidence by family and size class."""

    def __init__(
        self,
        families: Mapping[str, QualityFamily],
        formats: Mapping[str, WeightFormat],
        kv_formats: Mapping[str, KvFormat],
    ) -> None:
        self.families = families
        self._formats = formats
        self._kv_formats = kv_formats

    def recovery(
        self, weights_format_id: str, kv_format_id: str, parameters: float, native_format_id: str = "bf16"
    ) -> Recovery:
        """Return the recovery of weights and KV cache together against the model as published.

        ``parameters`` is the model's total; ``native_format_id`` the format it was published in, which is the reference
        just as 16 bits are. Where both are quantized, median and p10 are the products of the two, each capped at 1: a
        gain over the reference is noise and may not pay for a loss elsewhere; that the losses are independent is an
        assumption, and p10 of both at once is the cautious end. Raises KeyError for an unknown format id.
        """
        size = size_class(parameters)
        weights = self._one(self._formats[weights_format_id].family, size, weights_format_id == native_format_id)
        cache = self._one(self._kv_formats[kv_format_id].family, size, False)
        if cache is None:
            return weights or Recovery(1.0, 1.0, 0, size, True, "the reference itself")
        return _product(weights, cache) if weights else cache

    def _one(self, family: str, size: SizeClass, native: bool) -> Recovery | None:
        """Return the recovery of one family; None for the reference."""
        if native or family == REFERENCE:
            return None
        evidence = self.families.get(family)
        if evidence is None:
            return Recovery(None, None, 0, size, False, "", self._perplexity_note(family))
        record, own = _nearest(evidence.records, size)
        note = "" if own else f"nothing measured at {size}; the figures are those of {record.size_class}"
        return Recovery(record.median, record.p10, record.n, size, own, evidence.source, note)

    def _perplexity_note(self, family: str) -> str:
        ratios = self.families.get(f"{family}-perplexity")
        if ratios is None:
            return f"no evidence on {family}"
        low = min(record.min for record in ratios.records)
        return (
            f"no task scores on {family}; perplexity ratios of {low:.1%} and more hint at little loss"
            if (low > 0.97)
            else f"no task scores on {family}; perplexity ratios from {low:.1%}"
        )


def _nearest(records: tuple[SizeRecord, ...], size: SizeClass) -> tuple[SizeRecord, bool]:
    """Return the record of the class or of the nearest one (the smaller of two: small models suffer more)."""
    wanted = SIZE_CLASSES.index(size)
    record = min(
        records,
        key=lambda item: (abs(SIZE_CLASSES.index(item.size_class) - wanted), SIZE_CLASSES.index(item.size_class)),
    )
    return record, record.size_class == size


def _product(first: Recovery, second: Recovery) -> Recovery:
    def times(a: float | None, b: float | None) -> float | None:
        return None if a is None or b is None else min(a, 1.0) * min(b, 1.0)

    notes = [note for note in (first.note, second.note) if note]
    return Recovery(
        median=times(first.median, second.median),
        p10=times(first.p10, second.p10),
        n=min(first.n, second.n),
        size_class=first.size_class,
        measured=first.measured and second.measured,
        source="; ".join(text for text in (first.source, second.source) if text),
        note="; ".join(["weights times KV cache, each at most 1", *notes]),
    )
