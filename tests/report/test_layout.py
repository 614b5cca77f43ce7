"""Text in columns, with wide characters, and bars that keep their sums."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from planner.report.layout import cut, gauge, pad, stacked, table, width, wrap


def test_wide_characters_take_two_columns():
    assert width("KV 缓存") == 7
    assert pad("缓存", 6) == "缓存  "
    assert pad("缓存", 6, right=True) == "  缓存"


def test_columns_line_up_beside_chinese():
    lines = table([["要求", "2 s"], ["TTFT p95", "50 ms"]], "lr")
    assert [width(line) for line in lines] == [15, 15]


def test_lines_break_at_spaces_and_between_chinese_characters_but_not_before_their_punctuation():
    assert wrap("one two three", 7) == ["one two", "three"]
    assert wrap("每月费用，最低。", 8) == ["每月费", "用，最", "低。"]
    assert wrap("每月费用 36,791 美元", 12) == ["每月费用", "36,791 美元"]


@given(st.text(alphabet="ab 中文，", max_size=80), st.integers(4, 30))
def test_wrapping_loses_nothing_but_spaces(text, columns):
    lines = wrap(text, columns)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_a_cut_text_says_so():
    assert cut("lambda-gpu-8x", 9) == "lambda-g…"
    assert cut("short", 9) == "short"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.integers(20, 100))
def test_a_stacked_bar_never_overflows_and_shows_what_is_there(values, columns):
    total = sum(values) or 1.0
    shares = [value / total for value in values]
    parts = stacked(shares, columns)
    assert all(part >= 0 for part in parts)
    assert sum(parts) <= columns


def test_a_small_term_still_gets_a_column():
    assert stacked([0.9, 0.001, 0.05], 50) == [45, 1, 2]


def test_a_gauge_shows_figure_interval_and_limit():
    assert gauge(50, None, None, 100, 20) == "████████        │   "
    assert gauge(50, 40, 75, 100, 20) == "██████▒▒▒▒▒▒    │   "
    assert gauge(500, None, None, 100, 20) == "████████████████│███"
