"""One convention of config.json per test: what a field changes in the inventory, counted by hand."""

from __future__ import annotations

import pytest

from planner.architecture import cache_elements, count_parameters, kv_bytes_per_token, parse_config


def parsed(config, **changes):
    return parse_config({**config, **changes}, id="tiny")


def total(config, **changes):
    return count_parameters(parsed(config, **changes)).total


def component(config, name, **changes):
    return dict(count_parameters(parsed(config, **changes)).by_component).get(name, 0)


def kinds(architecture):
    found = {index: group.mixer.kind for group in architecture.layers for index in group.indices}
    return [found[index] for index in range(architecture.num_layers)]


def windows(architecture):
    found = {index: group.mixer.window for group in architecture.layers for index in group.indices}
    return [found[index] for index in range(architecture.num_layers)]


def moe(architecture):
    return sorted(index for group in architecture.layers if group.is_moe for index in group.indices)


def test_a_plain_model_by_hand(tiny):
    layer = 2 * 64 * 64 + 2 * 32 * 64 + 3 * 96 * 64 + 2 * 64
    count = count_parameters(parsed(tiny))
    assert count.total == count.text == count.active == 2 * layer + 2 * 160 * 64 + 64
    assert count.active_without_embedding == count.total - 160 * 64
    assert count.mtp == 0


def test_tied_heads_count_once_and_serve_as_embedding(tiny):
    count = count_parameters(parsed(tiny, tie_word_embeddings=True))
    assert count.total == total(tiny) - 160 * 64
    assert count.active_without_embedding == count.active


def test_head_width_need_not_be_hidden_over_heads(tiny):
    assert total(tiny, head_dim=32) - total(tiny) == 2 * (2 * 64 * 64 + 2 * 32 * 64)
    assert parsed(tiny, head_dim=32).layers[0].mixer.kv_elements_per_token == 2 * 2 * 32


@pytest.mark.parametrize(
    ("model_type", "vectors"),
    [("llama", 64 + 32 + 32 + 64), ("qwen2", 64 + 32 + 32), ("glm4", 64 + 32 + 32), ("seed_oss", 64 + 32 + 32)],
)
def test_attention_bias_means_what_the_family_makes_of_it(tiny, model_type, vectors):
    """Llama biases the output projection too; the others do not, and Qwen2 does so unasked."""
    changes = {"model_type": model_type, "attention_bias": True, "attention_out_bias": None}
    if model_type == "seed_oss":
        changes["attention_out_bias"] = False
    plain = component(tiny, "attention")
    assert component(tiny, "attention", **changes) - plain == 2 * vectors


@pytest.mark.parametrize(
    ("changes", "vectors"),
    [
        ({"model_type": "qwen3"}, 2 * 16),
        ({"model_type": "olmo2"}, 64 + 32),
        ({"model_type": "cohere", "use_qk_norm": True}, 64 + 32),
        ({"model_type": "stablelm", "qk_layernorm": True}, 64 + 32),
        ({"model_type": "persimmon", "num_key_value_heads": 4}, None),
        ({"use_qk_norm": True, "qk_norm_type": "per_layer"}, 64 + 32),
        ({"use_qk_norm": True, "qk_norm_type": "per_head"}, 2 * 16),
        ({"use_qk_norm": False}, 0),
    ],
)
def test_query_and_key_norms_have_the_width_of_their_family(tiny, changes, vectors):
    if vectors is None:
        vectors = 2 * 2 * 16 + 3 * 64 + 64 + 2 * (64 - 32) * 64  # with biases, and with all heads' keys and values
    assert component(tiny, "attention", **changes) - component(tiny, "attention") == 2 * vectors


@pytest.mark.parametrize(
    ("changes", "size"),
    [
        ({"attn_output_gate": True}, 64 * 64),
        ({"model_type": "afmoe"}, 64 * 64 + 2 * 16),
        ({"model_type": "laguna"}, 4 * 64 + 2 * 16),
        ({"model_type": "gpt_oss", "attention_bias": False}, 4),
    ],
)
def test_gates_and_sinks_belong_to_attention(tiny, changes, size):
    assert component(tiny, "attention", **changes) - component(tiny, "attention") == 2 * size


@pytest.mark.parametrize(
    ("activation", "matrices"),
    [("silu", 3), ("swiglu", 3), ("gelu_pytorch_tanh", 3), ("relu2", 2), ("gelu_new", 2), ("relu", 2), ("xielu", 2)],
)
def test_the_activation_tells_gated_mlps_from_plain_ones(tiny, activation, matrices):
    assert component(tiny, "mlp", hidden_act=activation) == 2 * matrices * 96 * 64


