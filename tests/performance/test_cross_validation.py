"""What is left out together stays together, folds are always the same, and intervals cover what they should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.performance.cross_validation import conformal, folds
from planner.performance.percentiles import percentile_ratios


@given(st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=60), st.integers(1, 8))
def test_a_group_lies_in_one_fold(groups: list[str], count: int) -> None:
    dealt = folds(groups, count)
    assert dealt.tolist() == folds(groups, count).tolist()
    for name in set(groups):
        assert len({int(fold) for fold, group in zip(dealt, groups, strict=True) if group == name}) == 1
    assert 0 <= dealt.min() <= dealt.max() < count


def test_folds_are_of_equal_size() -> None:
    sizes = np.bincount(folds([str(i) for i in range(103)], 5))
    assert sizes.max() - sizes.min() <= 1


def test_conformal_intervals_cover_nine_of_ten() -> None:
    draws = np.random.default_rng(0).standard_t(3, size=(400, 200))
    covered = []
    for sample in draws:
        low, high = conformal(sample[:100])
        covered.append(np.mean((sample[100:] >= low) & (sample[100:] <= high)))
    assert np.mean(covered) == pytest.approx(0.9, abs=0.015)


def test_percentiles_come_from_what_campaigns_print() -> None:
    rows = [{"source": "a x", "ttft_ms_mean": 100, "ttft_ms_p95": 150}] * 10
    rows += [{"source": "b x", "ttft_ms_mean": 100, "ttft_ms_p99": 100 * 2.0 ** (2.3263479 / 1.6448536)}] * 10
    rows += [{"source": "c x", "ttft_ms_mean": 100, "ttft_ms_p95": 9000}] * 9
    found = percentile_ratios(rows, {"tpot": 1.1})
    assert found == {"ttft": 1.75, "tpot": 1.1}, "the median of 1.5 and 2.0; nine rows are no campaign"
