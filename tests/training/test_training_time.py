"""Time of training: FLOPs, traffic, bubble, whole runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.architecture import resolve_model
from planner.catalog import load_catalog
from planner.errors import CatalogError
from planner.training.evidence import efficiencies, efficiency_of, implied_efficiency, load_runs
from planner.training.flops import ModelShape, flops_per_token, recompute_share
from planner.training.host import HOST_BYTES_PER_S_PER_GPU
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
from planner.training.traffic import context_seconds

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


def test_a_ring_of_keys_and_values_is_hidden_by_attention_until_it_is_longer():
    """32 layers x 2,048 features x 2 B of 8,192 tokens to 7 others, three times, over 0.75 x 450 GB/s."""
    shape = replace(SHAPE, kv=2048, kv_heads=8)
    long = step(shape=shape, parallel=Parallel(cp=8, sharding="fsdp"), sequence_length=65536, accumulation=1)
    assert context_seconds(long, Cluster(H100, 8, 0), 2.0) == pytest.approx(
        7 * 3 * 32 * 8192 * 2048 * 2 / (H100.link.gbytes_per_s_one_way * 1e9 * LINK_SHARE)
    )
    assert time_of(long).context_parallel == 0
    across = step_time(long, Cluster(H100, 1, 5.0), 0.5)
    assert across.context_parallel > 0
    one = step(shape=shape, parallel=Parallel(sharding="fsdp"), sequence_length=65536, accumulation=1)
    assert time_of(one).context_parallel == 0
    assert time_of(long).seconds == pytest.approx(time_of(one).seconds / 8, rel=0.1)


def test_tensor_parallelism_divides_keys_and_values_down_to_one_head():
    shape = replace(SHAPE, kv=2048, kv_heads=8)
    times = {
        tp: context_seconds(step(shape=shape, parallel=Parallel(cp=2, tp=tp)), Cluster(H100, 1, 50.0), 2.0)
        for tp in (1, 8, 16)
    }
    assert times[1] == pytest.approx(8 * times[8])
    assert times[8] == pytest.approx(times[16])


def test_the_shape_knows_what_context_parallelism_passes():
    llama = ModelShape.of(resolve_model("meta-llama/Llama-3.1-8B-Instruct", catalog=CATALOG), 8192)
    assert (llama.heads, llama.kv, llama.kv_heads) == (32, 2 * 8 * 128, 8)
    latent = ModelShape.of(resolve_model("deepseek-ai/DeepSeek-V2-Lite", catalog=CATALOG), 8192)
    assert (latent.kv, latent.kv_heads) == (16 * (192 + 128), 16)


def test_attention_without_flash_moves_24_bytes_per_score():
    found = time_of(step(shape=replace(SHAPE, heads=32), flash_attention=False))
    scores = 32 * 4 * 1 * 4096 * 32 * 4096  # layers, micro-batches, tokens, heads, keys
    assert found.scores == pytest.approx(24 * scores / H100.bandwidth_bytes_per_s)
    again = time_of(step(shape=replace(SHAPE, heads=32), flash_attention=False, recompute="full"))
    assert again.scores == pytest.approx(found.scores * 4 / 3)
    assert time_of(step(shape=replace(SHAPE, heads=32))).scores == 0


def test_an_offloaded_optimizer_costs_its_step_and_the_way_back():
    plain, away, all_away = (
        time_of(step(parallel=Parallel(dp=8, sharding="zero3"), offload=name)) for name in ("none", "optimizer", "all")
    )
    local = 7.5e9 / 8
    pcie = H100.pcie.gbytes_per_s_one_way * 1e9 * LINK_SHARE
    update = local * (2 * 12 + 2 + 2) / HOST_BYTES_PER_S_PER_GPU
    assert plain.host == 0
    assert away.host == pytest.approx(update + local * 2 / pcie)
    assert all_away.host == pytest.approx(update), "computing hides what is fetched for each pass"
    slow = time_of(step(parallel=Parallel(sharding="ddp"), offload="all", sequence_length=128))
    assert slow.host > 7.5e9 * 28 / HOST_BYTES_PER_S_PER_GPU * 1.05


def test_checkpoints_in_host_memory_cost_what_computing_does_not_hide():
    assert time_of(step(recompute="offloaded")).host == 0
    assert time_of(step(recompute="offloaded")).recompute == time_of(step(recompute="full")).recompute
    starved = replace(H100, pcie=replace(H100.pcie, gbytes_per_s_one_way=0.05))
    found = step_time(step(recompute="offloaded"), Cluster(starved, 8, 0), 0.5)
    each = 2 * 2 * 4096 * 4 * 4096 * 32 / (0.05e9 * LINK_SHARE)
    assert found.host == pytest.approx(each - found.compute - found.recompute, rel=1e-6)


def test_a_step_is_the_sum_of_its_parts():
    found = time_of(
        step(
            shape=replace(SHAPE, heads=32, kv=2048, kv_heads=8),
            parallel=Parallel(dp=2, tp=2, pp=2, cp=2, sharding="zero1"),
            offload="optimizer",
            flash_attention=False,
        )
    )
    parts = ("compute", "recompute", "tensor_parallel", "expert_parallel", "context_parallel", "scores", "bubble")
    assert found.seconds == pytest.approx(sum(getattr(found, n) for n in (*parts, "data_parallel", "host")))


def test_a_step_without_traffic_is_flops_over_rate():
    found = time_of(step(parallel=Parallel(sharding="ddp"), accumulation=1), efficiency=0.4)
    assert found.seconds == pytest.approx(flops_per_token(SHAPE, 4096) * 4096 / (H100.peak_flops("bf16") * 0.4))
    assert found.mfu == pytest.approx(0.4)
    assert found.tokens_per_second == pytest.approx(4096 / found.seconds)


def test_fp8_computes_as_much_faster_as_was_measured():
    """Linear layers alone: torchtitan's 8,532 over 6,667 tokens/s with a fifth of the FLOPs in attention."""

    def gain(shape, length):
        steps = (step(shape=shape, precision=PRECISIONS[name], sequence_length=length) for name in ("mixed", "fp8"))
        slow, fast = (time_of(item).compute for item in steps)
        return slow / fast

    llama = ModelShape.of(resolve_model("meta-llama/Llama-3.1-8B-Instruct", catalog=CATALOG), 8192)
    assert gain(replace(SHAPE, attention=0), 4096) == pytest.approx(FP8_GAIN)
    assert gain(llama, 8192) == pytest.approx(8532 / 6667, rel=0.005)
    assert gain(llama, 262144) < 1.05


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