def test_shared_blocks_of_parallel_attention_have_one_norm(tiny):
    assert component(tiny, "norm", model_type="phi") == 2 * 2 * 64 + 2 * 64
    assert component(tiny, "norm", model_type="falcon") == 2 * 2 * 64 + 2 * 64
    assert component(tiny, "norm", model_type="gpt_neox", use_parallel_residual=True) == 2 * 4 * 64 + 2 * 64


def test_sandwich_norms_double_the_norms(tiny):
    assert component(tiny, "norm", model_type="gemma2") == 2 * 4 * 64 + 64
    assert component(tiny, "norm", use_post_norm=True) == 2 * 4 * 64 + 64


def test_learned_positions_are_embeddings(tiny):
    rows = component(tiny, "embedding", model_type="opt") - component(tiny, "embedding")
    assert rows == (512 + 2) * 64


EXPERTS = {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 32}


@pytest.mark.parametrize("name", ["num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts"])
def test_experts_by_any_name(tiny, name):
    changes = {name: 8, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
    count = count_parameters(parsed(tiny, **changes))
    parts = dict(count.by_component)
    assert parts["experts_routed"] == 2 * 8 * 3 * 32 * 64
    assert parts["router"] == 2 * 8 * 64
    assert count.total - count.active == parts["experts_routed"] * 6 // 8


def test_intermediate_size_is_the_experts_width_where_nothing_else_is(tiny):
    assert component(tiny, "experts_routed", num_local_experts=4, num_experts_per_tok=1) == 2 * 4 * 3 * 96 * 64


@pytest.mark.parametrize(
    ("changes", "width"),
    [
        ({"n_shared_experts": 2}, 64),
        ({"shared_expert_intermediate_size": 48}, 48),
        ({"num_shared_experts": 2, "share_expert_dim": 48}, 96),
        ({"moe_num_shared_experts": 0}, 0),
        ({"shared_intermediate_size": 0}, 0),
    ],
)
def test_shared_experts_by_number_or_width(tiny, changes, width):
    assert component(tiny, "experts_shared", **EXPERTS, **changes) == 2 * 3 * width * 64


@pytest.mark.parametrize(
    ("changes", "sparse"),
    [
        ({"first_k_dense_replace": 3}, [3, 4, 5, 6, 7]),
        ({"decoder_sparse_step": 2}, [1, 3, 5, 7]),
        ({"decoder_sparse_step": 2, "mlp_only_layers": [1, 7]}, [3, 5]),
        ({"interleave_moe_layer_step": 4}, [3, 7]),
        ({"moe_layer_freq": 2}, [0, 2, 4, 6]),
        ({"moe_layer_freq": [0, 1, 1, 0, 0, 0, 0, 1]}, [1, 2, 7]),
        ({"expert_layer_period": 2, "expert_layer_offset": 1}, [1, 3, 5, 7]),
        ({"moe_layer_start_index": 2, "moe_layer_end_index": 5, "moe_layer_interval": 1}, [2, 3, 4, 5]),
        ({"mlp_layer_types": ["dense"] * 6 + ["sparse"] * 2}, [6, 7]),
        ({"moe_layers_enum": "4,6"}, [4, 6]),
        ({"moe_layers": [0, 5]}, [0, 5]),
        ({"num_dense_layers": 7}, [7]),
        ({}, list(range(8))),
    ],
)
def test_which_layers_route(tiny, changes, sparse):
    assert moe(parsed(tiny, **EXPERTS, num_hidden_layers=8, **changes)) == sparse


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sliding_window": 128}, [128] * 6),
        ({"sliding_window": 128, "use_sliding_window": False}, [None] * 6),
        ({"sliding_window": 512}, [None] * 6),
        ({"sliding_window": 128, "use_sliding_window": True, "max_window_layers": 4}, [None] * 4 + [128] * 2),
        ({"sliding_window": 128, "sliding_window_pattern": 3}, [128, 128, None] * 2),
        ({"sliding_window": 128, "sliding_window_pattern": "LG"}, [128, None] * 3),
        ({"sliding_window": 128, "hybrid_layer_pattern": [0, 1, 1, 1, 1, 0]}, [None, *[128] * 4, None]),
        ({"sliding_window": 128, "layer_types": ["sliding_attention", "full_attention"] * 3}, [128, None] * 3),
        ({"sliding_window": None, "layer_types": ["sliding_attention", "full_attention"] * 3}, [None] * 6),
        ({"sliding_window": 128, "model_type": "gemma2"}, [128, None] * 3),
        ({"sliding_window": 128, "model_type": "gemma3_text"}, [128] * 5 + [None]),
        ({"sliding_window": 128, "model_type": "cwm"}, [None, 128, 128, 128, None, 128]),
        ({"attention_chunk_size": 64, "no_rope_layers": [1, 1, 1, 0, 1, 1]}, [64, 64, 64, None, 64, 64]),
        ({"attention_chunk_size": 64, "model_type": "llama4"}, [64, 64, 64, None, 64, 64]),
    ],
)  # fmt: skip
def test_which_layers_have_a_window(tiny, changes, expected):
    assert windows(parsed(tiny, num_hidden_layers=6, **changes)) == expected


