"""What a unit is worth."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

KIB, MIB, GIB, TIB, PIB = 1024, 1024**2, 1024**3, 1024**4, 1024**5
KB, MB, GB, TB, PB = 10**3, 10**6, 10**9, 10**12, 10**15
TERA = 10**12
"""Operations per second in one TFLOPS."""

MS_PER_SECOND = 1000
SECONDS_PER_HOUR = 3600
HOURS_PER_DAY = 24
MONTHS_PER_YEAR = 12
HOURS_PER_MONTH = 730
"""Hours in an average month, as cloud price lists count them: 365 x 24 / 12."""
HOURS_PER_YEAR = HOURS_PER_MONTH * MONTHS_PER_YEAR

MICRO_USD_PER_USD = 10**6
"""The solver counts money in whole micro-dollars."""

CURRENCY_UNITS_PER_USD: Mapping[str, float] = MappingProxyType({"USD": 1.0, "CNY": 7.1})
"""Units of a currency that one US dollar buys, unless a scenario states its own ``currency_rates``.

CNY 7.10 is the rate at which the Chinese list prices of the price catalog stand beside dollars.
"""
CURRENCY_RATES_AS_OF = "2025-12"
