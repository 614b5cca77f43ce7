"""The worked example of the five founding notes: a 70B model on 4, 2 and 1 A100 80GB over three years, in yuan.

Cards at 100,000 CNY each, 400 W each around the clock in months of 30 days, 1 CNY/kWh, no PUE: 44.15, 22.07 and
11.04 (in 10,000 CNY). The throughputs stated there are 100, 180 and 280 tokens/s.
"""

from __future__ import annotations

import pytest

from planner.cost import energy_cost, total_cost_of_ownership, usd_per_million_tokens

CARD_CNY = 100_000
CARD_WATTS = 400
CNY_PER_KWH = 1.0
HOURS_OF_A_NOTED_MONTH = 24 * 30
MONTHS = 36
TEN_THOUSAND = 10_000


@pytest.mark.parametrize(
    ("weights", "cards", "energy_cny_per_month", "tco_ten_thousand_cny"),
    [("fp16", 4, 1152, 44.15), ("int8", 2, 576, 22.07), ("int4", 1, 288, 11.04)],
)
def test_three_year_tco(weights: str, cards: int, energy_cny_per_month: float, tco_ten_thousand_cny: float) -> None:
    energy = energy_cost(cards * CARD_WATTS, HOURS_OF_A_NOTED_MONTH, CNY_PER_KWH)
    assert energy == pytest.approx(energy_cny_per_month)
    total = total_cost_of_ownership(cards * CARD_CNY, energy, MONTHS)
    # 441,472, 220,736 and 110,368 yuan; the notes print two decimals of 10,000
    assert total / TEN_THOUSAND == pytest.approx(tco_ten_thousand_cny, abs=0.005)


def test_int4_saves_three_quarters() -> None:
    totals = [
        total_cost_of_ownership(cards * CARD_CNY, energy_cost(cards * CARD_WATTS, 720, CNY_PER_KWH), MONTHS)
        for cards in (4, 2, 1)
    ]
    assert totals[1] / totals[0] == pytest.approx(0.50)
    assert totals[2] / totals[0] == pytest.approx(0.25)


def test_the_gain_per_token_is_larger_than_the_gain_per_month() -> None:
    hourly = [total_cost_of_ownership(c * CARD_CNY, 288 * c, MONTHS) / (MONTHS * 720) for c in (4, 2, 1)]
    fp16, int8, int4 = (usd_per_million_tokens(h, t) for h, t in zip(hourly, (100, 180, 280), strict=True))
    assert fp16 / int8 == pytest.approx(2 * 1.8)
    assert fp16 / int4 == pytest.approx(4 * 2.8)