LINEAR = {
    "linear_num_value_heads": 4, "linear_num_key_heads": 2, "linear_key_head_dim": 16, "linear_value_head_dim": 16,
    "linear_conv_kernel_dim": 4,
}  # fmt: skip
MAMBA = {"mamba_n_heads": 8, "mamba_d_head": 16, "mamba_d_state": 16, "mamba_n_groups": 1, "mamba_d_conv": 4}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({**LINEAR, "full_attention_interval": 3}, ["linear", "linear", "full"] * 2),
        ({**LINEAR, "layer_types": ["linear_attention", "full_attention"] * 3}, ["linear", "full"] * 3),
        ({**MAMBA, "layer_types": ["mamba", "attention"] * 3}, ["mamba", "full"] * 3),
        ({**MAMBA, "attn_layer_indices": [1, 4]}, ["mamba", "full", "mamba", "mamba", "full", "mamba"]),
        ({"mamba_d_state": 16, "attn_layer_period": 3, "attn_layer_offset": 1}, ["mamba", "full", "mamba"] * 2),
        ({"conv_L_cache": 3, "full_attn_idxs": [2, 5]}, ["convolution", "convolution", "full"] * 2),
        ({"attn_type_list": [0, 0, 1, 0, 0, 1]}, ["linear", "linear", "full"] * 2),
        ({"linear_attn_config": {"kda_layers": [1, 2, 4, 5], "head_dim": 16, "num_heads": 4}},
         ["linear", "linear", "full"] * 2),
        ({**MAMBA, "hybrid_override_pattern": "M-*EM-", **EXPERTS}, ["mamba", "none", "full", "none", "mamba", "none"]),
    ],
)  # fmt: skip
def test_which_layers_have_a_state(tiny, changes, expected):
    architecture = parsed(tiny, num_hidden_layers=6, **changes)
    assert kinds(architecture) == expected
    for group in architecture.layers:
        mixer = group.mixer
        assert (mixer.state_elements > 0) == (mixer.kind in ("linear", "mamba", "convolution"))
        assert (mixer.kv_elements_per_token > 0) == (mixer.kind == "full")


def test_attention_beside_mamba_keeps_both(tiny):
    mixer = parsed(tiny, model_type="falcon_h1", **MAMBA).layers[0].mixer
    assert mixer.kind == "full"
    assert mixer.kv_elements_per_token == 64
    assert mixer.state_elements == 128 * 16 + (128 + 2 * 16) * 4


def test_single_blocks_have_one_norm_each(tiny):
    changes = {**MAMBA, **EXPERTS, "hybrid_override_pattern": "M-*E", "num_hidden_layers": 4}
    assert component(tiny, "norm", model_type="nemotron_h", **changes) == 4 * 64 + 64


MLA = {"kv_lora_rank": 32, "q_lora_rank": 24, "qk_nope_head_dim": 16, "qk_rope_head_dim": 8, "v_head_dim": 16}


def test_latent_attention_caches_one_vector(tiny):
    architecture = parsed(tiny, **MLA)
    mixer = architecture.layers[0].mixer
    assert (mixer.kind, mixer.kv_elements_per_token, mixer.splits_kv) == ("mla", 40, False)
    by_hand = 24 * 64 + 24 + 4 * 24 * 24 + 40 * 64 + 32 + 4 * 32 * 32 + 64 * 64
    assert component(tiny, "attention", **MLA) == 2 * by_hand


def test_latent_attention_without_query_rank(tiny):
    changes = {**MLA, "q_lora_rank": None}
    by_hand = 4 * 24 * 64 + 40 * 64 + 32 + 4 * 32 * 32 + 64 * 64
    assert component(tiny, "attention", **changes) == 2 * by_hand


def test_indexers_add_keys_that_the_cache_does_not_count(tiny):
    changes = {**MLA, "index_topk": 64, "index_n_heads": 4, "index_head_dim": 16}
    architecture = parsed(tiny, **changes)
    assert component(tiny, "indexer", **changes) == 2 * (64 * 24 + 16 * 64 + 32 + 4 * 64)
    assert architecture.layers[0].mixer.indexer_elements_per_token == 16
    assert kv_bytes_per_token(architecture) == 2 * 40 * 2


