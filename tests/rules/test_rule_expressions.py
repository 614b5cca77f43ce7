"""Expressions: what they read, how they fail, and that their cost is bounded."""

from __future__ import annotations

import time

import pytest

from planner.rules.checked import decode
from planner.rules.expression import Checked, EvaluationError, Program, check

PAIRS = "model.row_widths.all(a, model.row_widths.all(b, a + b > 0))"


def test_says_which_variables_are_read() -> None:
    checked = check('tp > 1 && (format.id == "a" || model.row_widths.exists(tp_, tp_ % tp == 0))')
    assert isinstance(checked, Checked)
    assert checked.variables == ("format.id", "model.row_widths", "tp")


def test_a_name_inside_a_text_is_not_read() -> None:
    checked = check('engine.id == "accelerator.vendor" // offer.region')
    assert isinstance(checked, Checked)
    assert checked.variables == ("engine.id",)


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("tp > 1", {"tp": 2}, True),
        ("accelerator.tdp_w >= 300.0", {"accelerator.tdp_w": 300}, True),
        ('"mla" in model.mixers', {"model.mixers": ["full"]}, False),
        ("tp == 0 || model.heads % tp == 0", {"tp": 0, "model.heads": 64}, True),
        ('offer.provider.matches("^(AWS|GCP)$")', {"offer.provider": "GCP"}, True),
        ('offer.region == "华东"', {"offer.region": "华东"}, True),
    ],
)
def test_evaluates(text: str, values: dict[str, object], expected: bool) -> None:
    assert Program(text).evaluate(values) is expected


@pytest.mark.parametrize(
    ("text", "values", "why"),
    [
        ("model.heads % tp == 0", {"tp": 0, "model.heads": 64}, "modulus by zero"),
        ("int(offer.region) > 1", {"offer.region": "us"}, "cannot convert string to int"),
        ("model.row_widths[3] > 1", {"model.row_widths": [1]}, "index"),
        ("tp > 1", {}, 'No value with name "tp"'),
        ("tp > 1", {"tp": None}, "Unexpected value type"),
        ("tp * 9223372036854775807 > 1", {"tp": 2}, "overflow"),
        (PAIRS, {"model.row_widths": list(range(1, 400))}, "budget"),
    ],
)
def test_a_failure_is_an_error_and_never_false(text: str, values: dict[str, object], why: str) -> None:
    with pytest.raises(EvaluationError, match=f"(?i){why}"):
        Program(text).evaluate(values)


def test_what_passes_the_check_is_evaluated_in_a_millisecond() -> None:
    widths = list(range(1, 65))
    assert isinstance(check(PAIRS), Checked)
    program = Program(PAIRS)
    start = time.perf_counter()
    for _ in range(10):
        program.evaluate({"model.row_widths": widths})
    assert (time.perf_counter() - start) / 10 < 0.02  # 20 times what it takes, for a busy machine


def test_a_pattern_that_backtracks_elsewhere_is_linear_here() -> None:
    program = Program('offer.provider.matches("^(a+)+$")')
    start = time.perf_counter()
    assert program.evaluate({"offer.provider": "a" * 50_000 + "b"}) is False
    assert time.perf_counter() - start < 0.5


@pytest.mark.parametrize("junk", [b"", b"\xff", b"\x12\x05abc", b"\x0b\x0c", b"\x80" * 20])
def test_bytes_that_are_no_expression_are_refused(junk: bytes) -> None:
    if junk == b"\x12\x05abc":
        decode(junk, frozenset())  # a truncated field is empty, not a crash
        return
    with pytest.raises(ValueError, match="serialized"):
        decode(junk, frozenset())
