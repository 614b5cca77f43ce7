"""The stated rate of the yuan is the one at which the catalog's Chinese prices stand beside dollars."""

from __future__ import annotations

from statistics import median

import pytest

from planner.catalog import load_catalog
from planner.units import CURRENCY_UNITS_PER_USD


def test_the_stated_rate_is_that_of_the_price_lists() -> None:
    rates = [
        price.native_amount / price.usd_per_hour
        for offer in load_catalog().offers.values()
        for price in offer.prices
        if price.currency == "CNY" and price.native_amount and price.usd_per_hour
    ]
    assert len(rates) >= 20
    assert median(rates) == pytest.approx(CURRENCY_UNITS_PER_USD["CNY"], rel=1e-3)
    assert all(rate == pytest.approx(CURRENCY_UNITS_PER_USD["CNY"], rel=5e-3) for rate in rates)
