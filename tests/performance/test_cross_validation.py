"""What is left out together stays together, folds are always the same, and intervals cover what they should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.performance.cross_validation import folds
from planner.performance.intervals import Residuals, conformal
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
    apart = np.arange(100).astype(str)
    covered = []
    for sample in draws:
        low, high = conformal(Residuals(sample[:100], apart))
        covered.append(np.mean((sample[100:] >= low) & (sample[100:] <= high)))
    assert np.mean(covered) == pytest.approx(0.9, abs=0.015)


def test_they_cover_pairs_that_are_not_among_them() -> None:
    """Rows of a pair err alike: most of the variance is the pair's. Quantiles of all rows would cover 86 %."""
    draw = np.random.default_rng(1)
    pairs = np.repeat(np.arange(12), 20).astype(str)
    covered, naive = [], []
    for _ in range(300):
        values = np.repeat(draw.normal(0.0, 2.0, 12), 20) + draw.normal(size=240)
        further = draw.normal(0.0, 2.0, 100) + draw.normal(size=100)
        low, high = conformal(Residuals(values, pairs))
        covered.append(np.mean((further >= low) & (further <= high)))
        low, high = np.quantile(values, (0.05, 0.95))
        naive.append(np.mean((further >= low) & (further <= high)))
    assert np.mean(naive) < 0.87
    assert np.mean(covered) == pytest.approx(0.9, abs=0.012)


def test_percentiles_come_from_what_campaigns_print() -> None:
    rows = [{"source": "a x", "ttft_ms_mean": 100, "ttft_ms_p95": 150}] * 10
    rows += [{"source": "b x", "ttft_ms_mean": 100, "ttft_ms_p99": 100 * 2.0 ** (2.3263479 / 1.6448536)}] * 10
    rows += [{"source": "c x", "ttft_ms_mean": 100, "ttft_ms_p95": 9000}] * 9
    found = percentile_ratios(rows, {"tpot": 1.1})
    assert found == {"ttft": 1.75, "tpot": 1.1}, "the median of 1.5 and 2.0; nine rows are no campaign"
