"""Arithmetic of training: FLOPs per token of the model, and what recomputation adds.

Model FLOPs are what MFU counts (Chowdhery et al., PaLM, arXiv 2204.02311, appendix B): 6 per parameter and token, of
parameters that multiply (the input embedding does not), and 12 per layer, attention feature and position. With
adapters frozen weights have no gradient of their own: 4 per frozen parameter instead of 6.
"""

from __future__ import annotations

from dataclasses import dataclass

from planner.architecture import count_parameters
from planner.architecture.model import ModelArchitecture


@dataclass(frozen=True, slots=True)
class ModelShape:
    """What the time of a step follows from. ``parameters``: active ones that multiply a token."""

    parameters: float
    total: float
    """All parameters, experts that a token does not use included."""
    layers: int
    hidden: int
    attention: float
    """heads x head size, averaged over layers; linear layers count none."""
    window_share: float = 1.0
    """Of the positions that attention really reaches, averaged over layers at the sequence length asked about."""
    experts_per_token: int = 0
    nodes_per_token: int = 0
    """Nodes among which routing chooses a token's experts; 0: any."""
    heads: float = 0.0
    """Query heads, averaged over layers; linear layers count none."""
    kv: float = 0.0
    """Features of keys and values of all heads, averaged over layers: what context parallelism passes around."""
    kv_heads: int = 0
    """Fewest key and value heads of a layer: tensor parallelism divides ``kv`` no further."""

    @classmethod
    def of(cls, architecture: ModelArchitecture, sequence_length: int) -> ModelShape:
        """Return the shape of a model at a sequence length."""
        count = count_parameters(architecture)
        layers = architecture.num_layers
        width = reached = heads = kv = 0.0
        kv_heads = []
        for group in architecture.layers:
            mixer = group.mixer
            if mixer.kind in ("full", "sliding", "chunked", "mla"):
                features = mixer.heads * (mixer.head_dim + (mixer.value_head_dim or mixer.head_dim)) / 2
                width += features * group.count
                reached += features * group.count * min(1.0, (mixer.window or sequence_length) / sequence_length)
                # Latent attention hands over the expanded heads: the latent has no position of its own.
                passed = mixer.heads if mixer.kind == "mla" else mixer.kv_heads
                heads += mixer.heads * group.count
                kv += passed * (mixer.head_dim + (mixer.value_head_dim or mixer.head_dim)) * group.count
                kv_heads.append(passed)
        return cls(
            parameters=float(count.active_without_embedding),
            total=float(count.total),
            layers=layers,
            hidden=architecture.hidden_size,
            attention=width / layers,
            window_share=reached / width if width else 0.0,
            experts_per_token=architecture.experts_per_token if architecture.experts else 0,
            heads=heads / layers,
            kv=kv / layers,
            kv_heads=min(kv_heads, default=0),
        )


def attention_flops_per_token(shape: ModelShape, sequence_length: int) -> float:
    """Return the part of the FLOPs that is attention's scores and their use: 12 per layer, feature and position."""
    return 12.0 * shape.layers * shape.attention * shape.window_share * sequence_length


def flops_per_token(shape: ModelShape, sequence_length: int, *, trains_all: bool = True) -> float:
    """Return model FLOPs per token, forward and backward.

    >>> round(flops_per_token(ModelShape(7.505e9, 8.03e9, 32, 4096, 4096), 8192) / 1e9, 1)  # Llama 3 8B
    57.9
    """
    dense = (6.0 if trains_all else 4.0) * shape.parameters
    return dense + attention_flops_per_token(shape, sequence_length)


def recompute_share(checkpointing: str, *, trains_all: bool = True) -> float:
    """Return what recomputation adds, as a share of model FLOPs: one forward pass is a third of them, or half.

    Selective recomputation of the attention core costs next to nothing (2.7 % of the FLOPs of GPT-3 175B, 1.6 % of
    MT-NLG 530B: Korthikanti et al., section 5); every second matrix product is half a forward pass.
    """
    forward = 1 / 3 if trains_all else 1 / 2
    return {"none": 0.0, "selective": 0.02, "alternate": forward / 2, "full": forward, "offloaded": forward}[
        checkpointing
    ]
