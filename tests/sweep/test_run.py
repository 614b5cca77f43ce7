"""Running variants: order, failures, interruption, and a Dask cluster on loopback."""

from __future__ import annotations

import warnings
from concurrent.futures import Executor, Future
from pathlib import Path

import pytest

from planner.errors import MissingExtra, PlannerError
from planner.sweep.point import Point, solve_variant
from planner.sweep.run import cluster_executor, run_sweep
from planner.workers import local_executor

SMALL = """\
name: small
model: Qwen/Qwen3-8B
workload: {input_tokens: 1000, output_tokens: 200, concurrency: 16}
sla: {ttft_p95: 2s, tpot_p95: 60ms}
budget: {max: 20000 USD/month}
search: {accelerators: [l40s, h100-sxm], engines: vllm, weights: [bf16, fp8-e4m3], pricing: on-demand}
"""

VARIANTS = tuple((("workload.concurrency", str(load)),) for load in (16, 400, 64))


@pytest.fixture
def path(tmp_path: Path) -> str:
    target = tmp_path / "small.yaml"
    target.write_text(SMALL, encoding="utf-8")
    return str(target)


class Here(Executor):
    """Runs what is submitted when its result is asked for, the last one first."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.stop_after = stop_after
        self.futures: list[Future[Point]] = []

    def submit(self, work, /, *arguments):
        future: Future[Point] = Future()
        self.futures.append(future)
        if self.stop_after is not None and len(self.futures) > self.stop_after:
            raise KeyboardInterrupt
        future.set_result(work(*arguments))
        return future


def test_points_come_in_the_order_of_their_variants(path):
    alone = run_sweep(path, VARIANTS, Here())
    assert [point.settings for point in alone.points] == list(VARIANTS)
    assert [point.status for point in alone.points] == ["optimal"] * 3
    costs = [point.cost_usd_per_month for point in alone.points]
    assert costs[0] <= costs[2] <= costs[1]
    assert (alone.asked, alone.stopped) == (3, False)


def test_processes_give_what_this_one_gives(path):
    done = []
    with local_executor(2) as pool:
        found = run_sweep(path, VARIANTS, pool, done.append)
    assert found == run_sweep(path, VARIANTS, Here())
    assert done == [1, 1, 1]


def test_an_interruption_keeps_what_is_done(path):
    found = run_sweep(path, VARIANTS, Here(stop_after=2))
    assert found.stopped
    assert [point.settings for point in found.points] == list(VARIANTS[:2])
    assert found.asked == 3


def test_an_interruption_while_waiting_cancels_the_rest(path):
    class Waiting(Here):
        def submit(self, work, /, *arguments):
            if len(self.futures) == 0:
                return super().submit(work, *arguments)
            future: Future[Point] = Future()
            self.futures.append(future)
            return future

    def interrupt(done):
        raise KeyboardInterrupt

    pool = Waiting()
    found = run_sweep(path, VARIANTS, pool, interrupt)
    assert found.stopped
    assert [point.settings for point in found.points] == [VARIANTS[0]]
    assert [future.cancelled() for future in pool.futures] == [False, True, True]


def test_a_variant_without_a_plan_is_a_point(path):
    point = solve_variant(path, (("budget.max", "1 USD/month"),))
    assert (point.status, point.plan, point.cost_usd_per_month) == ("infeasible", "", None)
    assert "budget" in point.reason


def test_a_variant_that_is_wrong_is_a_point(path):
    point = solve_variant(path, (("sla.ttft_p95", "soon"),))
    assert point.status == "error"
    assert "sla.ttft_p95" in point.reason


def test_a_worker_that_dies_is_an_error_of_its_variant(path):
    class Dying(Here):
        def submit(self, work, /, *arguments):
            future: Future[Point] = Future()
            future.set_exception(RuntimeError("killed"))
            return future

    assert run_sweep(path, VARIANTS[:1], Dying()).points[0].reason == "RuntimeError: killed"


def test_a_cluster_gives_what_this_machine_gives(path):
    distributed = pytest.importorskip("distributed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own deprecations and ports in use
        with (
            distributed.LocalCluster(
                n_workers=1, threads_per_worker=1, dashboard_address=":0", host="127.0.0.1"
            ) as cluster,
            cluster_executor(cluster.scheduler_address) as pool,
        ):
            assert cluster.scheduler_address.startswith("tcp://127.0.0.1")
            found = run_sweep(path, VARIANTS, pool)
    assert found == run_sweep(path, VARIANTS, Here())


def test_a_scheduler_that_does_not_answer(monkeypatch):
    distributed = pytest.importorskip("distributed")

    def refused(*arguments, **options):
        raise OSError("timed out")

    monkeypatch.setattr(distributed, "Client", refused)
    with (
        pytest.raises(PlannerError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1"),
        cluster_executor("tcp://127.0.0.1:1"),
    ):
        pass


def test_without_the_package_the_extra_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtra, match="cluster"), cluster_executor("tcp://127.0.0.1:1"):
        pass
