"""The chart of a day or a week shows every GPU in every hour, and what is committed below what comes and goes."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from planner.plan import Holding, Plan
from planner.report.hours_chart import by_base, hours_chart
from planner.report.i18n import ENGLISH, translator

DAY = (0,) * 6 + (1,) * 6 + (3,) * 12


def holding(offer: str, instances: int, *, gpus: int = 1, hours: tuple[int, ...] = ()) -> Holding:
    return Holding(
        offer=offer,
        provider="p",
        region="r",
        accelerator="h100-sxm",
        pricing="on-demand" if hours else "reserved-1y",
        gpus_per_instance=gpus,
        instances=instances,
        spare_instances=0,
        cost_usd_per_month=100.0,
        services=("s",),
        instances_by_hour=hours,
    )


@pytest.fixture
def changing(plan: Plan) -> Plan:
    return replace(
        plan,
        holdings=(
            holding("peaks", 3, gpus=2, hours=DAY),
            holding("base", 2),
            holding("more", 2, hours=(1,) + (2,) * 23),
        ),
    )


def bars(plan: Plan) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(str(hours_chart(plan, ENGLISH)))  # noqa: S314 - our own drawing
    return [item for item in root.iter() if item.tag.endswith("rect") and item.get("height")]


def test_nothing_is_drawn_where_nothing_changes(plan: Plan) -> None:
    assert hours_chart(plan, ENGLISH) is None
    assert hours_chart(replace(plan, holdings=(holding("base", 2),)), ENGLISH) is None


def test_what_stays_is_at_the_bottom_and_what_moves_most_on_top(changing: Plan) -> None:
    assert [item.offer for item in by_base(changing)] == ["base", "more", "peaks"]


def test_heights_are_gpus(changing: Plan) -> None:
    unit = None
    by_hour: dict[float, list[tuple[float, float]]] = {}
    for bar in bars(changing):
        by_hour.setdefault(float(bar.get("x")), []).append((float(bar.get("y")), float(bar.get("height"))))
    assert len(by_hour) == 24
    for hour, x in enumerate(sorted(by_hour)):
        stacked = sorted(by_hour[x], reverse=True)  # from the bottom upwards
        gpus = [2, (1, *[2] * 23)[hour], 2 * DAY[hour]]
        unit = unit or stacked[0][1] / 2
        assert [height / unit for _, height in stacked] == pytest.approx([count for count in gpus if count], rel=0.02)
        for (below, _), (above, height) in pairwise(stacked):
            assert above + height == pytest.approx(below, abs=0.2)


def test_the_words_name_the_range_and_every_bar(changing: Plan) -> None:
    chart = str(hours_chart(changing, ENGLISH))
    assert "Between 3 and 10 GPUs." in chart
    assert "GPUs by the hour" in chart
    assert "00:00  2 × h100-sxm, base" in chart
    assert "23:00  6 × h100-sxm, peaks" in chart
    assert "05:00  6 × h100-sxm, peaks" not in chart


def test_a_week_is_told_by_days(plan: Plan) -> None:
    week = replace(plan, holdings=(holding("peaks", 2, hours=(1,) * 84 + (2,) * 84),))
    chart = str(hours_chart(week, ENGLISH))
    assert all(f"day {n}" in chart for n in range(1, 8))
    assert len(bars(week)) == 168
    assert "day 2" not in str(hours_chart(week, translator("zh-CN")))
