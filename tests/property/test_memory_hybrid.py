"""Law: layers with windows or recurrent state never cache more than full attention of the same heads would."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from planner.architecture.model import Mixer, ModelArchitecture
from planner.architecture.resolve import resolve_model
from planner.catalog import load_catalog
from planner.memory.kv_cache import kv_cache_bytes


@cache
def hybrids() -> tuple[str, ...]:
    """Return every shipped model of which some layers have a window or a state, and some do not."""
    catalog = load_catalog()
    found = []
    for name in sorted(catalog.models):
        mixers = [group.mixer for group in resolve_model(name, catalog=catalog).layers]
        bounded = [mixer.window is not None or mixer.state_elements > 0 for mixer in mixers]
        if any(bounded) and not all(bounded):
            found.append(name)
    return tuple(found)


def test_hybrids_are_many() -> None:
    assert len(hybrids()) >= 25
    assert {"google/gemma-3-27b-it", "Qwen/Qwen3-Next-80B-A3B-Instruct", "openai/gpt-oss-20b"} <= set(hybrids())


def dense_twin(model: ModelArchitecture) -> ModelArchitecture:
    """Return the model with full attention in every layer: no window, and a cache where there was a state."""
    widest = max((group.mixer for group in model.layers), key=lambda mixer: mixer.kv_elements_per_token)

    def full(mixer: Mixer) -> Mixer:
        source = mixer if mixer.kv_elements_per_token else widest
        return replace(source, kind="full", window=None, state_elements=mixer.state_elements)

    return replace(model, layers=tuple(replace(group, mixer=full(group.mixer)) for group in model.layers))


@given(
    st.deferred(lambda: st.sampled_from(hybrids())), st.sampled_from((1, 2, 4)), st.integers(0, 300_000),
    st.integers(1, 100), st.sampled_from(("bf16", "fp8")),
)  # fmt: skip
def test_a_hybrid_never_exceeds_its_dense_twin(name: str, tp: int, context: int, sequences: int, kv: str) -> None:
    catalog = load_catalog()
    hybrid = resolve_model(name, catalog=catalog)
    form = catalog.kv_formats[kv]
    own = kv_cache_bytes(hybrid, form, tp, context=context, sequences=sequences)
    twin = kv_cache_bytes(dense_twin(hybrid), form, tp, context=context, sequences=sequences)
    assert own <= twin


@given(st.deferred(lambda: st.sampled_from(hybrids())), st.integers(20_000, 300_000))
def test_at_length_it_is_strictly_less(name: str, context: int) -> None:
    catalog = load_catalog()
    hybrid = resolve_model(name, catalog=catalog)
    form = catalog.kv_formats["bf16"]
    assert kv_cache_bytes(hybrid, form, context=context) < kv_cache_bytes(dense_twin(hybrid), form, context=context)
