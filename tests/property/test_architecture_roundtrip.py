"""Laws of architectures: dumps read back the same, counts add up, and no config makes the parser stumble."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.architecture import count_parameters, dump, kv_bytes_per_token, load, parse_config, resolve_model
from planner.architecture.families import FAMILIES
from planner.catalog import load_catalog
from planner.errors import ArchitectureError


@st.composite
def configs(draw):
    """Configs of sensible sizes, of any known family or of none, dense or routed, windowed or latent."""
    width = draw(st.sampled_from([8, 16]))
    heads = draw(st.sampled_from([2, 4, 8]))
    layers = draw(st.integers(1, 12))
    config = {
        "model_type": draw(st.sampled_from([*sorted(FAMILIES), "unheard_of", ""])),
        "hidden_size": width * heads,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": draw(st.sampled_from([1, 2])),
        "intermediate_size": draw(st.integers(1, 200)),
        "vocab_size": draw(st.integers(1, 1000)),
        "max_position_embeddings": draw(st.integers(1, 4096)),
        "tie_word_embeddings": draw(st.booleans()),
    }
    optional = {
        "head_dim": st.sampled_from([8, 16, 32]),
        "num_experts": st.integers(0, 16),
        "num_experts_per_tok": st.just(1),
        "moe_intermediate_size": st.integers(1, 64),
        "num_shared_experts": st.integers(0, 2),
        "first_k_dense_replace": st.integers(0, 4),
        "sliding_window": st.integers(1, 512),
        "sliding_window_pattern": st.integers(1, 4),
        "kv_lora_rank": st.integers(1, 64),
        "q_lora_rank": st.integers(1, 64),
        "attention_bias": st.booleans(),
        "use_qk_norm": st.booleans(),
        "hidden_act": st.sampled_from(["silu", "gelu", "relu2"]),
        "num_nextn_predict_layers": st.integers(0, 2),
        "mamba_n_heads": st.integers(1, 8),
        "mamba_d_head": st.just(8),
        "attn_layer_period": st.integers(1, 4),
    }
    for name, values in optional.items():
        if draw(st.booleans()):
            config[name] = draw(values)
    return config


def parsed(config):
    try:
        return parse_config(config, id="any")
    except ArchitectureError:
        return None


@given(configs())
@settings(max_examples=150, deadline=None)
def test_a_dump_reads_back_the_same(config):
    architecture = parsed(config)
    if architecture is not None:
        text = json.dumps(dump(architecture))
        assert load(json.loads(text)) == architecture
        assert parse_config(json.loads(text), id="any") == architecture
        assert hash(load(json.loads(text))) == hash(architecture)


def test_a_dump_of_every_shipped_model_reads_back_the_same():
    catalog = load_catalog()
    for name in catalog.models:
        architecture = resolve_model(name, catalog=catalog)
        record = json.loads(json.dumps(dump(architecture)))
        assert load(record) == architecture
        assert resolve_model(record, catalog=catalog) == architecture


@given(configs())
@settings(max_examples=150, deadline=None)
def test_parts_add_up(config):
    architecture = parsed(config)
    if architecture is not None:
        count = count_parameters(architecture)
        assert sum(size for _, size in count.by_component) == count.total >= count.text >= count.active
        assert count.active >= count.active_without_embedding > 0
        indices = sorted(index for group in architecture.layers for index in group.indices)
        assert indices == list(range(architecture.num_layers))


@given(configs(), st.integers(0, 5000))
@settings(max_examples=150, deadline=None)
def test_the_cache_never_grows_faster_than_at_its_start(config, context):
    architecture = parsed(config)
    if architecture is not None:
        assert 0 <= kv_bytes_per_token(architecture, context=context) <= kv_bytes_per_token(architecture)


@given(configs(), st.sampled_from(["vocab_size", "num_hidden_layers", "intermediate_size"]))
@settings(max_examples=150, deadline=None)
def test_larger_is_larger(config, name):
    if config["model_type"] == "hrm_text" or "attn_layer_period" in config:
        return  # an added layer there may be of the smaller kind, never of none
    smaller, larger = parsed(config), parsed({**config, name: config[name] + 1})
    if smaller is not None and larger is not None:
        assert count_parameters(larger).total >= count_parameters(smaller).total


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(
    """hidden_size num_hidden_layers num_attention_heads vocab_size layer_types block_configs moe_layer_freq head_dim
    text_config vision_config audio_config linear_attn_config compress_ratios rope_parameters quantization_config
    intermediate_size num_experts mlp_only_layers per_layer_config attention_other_setting model_type architectures
    attn_config ffn_multipliers hybrid_override_pattern sliding_window tie_word_embeddings o_lora_rank lru_width
    cross_attention_layers hc_mult altup_num_inputs moe_intermediate_size kv_lora_rank index_topk""".split()  # noqa: SIM905
)


@given(configs(), st.dictionaries(NAMES, JUNK, min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_junk_is_read_or_refused_and_nothing_else(config, junk):
    architecture = parsed({**config, **junk})
    if architecture is not None:
        assert 0 < count_parameters(architecture).total <= 10**15
        hash(architecture)


@given(configs(), st.data())
@settings(max_examples=100, deadline=None)
def test_a_damaged_dump_is_refused_with_the_place(config, data):
    architecture = parsed(config)
    if architecture is None:
        return
    record = json.loads(json.dumps(dump(architecture)))
    name = data.draw(st.sampled_from(sorted(set(record) - {"schema"})))
    record[name] = data.draw(JUNK.filter(lambda value: type(value) is not type(record[name])))
    if record[name] is None and name in ("native_format", "stored"):
        assert load(record) == replace(architecture, **{name: None})
        return
    with pytest.raises(ArchitectureError, match=name):
        load(record)


def test_a_dump_with_a_key_too_many_is_refused():
    config = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "vocab_size": 9}
    record = dump(parse_config(config, id="any"))
    record["layers"][0]["mixer"]["colour"] = 1
    with pytest.raises(ArchitectureError, match=r"layers\[0\]\.mixer\.colour"):
        load(record)
