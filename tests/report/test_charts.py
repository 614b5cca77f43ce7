"""Charts are well-formed, escaped, described, and the same whatever the order of a cloud."""

from __future__ import annotations

import random
from xml.etree import ElementTree

import pytest

from planner.report.charts import Bar, Segment, bars, fleet, margin_bar, stacked_bar
from planner.report.cloud import pareto_front
from planner.report.scale import Axis
from planner.report.scatter import Dots, Limit, Line, Mark, scatter


def parse(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(markup)  # noqa: S314 -- made by ourselves a line above


def widths(svg: ElementTree.Element) -> list[float]:
    return [float(rect.get("width", "").rstrip("%")) for rect in svg.iter("rect")]


def test_a_stacked_bar_shows_each_segment_by_its_share():
    svg = parse(
        stacked_bar(
            "memory",
            [Segment("weights", 20, "20 GiB"), Segment("KV cache", 40, "40 GiB", "c2"), Segment("none", 0, "")],
            total=80,
            limit=72,
            title="Memory",
            description="weights and KV cache",
        )
    )
    assert widths(svg) == [25, 50]
    assert [text.text for text in svg.iter("text")] == ["20 GiB", "40 GiB"]
    assert [line.get("x1") for line in svg.iter("line")] == ["90%"]


def test_a_thin_segment_has_a_tooltip_but_no_text():
    svg = parse(stacked_bar("m", [Segment("runtime", 1, "1 GiB")], total=80, title="t", description="d"))
    assert not list(svg.iter("text"))
    assert "runtime: 1 GiB" in [title.text for title in svg.iter("title")]


def test_every_chart_names_itself_for_those_who_do_not_see_it():
    charts = [
        stacked_bar("a", [], total=1, title="One", description="first"),
        bars("b", [Bar("FP8", 70, "70 GB")], title="Two", description="second"),
        scatter("c", x=Axis("x", 0, 1), y=Axis("y", 0, 1), layers=[], title="Three", description="third"),
    ]
    for name, (title, desc), markup in zip(
        "abc", (("One", "first"), ("Two", "second"), ("Three", "third")), charts, strict=True
    ):
        svg = parse(markup)
        assert svg.get("role") == "img"
        assert svg.get("aria-labelledby") == f"{name}-title {name}-description"
        assert [svg[0].text, svg[1].text] == [title, desc]


def test_text_from_outside_is_escaped():
    evil = "</svg><script>alert(1)</script>&"
    made = [
        stacked_bar(evil, [Segment(evil, 1, evil)], total=1, title=evil, description=evil),
        bars("b", [Bar(evil, 1, evil)], title=evil, description=evil),
        scatter(
            "c",
            x=Axis(evil, 0, 1, text=lambda _: evil),
            y=Axis(evil, 0, 1),
            layers=[Dots(evil, "feasible", [(0, 0)]), Mark(evil, (1, 1), evil), Limit("x", 1, evil)],
            title=evil,
            description=evil,
        ),
    ]
    for markup in made:
        assert "<script" not in markup
        parse(markup)


def test_the_longest_row_fills_its_share_and_others_follow():
    svg = parse(bars("b", [Bar("FP16", 140, ""), Bar("FP8", 70, "", emphasis=True)], title="t", description="d"))
    assert widths(svg) == [56, 28]
    assert [rect.get("class") for rect in svg.iter("rect")] == ["c3", "c1"]


def test_a_margin_bar_puts_its_limit_at_four_fifths_and_cuts_what_lies_beyond():
    svg = parse(margin_bar(limit=2, actual=1, low=0.5, high=9))
    assert widths(svg)[1] == 40
    xs = [line.get("x1") for line in svg.iter("line")]
    assert xs[-1] == "80%"
    assert "100%" in xs


def test_a_cloud_of_any_size_and_order_is_small_and_the_same():
    rng = random.Random(1)
    points = [(rng.lognormvariate(3, 1), rng.lognormvariate(9, 1)) for _ in range(20_000)]

    def draw() -> str:
        x, y = Axis("x", 1, 500, log=True), Axis("y", 500, 5e5, log=True)
        return scatter("s", x=x, y=y, layers=[Dots("all", "feasible", points)], title="t", description="d")

    first = draw()
    rng.shuffle(points)
    assert draw() == first
    assert len(first) < 120_000


def test_points_outside_the_axes_are_drawn_at_the_edge():
    x, y = Axis("x", 1, 10), Axis("y", 1, 10)
    svg = parse(scatter("s", x=x, y=y, layers=[Mark("far", (1e9, -5))], title="t", description="d"))
    (circle,) = svg.iter("circle")
    assert (circle.get("cx"), circle.get("cy")) == ("428", "286")


def test_a_staircase_turns_at_each_point():
    x, y = Axis("x", 0, 1), Axis("y", 0, 1)
    line = Line("front", "front", [(0, 1), (0.5, 0.5), (1, 0)], steps=True)
    (path,) = parse(scatter("s", x=x, y=y, layers=[line], title="t", description="d")).iter("path")
    assert path.get("d") == "M66 14H247V150H428V286"


@pytest.mark.parametrize(
    ("points", "front"),
    [
        ([], []),
        ([(1, 5), (2, 6)], [(1, 5)]),
        ([(3, 1), (1, 5), (2, 2), (2, 9), (3, 1)], [(1, 5), (2, 2), (3, 1)]),
    ],
)
def test_the_front_holds_what_nothing_beats(points, front):
    assert pareto_front(points) == front


def tones(svg: ElementTree.Element) -> list[str]:
    return [str(rect.get("class")) for rect in svg.iter("rect") if rect.get("class") != "frame"]


def frames(svg: ElementTree.Element) -> int:
    return sum(rect.get("class") == "frame" for rect in svg.iter("rect"))


def draw(instances: int, per_instance: int, per_replica: int, replicas: int) -> ElementTree.Element:
    return parse(
        fleet(
            "f",
            instances=instances,
            gpus_per_instance=per_instance,
            gpus_per_replica=per_replica,
            replicas=replicas,
            title="t",
            more="and so on",
        )
    )


def test_replicas_share_an_instance_and_what_is_left_over_is_idle():
    svg = draw(1, 8, 3, 2)
    assert frames(svg) == 1
    assert tones(svg) == ["c2"] * 3 + ["c3"] * 3 + ["rest"] * 2


def test_a_replica_that_is_larger_than_an_instance_takes_whole_ones():
    svg = draw(4, 8, 16, 2)
    assert frames(svg) == 4
    assert tones(svg) == ["c2"] * 16 + ["c3"] * 16


def test_spare_instances_are_idle():
    assert tones(draw(3, 2, 2, 2)) == ["c2", "c2", "c3", "c3", "rest", "rest"]


def test_a_large_fleet_is_cut_and_says_so():
    svg = draw(500, 8, 8, 500)
    assert frames(svg) == 40
    assert "and so on" in [text.text for text in svg.iter("text")]


def test_a_text_too_long_for_a_telephone_is_marked_to_be_hidden_there():
    chart = stacked_bar(
        "bill",
        [Segment("wide", 0.8, "$1,825/month", "c1"), Segment("narrow", 0.2, "$730.00/month", "c2")],
        total=1.0,
        title="t",
        description="d",
    )
    assert 'class="on-c1"' in chart
    assert 'class="on-c2 roomy"' in chart
