"""Time of training: FLOPs, traffic, bubble, whole runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.architecture import resolve_model
from planner.catalog import load_catalog
from planner.errors import CatalogError
from planner.training.evidence import efficiencies, efficiency_of, implied_efficiency, load_runs
from planner.training.flops import ModelShape, flops_per_token, recompute_share
from planner.training.operation import (
    RESTART_HOURS,
    checkpoint_bytes,
    checkpoint_interval,
    energy_kwh,
    run_of,
    seconds_between_failures,
)
from planner.training.parallel import Parallel
from planner.training.precision import PRECISIONS
from planner.training.time import FP8_GAIN, LINK_SHARE, Cluster, StepInput, bubble_share, step_time

CATALOG = load_catalog()
H100 = CATALOG.accelerators["h100-sxm"]
SHAPE = ModelShape(7e9, 7.5e9, 32, 4096, 4096)


def step(**given):
    base = {
        "shape": SHAPE,
        "parallel": Parallel(dp=8),
        "precision": PRECISIONS["mixed"],
        "sequence_length": 4096,
        "micro_batch": 1,
        "accumulation": 4,
        "recompute": "none",
    }
    return StepInput(**{**base, **given})


def time_of(found, *, node=8, network=50.0, efficiency=0.5):
    return step_time(found, Cluster(H100, node, network), efficiency)


def test_the_shape_of_a_model_counts_what_multiplies():
    llama = resolve_model("meta-llama/Llama-3.1-8B-Instruct", catalog=CATALOG)
    shape = ModelShape.of(llama, 8192)
    assert shape.parameters == 8_030_261_248 - 128256 * 4096
    assert (shape.layers, shape.attention, shape.window_share) == (32, 4096, 1.0)


def test_sliding_layers_reach_their_window_alone():
    gemma = resolve_model("google/gemma-2-9b-it", catalog=CATALOG)
    assert ModelShape.of(gemma, 4096).window_share == 1.0
    assert ModelShape.of(gemma, 16384).window_share == pytest.approx((1 + 0.25) / 2)


def test_a_mixture_computes_its_active_parameters():
    mixtral = ModelShape.of(resolve_model("mistralai/Mixtral-8x7B-v0.1", catalog=CATALOG), 4096)
    assert 12.6e9 < mixtral.parameters < 12.9e9 < mixtral.total
    assert mixtral.experts_per_token == 2


def test_flops_are_six_per_parameter_and_four_when_frozen():
    no_attention = replace(SHAPE, attention=0)
    assert flops_per_token(no_attention, 4096) == 6 * 7e9
    assert flops_per_token(no_attention, 4096, trains_all=False) == 4 * 7e9
    assert flops_per_token(SHAPE, 4096) - flops_per_token(no_attention, 4096) == 12 * 32 * 4096 * 4096


def test_full_recomputation_makes_six_eight():
    assert 6 * (1 + recompute_share("full")) == pytest.approx(8)
    assert 4 * (1 + recompute_share("full", trains_all=False)) == pytest.approx(6)
    assert recompute_share("none") < recompute_share("selective") < recompute_share("alternate")


def test_a_step_without_traffic_is_flops_over_rate():
    found = time_of(step(parallel=Parallel(sharding="ddp"), accumulation=1), efficiency=0.4)
    assert found.seconds == pytest.approx(flops_per_token(SHAPE, 4096) * 4096 / (H100.peak_flops("bf16") * 0.4))
    assert found.mfu == pytest.approx(0.4)
    assert found.tokens_per_second == pytest.approx(4096 / found.seconds)


def test_fp8_computes_as_much_faster_as_was_measured():
    slow, fast = (time_of(step(precision=PRECISIONS[name])).compute for name in ("mixed", "fp8"))
    assert slow / fast == pytest.approx(FP8_GAIN)


@pytest.mark.parametrize(
    ("pp", "virtual", "micro_batches", "share"),
    [(4, 1, 12, 0.25), (8, 1, 32, 0.21875), (8, 4, 32, 7 / 128), (1, 1, 1, 0)],
)
def test_the_bubble_is_stages_less_one_over_micro_batches(pp, virtual, micro_batches, share):
    parallel = Parallel(pp=pp, virtual_stages=virtual)
    assert bubble_share(parallel, micro_batches) == share
    found = time_of(step(parallel=parallel, accumulation=micro_batches))
    busy = found.compute + found.recompute + found.tensor_parallel
    assert found.bubble == pytest.approx(share * busy)


def test_tensor_parallel_traffic_is_eight_transfers_per_layer():
    found = time_of(step(parallel=Parallel(tp=8), accumulation=1))
    size = 8 * 32 * 4096 * 4096 * 2 * 7 / 8
    assert found.tensor_parallel == pytest.approx(size / (450e9 * LINK_SHARE))


def test_gradients_over_a_slow_network_are_not_hidden():
    slow, fast = (time_of(step(parallel=Parallel(dp=64, sharding="zero1")), network=n) for n in (1.0, 400.0))
    assert slow.data_parallel > 0
    assert fast.data_parallel == 0
    assert slow.seconds > fast.seconds


def test_full_sharding_is_hidden_until_it_takes_longer_than_computing():
    hidden = time_of(step(parallel=Parallel(dp=64), micro_batch=8), network=50)
    exposed = time_of(step(parallel=Parallel(dp=64), sequence_length=256), network=5)
    assert hidden.data_parallel == 0
    assert exposed.data_parallel > exposed.compute


def test_what_enters_a_node_is_shared_inside_it():
    cluster = Cluster(H100, 8, 50)
    assert cluster.rate(8) == 450e9 * LINK_SHARE
    assert cluster.rate(64) == 400e9 * LINK_SHARE  # eight ports of 50 GB/s
    assert cluster.rate(64, 8) == 50e9 * LINK_SHARE  # one rank per node
    assert cluster.rate(1) == float("inf")


def test_devices_without_a_fast_link_go_over_pcie():
    l40s = CATALOG.accelerators["l40s"]
    assert Cluster(l40s, 8, 0).rate(8) == pytest.approx(l40s.pcie.gbytes_per_s_one_way * 1e9 * LINK_SHARE)


def test_nodes_without_a_known_network_are_refused():
    with pytest.raises(ValueError, match="16 GPUs span nodes"):
        time_of(step(parallel=Parallel(dp=16)), network=0)


def test_experts_over_nodes_travel_once_per_node():
    moe = replace(SHAPE, experts_per_token=8)
    inside = time_of(step(shape=moe, parallel=Parallel(dp=8, ep=8, sharding="zero1")))
    across = time_of(step(shape=moe, parallel=Parallel(dp=64, ep=64, sharding="zero1")), network=5)
    limited = time_of(
        step(shape=replace(moe, nodes_per_token=2), parallel=Parallel(dp=64, ep=64, sharding="zero1")), network=5
    )
    assert inside.expert_parallel < across.expert_parallel
    assert limited.expert_parallel < across.expert_parallel


def test_a_run_loses_writes_half_intervals_and_restarts():
    run = run_of(1e12, 4e6, 10.0, gpus=1024, nodes=128, generation="hopper", checkpoint_size=980e9)
    assert run.steps == 250_000
    mean = seconds_between_failures(1024, "hopper")
    assert mean / 3600 == pytest.approx(49.5, abs=0.1)
    write = 980 / 128
    interval = checkpoint_interval(write, mean)
    assert run.checkpoint.interval_seconds == pytest.approx(interval)
    assert run.overhead == pytest.approx(write / interval + (interval / 2 + RESTART_HOURS * 3600) / mean)
    assert run.failures == pytest.approx(run.seconds / mean)


def test_the_interval_of_checkpoints_is_the_best_one():
    def lost(interval, write=30.0, mean=3e5):
        return write / interval + interval / 2 / mean

    best = checkpoint_interval(30.0, 3e5)
    assert lost(best) < min(lost(0.9 * best), lost(1.1 * best))


def test_checkpoints_and_energy_are_plain_products():
    assert checkpoint_bytes(70e9, 14) == 980e9
    assert energy_kwh(1000, 700, 100_000, 3600, 1.2) == pytest.approx(960)


def test_older_generations_fail_more_often():
    assert seconds_between_failures(8, "ampere") / 86400 == pytest.approx(47.7, abs=0.1)
    assert seconds_between_failures(8, "hopper") > 5 * seconds_between_failures(8, "ampere")


def test_a_generation_without_runs_borrows_a_wider_interval():
    known = efficiencies(CATALOG.accelerators)
    hopper, other = efficiency_of("hopper", known), efficiency_of("cdna3", known)
    assert hopper.measured
    assert not other.measured
    assert other.high / other.low > hopper.high / hopper.low
    assert other.low < other.value < other.high


def test_broken_runs_are_named_with_their_line(tmp_path):
    path = tmp_path / "runs.yaml"
    path.write_text("runs:\n  - {id: a}\n  - {id: b, model: 3}\n", encoding="utf-8")
    with pytest.raises(CatalogError) as raised:
        load_runs(path)
    assert str(raised.value).count("is no training run") == 2
    assert ":2" in str(raised.value)


def test_every_run_has_its_source_and_implies_a_sane_efficiency():
    for run in load_runs():
        assert run.source
        assert len(run.as_of) >= 4
        assert 0.3 < implied_efficiency(run, CATALOG.accelerators[run.accelerator]) < 0.75
