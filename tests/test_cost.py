from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner import cost, power
from planner.cost import Facility

OWN = Facility(electricity_usd_per_kwh=0.10, pue=1.2)
HOSTED = Facility(electricity_usd_per_kwh=0.10, pue=1.2, colocation_usd_per_kw_month=217.3)


def test_own_site_pays_energy_with_pue() -> None:
    assert cost.power_usd_per_hour(10_000, OWN) == pytest.approx(10 * 1.2 * 0.10)
    assert cost.colocation_usd_per_hour(10_000, OWN) == 0


def test_colocation_replaces_energy_and_pue() -> None:
    assert cost.power_usd_per_hour(10_000, HOSTED) == 0
    assert cost.per_month(cost.colocation_usd_per_hour(10_000, HOSTED)) == pytest.approx(2173.0)


def test_salvage_lowers_the_write_off() -> None:
    full = cost.amortised_usd_per_hour(300_000, 36)
    assert cost.amortised_usd_per_hour(300_000, 36, salvage_share=0.2) == pytest.approx(0.8 * full)
    assert cost.total_cost_of_ownership(300_000, 0, 36, salvage_share=0.2) == pytest.approx(240_000)


def test_maintenance_over_a_year_is_its_share() -> None:
    hourly = cost.maintenance_usd_per_hour(300_000, 0.05)
    assert cost.per_month(hourly) * 12 == pytest.approx(15_000)


def test_token_price() -> None:
    assert cost.usd_per_million_tokens(36.0, 10_000) == pytest.approx(1.0)


@given(st.floats(1, 1e7), st.integers(1, 120), st.floats(0, 1e5))
def test_tco_is_the_hourly_cost_over_the_horizon(capex: float, months: int, running: float) -> None:
    hourly = cost.amortised_usd_per_hour(capex, months) + running / 730
    assert cost.per_month(hourly) * months == pytest.approx(cost.total_cost_of_ownership(capex, running, months))


@given(st.floats(0, 1e6))
def test_money_survives_the_solver_unit(amount: float) -> None:
    assert cost.usd(cost.micro_usd(amount)) == pytest.approx(amount, abs=5.01e-7)


@pytest.mark.parametrize("kind", ["dense", "moe", "hybrid"])
@pytest.mark.parametrize("generation", ["hopper", "blackwell", "ampere"])
def test_power_stays_between_idle_and_tdp(generation: str, kind: power.ModelKind) -> None:
    share = power.mean_share_of_tdp(generation, kind, np.array([0.5, 1, 8.5, 100, 5000]))
    assert np.all((share > power.IDLE_SHARE_OF_TDP) & (share < 1))
    assert share[0] == share[1] == share[2]


def test_power_at_a_measured_bin_is_the_measurement() -> None:
    assert power.mean_share_of_tdp("hopper", "dense", np.array([68.0]))[0] == pytest.approx(0.802)
    assert not power.measured("ampere")
