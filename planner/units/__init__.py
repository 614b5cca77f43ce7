"""Read and print quantities as people write them: ``80GiB``, ``250ms``, ``12/s``, ``98%``, ``60000 USD/month``.

Inside the planner every figure is in its base unit: bytes, milliseconds, per second, shares of one, US dollars.
This is the only package that knows 1024, 1e9, 730 hours or an exchange rate; the others use its names.

Every ``parse_*`` raises :class:`UnitError`, a ValueError whose ``remedy`` says what to write instead.
A number without a unit is refused wherever its unit could be mistaken.
"""

from planner.units.constants import (
    CURRENCY_RATES_AS_OF,
    CURRENCY_UNITS_PER_USD,
    GB,
    GIB,
    HOURS_PER_DAY,
    HOURS_PER_MONTH,
    HOURS_PER_YEAR,
    KB,
    KIB,
    MB,
    MIB,
    MICRO_USD_PER_USD,
    MONTHS_PER_YEAR,
    MS_PER_SECOND,
    PB,
    PIB,
    SECONDS_PER_HOUR,
    TB,
    TERA,
    TIB,
)
from planner.units.money import Money, Period, parse_money
from planner.units.number import UnitError, format_number
from planner.units.printing import (
    format_bytes_gb,
    format_bytes_gib,
    format_bytes_mib,
    format_count,
    format_duration_ms,
    format_money,
    format_months,
    format_percent,
    format_rate_per_second,
    format_usd,
    half_up,
)
from planner.units.quantities import (
    parse_bytes,
    parse_count,
    parse_duration_ms,
    parse_months,
    parse_percent,
    parse_power_w,
    parse_rate_per_second,
)

__all__ = [
    "CURRENCY_RATES_AS_OF",
    "CURRENCY_UNITS_PER_USD",
    "GB",
    "GIB",
    "HOURS_PER_DAY",
    "HOURS_PER_MONTH",
    "HOURS_PER_YEAR",
    "KB",
    "KIB",
    "MB",
    "MIB",
    "MICRO_USD_PER_USD",
    "MONTHS_PER_YEAR",
    "MS_PER_SECOND",
    "PB",
    "PIB",
    "SECONDS_PER_HOUR",
    "TB",
    "TERA",
    "TIB",
    "Money",
    "Period",
    "UnitError",
    "format_bytes_gb",
    "format_bytes_gib",
    "format_bytes_mib",
    "format_count",
    "format_duration_ms",
    "format_money",
    "format_months",
    "format_number",
    "format_percent",
    "format_rate_per_second",
    "format_usd",
    "half_up",
    "parse_bytes",
    "parse_count",
    "parse_duration_ms",
    "parse_money",
    "parse_months",
    "parse_percent",
    "parse_power_w",
    "parse_rate_per_second",
]
