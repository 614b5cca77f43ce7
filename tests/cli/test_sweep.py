"""``planner sweep``: variants as text, CSV, JSON and SVG."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ElementTree

import pytest

from planner.errors import InputError
from planner.report.sweep import moving, sweep_csv, sweep_text, sweep_to_dict, switches
from planner.report.sweep_chart import sweep_svg
from planner.sweep.point import Kind, Point
from planner.sweep.run import Sweep


def point(load: int, cost: float | None, accelerator: str = "l4", budget: str = "none") -> Point:
    settings = (("workload.concurrency", str(load)), ("budget.max", budget))
    if cost is None:
        return Point(settings, "infeasible", reason="budget, sla.tpot_p95")
    return Point(
        settings,
        "optimal",
        cost,
        plan=f"{load} x x/{accelerator}",
        layout="1 x TP 1, bf16, KV bf16, vllm",
        accelerator=accelerator,
        pricing="on-demand",
        gpus=load,
        ttft_p95_ms=500.0,
        tpot_p95_ms=30.0,
        kind=(Kind("s", accelerator, 1, "on-demand", "bf16", 1, 1),),
    )


MADE = Sweep((point(1, 100.0), point(2, 200.0), point(3, 210.0, "h100"), point(4, None)), 4, False)


def test_what_moves_and_where_it_switches():
    assert moving(MADE.points) == ["workload.concurrency"]
    found = switches(MADE.points, "workload.concurrency")
    assert [(dict(a.settings)["workload.concurrency"], dict(b.settings)["workload.concurrency"]) for a, b in found] == [
        ("2", "3"),
        ("3", "4"),
    ]


def test_lines_of_other_settings_are_apart():
    kinds = (("a", "l4", 1.0), ("b", "h100", 2.0))
    both = tuple(point(load, cost, accelerator, budget) for budget, accelerator, cost in kinds for load in (1, 2))
    assert switches(both, "workload.concurrency") == []
    assert len(switches(both, "budget.max")) == 2


def test_text_marks_the_switch():
    lines = sweep_text(MADE).splitlines()
    assert lines[0].split() == ["concurrency", "$/month", "GPUs", "TTFT", "p95", "TPOT", "p95", "plan"]
    assert [" * " in line for line in lines[1:5]] == [False, False, True, True]
    assert lines[4].endswith("infeasible: budget, sla.tpot_p95")
    assert "* concurrency 2 -> 3: 2 x x/l4 (on-demand) -> 3 x x/h100 (on-demand)" in lines
    assert "Stopped: 4 of 9 variants are done." in sweep_text(Sweep(MADE.points, 9, True))
    assert sweep_text(Sweep((), 9, True)) == "nothing was solved\n"
    assert "No switch along concurrency." in sweep_text(Sweep(MADE.points[:2], 2, False))


def test_csv_and_json_have_every_variant():
    rows = list(csv.DictReader(io.StringIO(sweep_csv(MADE))))
    assert [row["workload.concurrency"] for row in rows] == ["1", "2", "3", "4"]
    assert rows[3]["cost_usd_per_month"] == ""
    data = json.loads(json.dumps(sweep_to_dict(MADE), allow_nan=False))
    assert [item["cost_usd_per_month"] for item in data["points"]] == [100.0, 200.0, 210.0, None]
    assert len(data["switches"]) == 2


def test_svg_is_a_drawing_of_its_own():
    drawn = sweep_svg(MADE, "s")
    root = ElementTree.fromstring(drawn)  # noqa: S314 - made here
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "<script" not in drawn
    assert drawn.count('class="mark"') == 1  # another plan at 3
    assert drawn.count('class="limit"') == 1  # no plan at 4
    assert ">no plan<" in drawn
    assert "legend t1" not in drawn  # one line needs none
    assert drawn == sweep_svg(MADE, "s")


def test_several_lines_are_told_apart_by_a_legend():
    points = tuple(point(load, load * cost, budget=name) for name, cost in (("a", 1.0), ("b", 2.0)) for load in (1, 2))
    drawn = sweep_svg(Sweep((*points, point(3, None, budget="b")), 5, False), "s")
    ElementTree.fromstring(drawn)  # noqa: S314 - made here
    assert ">budget.max=a</text>" in drawn
    assert ">budget.max=b</text>" in drawn
    assert 'class="limit"' not in drawn


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"accelerator": "h100", "weights": "fp8"}, "h100"),
        ({"pricing": "spot"}, "spot"),
        ({"weights": "fp8", "tensor_parallel": 4}, "fp8"),
        ({"tensor_parallel": 4}, "TP 4"),
        ({"pipeline_parallel": 2}, "PP 2"),
        ({"gpus_per_instance": 8}, "8-GPU instances"),
    ],
)
def test_a_switch_is_named_by_what_is_new(change, word):
    old = Kind("s", "l4", 1, "on-demand", "bf16", 1, 1)
    assert old._replace(**change).beside(old) == word


def test_what_cannot_be_drawn_is_told():
    words = Sweep(
        tuple(
            Point((("a", name),), "optimal", 1.0, kind=(Kind("s", "x", 1, "on-demand", "bf16", 1, 1),))
            for name in ("p", "q")
        ),
        2,
        False,
    )
    with pytest.raises(InputError, match="takes several numbers"):
        sweep_svg(words, "s")
    many = Sweep(tuple(point(load, 1.0, budget=str(b)) for b in range(7) for load in (1, 2)), 14, False)
    with pytest.raises(InputError, match="too many to tell apart"):
        sweep_svg(many, "s")
    with pytest.raises(InputError, match="nothing to draw"):
        sweep_svg(Sweep((point(1, None), point(2, None)), 2, False), "s")


def test_names_are_escaped():
    hostile = Sweep((point(1, 1.0, "<script>"), point(2, 2.0, "l4")), 2, False)
    assert "<script>" not in sweep_svg(hostile, "<script>")


def test_the_command(planner, small):
    ran = planner("sweep", small, "--set", "workload.concurrency=16..400x3", "--set", "search.weights=bf16,fp8-e4m3")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert [line.split()[:2] for line in lines[1:7]] == [
        [load, weights] for load in ("16", "80", "400") for weights in ("bf16", "fp8-e4m3")
    ]
    assert ran.err == ""  # no bar where nobody looks


def test_a_slip_is_told_before_anything_is_solved(planner, small):
    for setting, said in (
        ("workload.concurrency=1..x", "is no range"),
        ("sla.ttft_p95=1s,soon", "sla.ttft_p95"),
        ("workload.concurency=1,2", "did you mean"),
    ):
        ran = planner("sweep", small, "--set", setting)
        assert (ran.code, ran.out) == (2, ""), setting
        assert said in ran.err


def test_usage(planner, small):
    assert "give a file" in planner("sweep", "-", "--set", "a=1").err
    assert planner("sweep", small).code == 2
    both = ("--workers", "2", "--scheduler", "tcp://127.0.0.1:1")
    assert "one of --workers" in planner("sweep", small, "--set", "workload.concurrency=1", *both).err


def test_ctrl_c_writes_what_is_done(planner, small, monkeypatch, tmp_path):
    monkeypatch.setattr("planner.sweep.run.run_sweep", lambda *_: Sweep(MADE.points[:2], 4, True))
    target = tmp_path / "out.csv"
    ran = planner("sweep", small, "--set", "workload.concurrency=1,2", "--format", "csv", "-o", target)
    assert ran.code == 130
    assert len(target.read_text(encoding="utf-8").splitlines()) == 3
    assert "stopped: 2 of 4 variants are done" in ran.err


def test_the_ending_of_the_file_says_the_format(planner, small, tmp_path, monkeypatch):
    monkeypatch.setattr("planner.sweep.run.run_sweep", lambda *_: MADE)
    for ending, begin in (("svg", "<svg "), ("json", "{"), ("csv", "workload.concurrency,"), ("txt", "concurrency ")):
        target = tmp_path / f"out.{ending}"
        assert planner("sweep", small, "--set", "workload.concurrency=1,2", "-o", target).code == 0
        assert target.read_text(encoding="utf-8").startswith(begin)


def test_a_plan_without_latencies_shows_none(tmp_path):
    alone = Point((("a", "1"),), "optimal", 1.0, plan="1 x x", gpus=1, kind=(Kind("s", "x", 1, "spot", "mixed", 1, 1),))
    assert sweep_text(Sweep((alone,), 1, False)).splitlines()[1].split()[:5] == ["1", "$1.00", "1", "–", "–"]
