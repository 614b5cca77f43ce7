"""Multi-token-prediction layers: in the checkpoint, loaded only for speculative decoding (arXiv:2412.19437, 2.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from planner.architecture.fields import Fields
from planner.architecture.model import LayerGroup, Tensor
from planner.architecture.tensors import linear, vector


def mtp_tensors(fields: Fields, layers: tuple[LayerGroup, ...], vocab: int) -> Iterator[Tensor]:
    """Yield the tensors of all MTP layers, component ``mtp``.

    Each is one more layer of the model's last attending kind, fed with the normed hidden state and embedding through
    one matrix. DeepSeek and GLM checkpoints (``num_nextn_predict_layers``) repeat embedding and head beside it, those
    of Qwen (``mtp_num_hidden_layers``) and Nemotron-H do not.
    """
    count = fields.integer("num_nextn_predict_layers", 0, minimum=0)
    if not count:
        return
    hidden = fields.integer("hidden_size")
    for tensor in _template(layers):
        yield replace(tensor, name=f"mtp.{tensor.name}", component="mtp", count=tensor.count * count)
    yield from linear("mtp.eh_proj", "mtp", hidden, 2 * hidden, "replicated", count=count)
    yield vector("mtp.norms", "mtp", 3 * hidden, count=count)
    single_blocks = "hybrid_override_pattern" in fields or "layers_block_type" in fields
    if fields.name_of("num_nextn_predict_layers") == "num_nextn_predict_layers" and not single_blocks:
        yield Tensor("mtp.embed_tokens", "mtp", vocab, hidden, "vocab", count, linear=False)
        yield Tensor("mtp.shared_head", "mtp", vocab, hidden, "vocab", count)


def _template(layers: tuple[LayerGroup, ...]) -> Iterator[Tensor]:
    """Yield the tensors of the last layer that attends, and of the last with experts where blocks are single."""
    attending = [group for group in layers if group.mixer.kind not in ("none", "mamba", "linear", "convolution")]
    last = max(attending or layers, key=lambda group: group.indices[-1])
    yield from last.tensors
    if not any(tensor.component in ("mlp", "experts_routed") for tensor in last.tensors):
        routed = [group for group in layers if group.is_moe]
        if routed:
            yield from max(routed, key=lambda group: group.indices[-1]).tensors
