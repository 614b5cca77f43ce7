"""Memory per GPU in training: terms, phases, sharding, stages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.architecture import count_parameters, resolve_model
from planner.catalog import load_catalog
from planner.training.memory import in_flight, training_memory
from planner.training.optimizers import OPTIMIZERS
from planner.training.parallel import Parallel
from planner.training.precision import PRECISIONS
from planner.training.setup import Adapters, TrainingSetup
from planner.training.shares import stages
from planner.training.software import LOSSES, SOFTWARE
from planner.units import GIB

NF4 = load_catalog().formats["nf4"]


@pytest.fixture(scope="module")
def catalog():
    return load_catalog()


@pytest.fixture(scope="module")
def llama(catalog):
    return resolve_model("meta-llama/Llama-3.1-8B-Instruct", catalog=catalog)


@pytest.fixture(scope="module")
def mixtral(catalog):
    return resolve_model("mistralai/Mixtral-8x7B-v0.1", catalog=catalog)


def term(memory, name, phase="step"):
    return {t.name: t.value for t in dict(memory.fullest.phases)[phase]}.get(name, 0.0)


def setup(**given):
    return TrainingSetup(**{"sequence_length": 4096, "parallel": Parallel(sharding="ddp"), **given})


@pytest.mark.parametrize(
    ("precision", "bytes_each"),
    [("fp32", 16), ("mixed", 16), ("mixed-fp32-gradients", 18), ("mixed-fp32-weights", 16), ("bf16", 8), ("fp8", 16)],
)
def test_adam_keeps_so_many_bytes_per_parameter(llama, precision, bytes_each):
    policy = PRECISIONS[precision]
    assert policy.bytes_per_parameter_adam == bytes_each
    memory = training_memory(llama, setup(precision=policy))
    names = ("weights", "master weights", "first moment", "second moment", "gradients")
    assert sum(term(memory, name) for name in names) == bytes_each * count_parameters(llama).total


@pytest.mark.parametrize(
    ("optimizer", "states_per_parameter"),
    [("sgd", 0), ("momentum", 1), ("adam", 2), ("adamw", 2)],
)
def test_the_states_of_an_optimizer_are_whole_copies_of_the_parameters(llama, optimizer, states_per_parameter):
    memory = training_memory(llama, setup(precision=PRECISIONS["fp32"], optimizer=OPTIMIZERS[optimizer]))
    found = sum(term(memory, name) for name in ("momentum", "first moment", "second moment"))
    assert found == 4 * states_per_parameter * count_parameters(llama).total
    assert OPTIMIZERS[optimizer].multiplier == 2 + states_per_parameter


def test_eight_bit_states_have_a_scale_per_block(llama):
    memory = training_memory(llama, setup(optimizer=OPTIMIZERS["adamw-8bit"]))
    assert term(memory, "first moment") == pytest.approx((1 + 4 / 256) * count_parameters(llama).total)


def test_paged_states_are_not_on_the_device(llama):
    memory = training_memory(llama, setup(optimizer=OPTIMIZERS["paged-adamw-8bit"]))
    assert term(memory, "first moment") == 0


def test_adafactor_keeps_a_vector_per_row_and_column(llama):
    memory = training_memory(llama, setup(optimizer=OPTIMIZERS["adafactor"]))
    d, f, kv, vocabulary = 4096, 14336, 1024, 128256
    per_layer = 2 * (d + d) + 2 * (kv + d) + 3 * (f + d) + 2 * d
    assert term(memory, "factored second moment") == 4 * (32 * per_layer + 2 * (vocabulary + d) + d)


def test_muon_keeps_one_state_of_matrices_and_two_of_the_rest(llama):
    memory = training_memory(llama, setup(precision=PRECISIONS["fp32"], optimizer=OPTIMIZERS["muon"]))
    parts = dict(count_parameters(llama).by_component)
    rest = parts["embedding"] + parts["lm_head"] + parts["norm"]
    assert term(memory, "momentum") == 4 * (parts["attention"] + parts["mlp"])
    assert term(memory, "first moment") == term(memory, "second moment") == 4 * rest


@pytest.mark.parametrize(
    ("sharding", "weights", "gradients", "states"),
    [("ddp", 1, 1, 1), ("zero1", 1, 1, 8), ("zero2", 1, 8, 8), ("zero3", 8, 8, 8), ("fsdp", 8, 8, 8)],
)
def test_sharding_divides_what_its_stage_says(llama, sharding, weights, gradients, states):
    total = count_parameters(llama).total
    memory = training_memory(llama, setup(parallel=Parallel(dp=8, sharding=sharding)))
    assert term(memory, "weights") == pytest.approx(2 * total / weights)
    assert term(memory, "gradients") == pytest.approx(2 * total / gradients)
    assert term(memory, "master weights") == pytest.approx(4 * total / states)
    assert term(memory, "first moment") == pytest.approx(4 * total / states)


def test_hybrid_sharding_divides_within_its_group_alone(llama):
    whole = training_memory(llama, setup(parallel=Parallel(dp=64, sharding="hsdp", shard_group=8)))
    group = training_memory(llama, setup(parallel=Parallel(dp=8, sharding="fsdp")))
    assert term(whole, "weights") == term(group, "weights")


def test_experts_are_all_resident_and_divided_by_expert_parallelism(mixtral):
    parts = dict(count_parameters(mixtral).by_component)
    one = training_memory(mixtral, setup(precision=PRECISIONS["bf16"]))
    assert term(one, "weights") == 2 * count_parameters(mixtral).total
    spread = training_memory(
        mixtral, setup(precision=PRECISIONS["bf16"], parallel=Parallel(dp=8, ep=8, sharding="ddp"))
    )
    dense = count_parameters(mixtral).total - parts["experts_routed"]
    assert term(spread, "weights") == 2 * (dense + parts["experts_routed"] / 8)


def test_the_stages_of_a_pipeline_hold_the_model_once(llama):
    found = stages(llama, Parallel(pp=4, sharding="ddp").layout)
    assert sum(stage.elements() for stage in found) == count_parameters(llama).total
    assert [stage.layers for stage in found] == [8, 8, 8, 8]


def test_a_tied_embedding_lies_on_the_first_and_the_last_stage(catalog):
    tied = resolve_model("meta-llama/Llama-3.2-1B-Instruct", catalog=catalog)
    found = stages(tied, Parallel(pp=2, sharding="ddp").layout)
    vocabulary = 128256 * 2048
    assert sum(stage.elements() for stage in found) == count_parameters(tied).total + vocabulary
    assert found[-1].head() == vocabulary


def test_the_first_stage_keeps_most_micro_batches_and_the_last_has_the_logits(llama):
    memory = training_memory(llama, setup(parallel=Parallel(pp=4), accumulation=16, checkpointing="none"))
    first, last = memory.stages[0], memory.stages[-1]
    name = "activations, full dense layers"
    kept = [{t.name: t.value for t in dict(stage.phases)["loss"]} for stage in (first, last)]
    assert kept[0][name] == 4 * kept[1][name]
    assert "logits and loss" in kept[1]
    assert "logits and loss" not in kept[0]


def test_a_sharded_pipeline_keeps_its_weights_gathered_and_its_gradients_whole(llama):
    memory = training_memory(llama, setup(parallel=Parallel(dp=8, pp=2), accumulation=4))
    last = {t.name: t.value for t in dict(memory.stages[-1].phases)["loss"]}
    held = stages(llama, Parallel(pp=2).layout)[-1].elements()
    assert last["weights"] == 2 * held / 8
    assert last["gathered weights"] == 2 * held
    assert last["gradients"] == 2 * (held + held / 8)


def test_interleaving_keeps_more_micro_batches_on_the_first_stage():
    plain = setup(parallel=Parallel(pp=8), accumulation=64)
    interleaved = setup(parallel=Parallel(pp=8, virtual_stages=4), accumulation=64)
    assert in_flight(plain, 0) == 8
    assert in_flight(interleaved, 0) == pytest.approx(8 * (1 + 7 / (8 * 4)))  # Korthikanti et al.: 1 + (p-1)/(pv)
    assert in_flight(plain, 7) == in_flight(interleaved, 7) == 1


def test_gpipe_keeps_every_micro_batch_of_the_step():
    assert in_flight(setup(parallel=Parallel(pp=8, schedule="gpipe"), accumulation=64), 0) == 64
    assert in_flight(setup(parallel=Parallel(pp=8, schedule="gpipe"), accumulation=64), 7) == 64
    names = [Parallel(pp=4), Parallel(pp=4, virtual_stages=2), Parallel(pp=4, schedule="gpipe"), Parallel()]
    assert [item.pipeline for item in names] == ["1f1b", "interleaved", "gpipe", ""]


def test_what_is_offloaded_lies_in_host_memory(llama):
    total = count_parameters(llama).total
    assert training_memory(llama, setup()).host_bytes == 0
    assert training_memory(llama, setup(offload="optimizer")).host_bytes == pytest.approx((4 + 2 + 8) * total)
    assert training_memory(llama, setup(offload="all")).host_bytes == pytest.approx((4 + 2 + 8 + 2) * total)
    paged = training_memory(llama, setup(optimizer=OPTIMIZERS["paged-adamw-8bit"]))
    assert paged.host_bytes == pytest.approx(2 * (1 + 4 / 256) * total)
    inputs = training_memory(llama, setup(checkpointing="offloaded", micro_batch=2))
    assert inputs.host_bytes == 2 * 4096 * 2 * 4096 * 32


def test_paged_states_of_adapters_lie_in_host_memory(catalog, llama):
    adapted = {"method": "qlora", "adapters": Adapters(16), "frozen": catalog.formats["nf4"]}
    memory = training_memory(llama, setup(optimizer=OPTIMIZERS["paged-adamw-8bit"], **adapted))
    adapters = term(memory, "adapters") / 2
    assert memory.host_bytes == pytest.approx(2 * (1 + 4 / 256) * adapters)
    everything = training_memory(llama, setup(offload="all", **adapted))
    frozen = term(training_memory(llama, setup(**adapted)), "frozen weights")
    assert everything.host_bytes == pytest.approx(frozen + (2 * 2 + 2) * adapters)


def test_megatron_leaves_the_gradients_of_an_offloaded_optimizer_on_the_device(llama):
    total = count_parameters(llama).total
    memory = training_memory(llama, setup(offload="optimizer", software=SOFTWARE["megatron"]))
    assert term(memory, "gradients") == 2 * total
    assert memory.host_bytes == pytest.approx((4 + 8) * total)


def test_one_gpu_that_offloads_its_weights_still_needs_the_layers_at_hand(llama):
    memory = training_memory(llama, setup(offload="all"))
    layer = 4096 * (2 * 4096 + 2 * 1024) + 3 * 4096 * 14336 + 2 * 4096
    assert term(memory, "gathered weights", "backward") == 2 * 2 * layer
    assert term(memory, "gradient buckets", "backward") == 2 * layer
    assert term(memory, "gathered head", "loss") == 2 * 4096 * 128256


def test_selective_checkpointing_is_what_the_software_makes_of_it(llama):
    """torch: the layer's input, attention's output and every second product (q, v, gate, down)."""
    memory = training_memory(llama, setup(checkpointing="selective"))
    kept = 4096 + 4096 + (4096 + 1024) + (14336 + 4096)
    found = term(memory, "activations, full dense layers", "loss") / (32 * 4096 * 2)
    none = training_memory(llama, setup(checkpointing="none"))
    assert found < term(none, "activations, full dense layers", "loss") / (32 * 4096 * 2)
    assert found == kept


def test_sequence_parallelism_divides_what_tensor_parallelism_leaves(llama):
    with_, without = (
        training_memory(llama, setup(parallel=Parallel(tp=8, sequence_parallel=flag), checkpointing="full"))
        for flag in (True, False)
    )
    name = "activations, full dense layers"
    assert term(with_, name, "loss") * 8 == term(without, name, "loss") == 2 * 4096 * 4096 * 32


def test_context_parallelism_divides_the_tokens(llama):
    long = training_memory(llama, setup(sequence_length=65536, parallel=Parallel(cp=8)))
    short = training_memory(llama, setup(sequence_length=8192, parallel=Parallel(dp=8)))
    assert long.allocated_bytes == short.allocated_bytes


def test_a_layer_of_llama_keeps_24d_and_8f_eager_16d_and_6f_fused(llama):
    for fused, expected in ((False, 24 * 4096 + 8 * 14336), (True, 16 * 4096 + 6 * 14336)):
        memory = training_memory(llama, setup(checkpointing="none", fused=fused))
        assert term(memory, "activations, full dense layers", "loss") == 32 * 4096 * expected


def test_without_flash_attention_the_scores_are_kept_unless_recomputed(llama):
    megatron = SOFTWARE["megatron"]
    flash = training_memory(llama, setup(checkpointing="none", software=megatron))
    scores = training_memory(llama, setup(checkpointing="none", flash_attention=False, software=megatron))
    selective = training_memory(llama, setup(checkpointing="selective", flash_attention=False, software=megatron))
    name = "activations, full dense layers"
    more = term(scores, name, "loss") - term(flash, name, "loss")
    assert more == 5 * 32 * 4096**2 * 32  # 5 a s^2 b per layer, Korthikanti et al.
    assert term(selective, name, "loss") == term(flash, name, "loss")


def test_chunks_of_the_loss_never_hold_the_logits_in_32_bit(llama):
    sizes = {
        name: term(training_memory(llama, setup(loss=LOSSES[name])), "logits and loss", "loss")
        for name in ("eager", "chunked", "fused-linear")
    }
    assert sizes["eager"] == 12 * 4096 * 128256
    assert sizes["chunked"] == 2.25 * 4096 * 128256
    assert sizes["fused-linear"] == 0


def test_an_optimizer_in_the_backward_pass_keeps_one_gradient(llama):
    memory = training_memory(llama, setup(optimizer_in_backward=True))
    assert term(memory, "gradients") == 2 * 128256 * 4096


def test_gradients_wait_through_the_forward_pass_only_when_they_accumulate(llama):
    once = training_memory(llama, setup())
    several = training_memory(llama, setup(accumulation=4))
    assert term(once, "gradients", "loss") == 0
    assert term(several, "gradients", "loss") == 2 * count_parameters(llama).total


def test_offloading_takes_states_then_weights_off_the_device(llama):
    base = {"parallel": Parallel(dp=8)}
    optimizer = training_memory(llama, setup(offload="optimizer", **base))
    everything = training_memory(llama, setup(offload="all", **base))
    assert term(optimizer, "first moment") == term(optimizer, "master weights") == term(optimizer, "gradients") == 0
    assert term(optimizer, "weights") > 0
    assert term(everything, "weights") == 0
    assert term(everything, "gathered weights", "backward") > 0


def test_adapters_have_rank_times_rows_and_columns(catalog, llama):
    memory = training_memory(
        llama,
        setup(method="lora", adapters=Adapters(16), frozen=catalog.formats["bf16"], software=SOFTWARE["torchtune"]),
    )
    d, f, kv = 4096, 14336, 1024
    count = 16 * 32 * (2 * (d + d) + 2 * (kv + d) + 3 * (f + d))
    assert term(memory, "adapters") == term(memory, "gradients") == 2 * count
    assert term(memory, "frozen weights") == 2 * count_parameters(llama).total


def test_targets_narrow_the_adapters(catalog, llama):
    both = [
        training_memory(llama, setup(method="lora", adapters=Adapters(8, targets), frozen=catalog.formats["bf16"]))
        for targets in ((), ("q_proj", "v_proj"))
    ]
    assert term(both[1], "adapters") == 2 * 8 * 32 * (4096 + 4096 + 1024 + 4096)
    assert term(both[1], "adapters") < term(both[0], "adapters")


def test_a_quantized_base_keeps_its_embeddings_in_16_bit(catalog, llama):
    memory = training_memory(llama, setup(method="qlora", adapters=Adapters(8), frozen=catalog.formats["nf4"]))
    assert 5.3 * GIB < term(memory, "frozen weights") < 5.4 * GIB  # 6.98e9 x 4.127 bits + 1.05e9 x 2 B
    widened = training_memory(
        llama,
        setup(method="qlora", adapters=Adapters(8), frozen=catalog.formats["nf4"], software=SOFTWARE["transformers"]),
    )
    more = term(widened, "frozen weights") - term(memory, "frozen weights")
    assert more == pytest.approx(2 * (2 * 128256 * 4096 + 65 * 4096))


def test_the_terms_add_up_to_what_has_to_fit(llama):
    memory = training_memory(llama, setup(parallel=Parallel(dp=4, tp=2)))
    assert sum(item.value for item in memory.terms) == pytest.approx(memory.device_bytes)
    assert memory.fits(memory.device_bytes)
    assert not memory.fits(memory.device_bytes - 1)
    assert all(item.formula and item.source for item in memory.terms)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"micro_batch": 0}, "micro_batch must be at least 1"),
        ({"method": "lora"}, "needs adapters"),
        ({"adapters": Adapters(8)}, "has no adapters"),
        ({"method": "lora", "adapters": Adapters(8)}, "needs the format"),
        ({"optimizer_in_backward": True, "accumulation": 2}, "cannot accumulate"),
        ({"optimizer_in_backward": True, "method": "lora", "adapters": Adapters(8), "frozen": NF4}, "full training"),
    ],
)
def test_setups_that_cannot_be_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        setup(**given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dp": 16, "sharding": "hsdp"}, "hsdp needs shard_group"),
        ({"tp": 0}, "tp must be at least 1"),
        ({"dp": 8, "shard_group": 3}, "must divide"),
        ({"dp": 3, "ep": 2}, "ep 2 must divide"),
        ({"virtual_stages": 2}, "needs pipeline stages"),
        ({"virtual_stages": 2, "pp": 2, "schedule": "gpipe"}, "interleave 1F1B"),
    ],
)
def test_layouts_that_cannot_be_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        Parallel(**given)


def test_more_stages_than_layers_are_refused(llama):
    with pytest.raises(ValueError, match="64 pipeline stages for 32 layers"):
        training_memory(llama, setup(parallel=replace(Parallel(), pp=64)))
