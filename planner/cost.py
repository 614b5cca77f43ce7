"""Cost: rent per instance, purchase spread over a horizon, power or colocation, total cost of ownership.

Every function is one formula on plain numbers (or numpy arrays, element by element). Amounts are US dollars unless a
parameter says otherwise; the currency of the result is that of the prices given. The planner's months have
``units.HOURS_PER_MONTH`` hours.
"""

from __future__ import annotations

from dataclasses import dataclass

from planner.units import HOURS_PER_MONTH, MICRO_USD_PER_USD, MONTHS_PER_YEAR, SECONDS_PER_HOUR

DEFAULT_HORIZON_MONTHS = 36
"""Over how long a purchase is written off unless the scenario says: the cautious end of the usual 3 to 5 years."""

TOKENS_PER_PRICE = 1_000_000
"""Token prices are quoted per million."""

WATTS_PER_KW = 1000


@dataclass(frozen=True, slots=True)
class Facility:
    """Where bought servers run, and how their price is spread over time.

    With ``colocation_usd_per_kw_month`` the site's fee per kW of rated power covers energy, cooling and space, and
    neither ``pue`` nor ``electricity_usd_per_kwh`` apply; charging both would count energy twice.
    """

    electricity_usd_per_kwh: float
    pue: float
    horizon_months: int = DEFAULT_HORIZON_MONTHS
    colocation_usd_per_kw_month: float | None = None
    maintenance_share_per_year: float = 0.0
    """Of the purchase price. No public figure is good enough for a default, so it is zero unless stated."""
    salvage_share: float = 0.0
    """Of the purchase price, recovered at the end of the horizon."""
    region: str = ""
    source: str = ""


def micro_usd(usd: float) -> int:
    """Round dollars to the solver's whole micro-dollars."""
    return round(usd * MICRO_USD_PER_USD)


def usd(micro: int) -> float:
    """Return dollars from micro-dollars."""
    return micro / MICRO_USD_PER_USD


def amortised_usd_per_hour(capex_usd: float, horizon_months: float, salvage_share: float = 0.0) -> float:
    r"""Spread a purchase evenly: :math:`C (1 - s) / (m \cdot 730)`. No interest is charged.

    >>> round(amortised_usd_per_hour(262_800, 36), 4)
    10.0
    """
    return capex_usd * (1.0 - salvage_share) / (horizon_months * HOURS_PER_MONTH)


def maintenance_usd_per_hour(capex_usd: float, share_per_year: float) -> float:
    """Spread a yearly share of the purchase price over the hours of a year."""
    return capex_usd * share_per_year / (MONTHS_PER_YEAR * HOURS_PER_MONTH)


def energy_cost(watts: float, hours: float, price_per_kwh: float, pue: float = 1.0) -> float:
    """Return the price of energy: watts / 1000 x hours x PUE x price per kWh, in the price's currency.

    >>> round(energy_cost(4 * 400, 24 * 30, 1.0), 2)
    1152.0
    """
    return watts / WATTS_PER_KW * hours * pue * price_per_kwh


def power_usd_per_hour(mean_watts: float, facility: Facility) -> float:
    """Return the cost of an hour at ``mean_watts`` (IT load) on one's own site; 0 where colocation is paid instead."""
    if facility.colocation_usd_per_kw_month is not None:
        return 0.0 * mean_watts
    return energy_cost(mean_watts, 1.0, facility.electricity_usd_per_kwh, facility.pue)


def colocation_usd_per_hour(rated_watts: float, facility: Facility) -> float:
    """Return the fee for ``rated_watts`` in a hosted site; 0 where the site is one's own."""
    if facility.colocation_usd_per_kw_month is None:
        return 0.0 * rated_watts
    return rated_watts / WATTS_PER_KW * facility.colocation_usd_per_kw_month / HOURS_PER_MONTH


def per_month(usd_per_hour: float) -> float:
    """Return dollars per month of 730 hours."""
    return usd_per_hour * HOURS_PER_MONTH


def total_cost_of_ownership(capex: float, running_per_month: float, months: float, salvage_share: float = 0.0) -> float:
    """Return what is spent by the end of ``months``: purchase less salvage, plus everything that runs.

    >>> round(total_cost_of_ownership(400_000, 1152, 36))
    441472
    """
    return capex * (1.0 - salvage_share) + running_per_month * months


def usd_per_million_tokens(usd_per_hour: float, tokens_per_second: float) -> float:
    """Return the price of a million tokens at a steady rate of ``tokens_per_second``, which must be positive."""
    return usd_per_hour / (tokens_per_second * SECONDS_PER_HOUR) * TOKENS_PER_PRICE