def test_layers_that_share_caches(tiny):
    architecture = parsed(tiny, num_hidden_layers=4, num_kv_shared_layers=2)
    assert kv_bytes_per_token(architecture) == 2 * 64 * 2
    assert component(tiny, "attention", num_hidden_layers=4, num_kv_shared_layers=2) == (
        2 * component(tiny, "attention") - 2 * 2 * 32 * 64
    )
    halved = parsed(tiny, num_hidden_layers=4, use_cla=True, cla_share_factor=2)
    assert kv_bytes_per_token(halved) == 2 * 64 * 2


def test_sizes_that_vary_from_layer_to_layer(tiny):
    assert component(tiny, "mlp", intermediate_size=[96, 32]) == 3 * 128 * 64
    heads = parsed(tiny, num_attention_heads_per_layer=[4, 8], head_dim=16)
    assert [group.mixer.heads for group in heads.layers] == [4, 8]
    sliding = parsed(
        tiny, sliding_window=64, layer_types=["sliding_attention", "full_attention"], head_dim=16,
        swa_num_key_value_heads=4, global_head_dim=32,
    )  # fmt: skip
    assert [group.mixer.kv_elements_per_token for group in sliding.layers] == [2 * 4 * 16, 2 * 2 * 32]


def test_blocks_of_searched_architectures(tiny):
    blocks = [
        {"attention": {"n_heads_in_group": 2, "no_op": False}, "ffn": {"ffn_mult": 6.0, "no_op": False}},
        {"attention": {"no_op": True}, "ffn": {"intermediate_size": 64}},
    ]
    architecture = parsed(tiny, block_configs=blocks, num_key_value_heads=None, intermediate_size=None)
    assert kinds(architecture) == ["full", "none"]
    assert component(tiny, "mlp", block_configs=blocks) == 3 * 64 * (256 + 64)
    assert component(tiny, "norm", block_configs=blocks) == 3 * 64 + 64


def test_mtp_layers_are_apart(tiny):
    count = count_parameters(parsed(tiny, num_nextn_predict_layers=2))
    layer = 2 * 64 * 64 + 2 * 32 * 64 + 3 * 96 * 64 + 2 * 64
    assert count.total == total(tiny)
    assert count.mtp == 2 * (layer + 64 * 128 + 3 * 64 + 2 * 160 * 64)
    assert count_parameters(parsed(tiny, mtp_num_hidden_layers=1)).mtp == layer + 64 * 128 + 3 * 64


def test_text_is_found_where_it_is_nested(tiny):
    for wrapper in ({"text_config": tiny}, {"llm_config": tiny}, {"thinker_config": {"text_config": tiny}}):
        assert count_parameters(parse_config({"model_type": "wrapper", **wrapper}, id="tiny")).text == total(tiny)


def test_the_outermost_statement_on_ties_holds(tiny):
    nested = {"model_type": "qwen3_vl", "tie_word_embeddings": True, "text_config": tiny, "vision_config": None}
    assert parse_config(nested, id="tiny").tied_embeddings


def test_nested_configs_lean_on_their_class(tiny):
    """LLaVA-1.5 states nothing but the vocabulary of its Llama."""
    config = {"model_type": "llava", "text_config": {"model_type": "llama", "vocab_size": 32064}, "vision_config": None}
    architecture = parse_config(config, id="tiny")
    assert (architecture.hidden_size, architecture.num_layers) == (4096, 32)
    assert any("class default" in note for note in architecture.notes)


def test_windows_stop_the_cache(tiny):
    mixer = parsed(tiny, sliding_window=128).layers[0].mixer
    assert [cache_elements(mixer, tokens) for tokens in (0, 1, 127, 128, 129, 10**6)] == [
        0, 64, 127 * 64, 128 * 64, 128 * 64, 128 * 64,
    ]  # fmt: skip
    architecture = parsed(tiny, sliding_window=128)
    assert kv_bytes_per_token(architecture) == kv_bytes_per_token(architecture, context=127) == 2 * 64 * 2
    assert kv_bytes_per_token(architecture, context=128) == 0


def test_the_cache_scales_with_the_bytes_of_an_element(tiny):
    assert kv_bytes_per_token(parsed(tiny), 1.0625) == 2 * 64 * 1.0625


def test_order_of_fields_and_extra_ones_change_nothing(tiny):
    backwards = dict(reversed(tiny.items()))
    assert parse_config(backwards, id="tiny") == parse_config({**tiny, "use_cache": True, "bos_token_id": 1}, id="tiny")


def test_frozen_configs_read_alike(tiny):
    """A scenario hands its inline config over with tuples for lists."""
    config = {**tiny, "architectures": ["LlamaForCausalLM"], "layer_types": ["full_attention"] * 2, **EXPERTS}
    frozen = {key: tuple(value) if isinstance(value, list) else value for key, value in config.items()}
    assert parse_config(frozen, id="tiny") == parse_config(config, id="tiny")
