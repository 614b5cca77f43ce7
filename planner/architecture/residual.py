"""What stands around the blocks of a layer: norms, hyper-connections, per-layer inputs, AltUp and LAuReL."""

from __future__ import annotations

from collections.abc import Iterator

from planner.architecture.facts import Facts
from planner.architecture.fields import Fields
from planner.architecture.model import Tensor
from planner.architecture.tensors import linear, norm, vector

_POST_NORMS = ("use_post_norm", "use_sandwich_norm", "sandwich_norm", "use_post_norms")
_PARALLEL = ("parallel_attn", "use_parallel_residual")


def norm_count(fields: Fields, facts: Facts) -> int:
    """Return how many norms of hidden width a layer with mixer and feed-forward block has.

    Blocks in parallel share one norm (Falcon with the new decoder has two again); post-norms add two.
    """
    count = facts.layer_norms
    if fields.flag("new_decoder_architecture"):
        count = fields.integer("num_ln_in_parallel_attn", 2)
    elif facts.parallel_shares_norm and any(fields.flag(name) for name in _PARALLEL):
        count = 1
    if any(fields.flag(name) for name in _POST_NORMS):
        count += 2
    return count


def layer_norms(fields: Fields, facts: Facts, blocks: int) -> Iterator[Tensor]:
    """Yield the norms of a layer that has ``blocks`` of the two blocks (mixer, feed-forward)."""
    count = norm_count(fields, facts)
    if blocks < 2 and count > 1:
        count = -(-count * blocks // 2)
    if count:
        yield from norm("norm", fields.integer("hidden_size"), facts.norm, count=count)


def layer_extras(fields: Fields) -> Iterator[Tensor]:
    """Yield what a layer adds to the residual stream beyond its two blocks, as the config's fields say."""
    hidden = fields.integer("hidden_size")
    streams = fields.integer("hc_mult", 0, minimum=0)
    if streams:
        mixes, scales = (streams * (streams + 2), 3) if "hc_sinkhorn_iters" in fields else (2 * streams, 2)
        yield Tensor("hyper_connection", "other", mixes, streams * hidden, "replicated", count=2, linear=False)
        yield vector("hyper_connection.base_scale", "other", mixes + scales, count=2)
    inputs = fields.integer("hidden_size_per_layer_input", 0, minimum=0)
    if inputs:
        yield from linear("per_layer_input_gate", "other", inputs, hidden, "replicated")
        yield from linear("per_layer_projection", "other", hidden, inputs, "replicated")
        yield vector("post_per_layer_input_norm", "norm", hidden)
    rank = fields.integer("laurel_rank", 0, minimum=0)
    if rank:
        yield from linear("laurel.left", "other", rank, hidden, "replicated")
        yield from linear("laurel.right", "other", hidden, rank, "replicated")
        yield vector("laurel.norm", "norm", hidden)
    copies = fields.integer("altup_num_inputs", 0, minimum=0)
    if copies:
        yield vector("altup.router_norm", "norm", hidden)
        yield vector("altup.correct_output_scale", "other", hidden)
        yield vector("altup.coefficients", "other", copies * copies + copies**3 + copies * hidden)


def outer_extras(fields: Fields, layers: int) -> Iterator[Tensor]:
    """Yield the counterparts outside the layers: per-layer embeddings, AltUp projections, the stream's head."""
    hidden = fields.integer("hidden_size")
    streams = fields.integer("hc_mult", 0, minimum=0)
    if streams:
        yield vector("hyper_connection_head", "other", streams * streams * hidden + streams + 1)
    inputs = fields.integer("hidden_size_per_layer_input", 0, minimum=0)
    if inputs:
        vocab = fields.integer("vocab_size_per_layer_input", fields.integer("vocab_size"))
        yield Tensor("embed_tokens_per_layer", "embedding", vocab, layers * inputs, "vocab", linear=False)
        yield from linear("per_layer_model_projection", "other", layers * inputs, hidden, "replicated")
        yield vector("per_layer_projection_norm", "norm", inputs)
    copies = fields.integer("altup_num_inputs", 0, minimum=0)
    if copies:
        for name in ("altup_projections", "altup_unembed_projections"):
            yield from linear(name, "other", hidden, hidden, "replicated", count=copies - 1)
