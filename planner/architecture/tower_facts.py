"""Facts of vision and audio towers by model_type. Source: the modelling code of transformers 5."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from planner.architecture.facts import NormKind

Positions = Literal["none", "grid", "stated"]
"""Learned position tables: one row per patch of ``image_size``, or as many as a field states."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TowerFacts:
    """The conventions of one encoder: a stack of attention and MLP layers behind a patch embedding."""

    norm: NormKind = "layer"
    norms: int = 2
    gated: bool = False
    qkv_bias: bool = True
    key_bias: bool = True
    o_bias: bool = True
    mlp_bias: bool = True
    patch_bias: bool = True
    temporal: bool = True
    """The patch embedding spans ``temporal_patch_size`` frames."""
    positions: Positions = "none"
    class_token: bool = False
    pre_norm: NormKind = "none"
    post_norm: NormKind = "none"
    layer_scale: bool = False
    qk_norm: bool = False
    pooling_head: bool = False
    """A head that pools with attention unless ``vision_use_head`` is false (SigLIP)."""
    gated_tiles: bool = False
    """Built by ``tiled_vision`` (Llama 3.2)."""
    mlp_width: str = "intermediate_size"
    """Field of the inner width; ``mlp_ratio`` computes it."""
    projector: str = ""
    """Name in ``projectors``; empty: the composite model decides."""


SIGLIP = TowerFacts(positions="grid", post_norm="layer", pooling_head=True)
IDEFICS = TowerFacts(positions="grid", post_norm="layer")
GLM4V = TowerFacts(
    norm="rms", gated=True, qkv_bias=False, o_bias=False, mlp_bias=False, positions="grid", post_norm="rms",
    mlp_width="out_hidden_size", projector="glm_merger",
)  # fmt: skip
QWEN2_5 = TowerFacts(norm="rms", gated=True, patch_bias=False, projector="qwen_merger_rms")

TOWERS: dict[str, TowerFacts] = {
    "clip_vision": TowerFacts(
        patch_bias=False, positions="grid", class_token=True, pre_norm="layer", post_norm="layer"
    ),
    "siglip_vision": SIGLIP,
    "siglip2_vision": TowerFacts(positions="stated", post_norm="layer", pooling_head=True),
    "idefics3_vision": IDEFICS,
    "smolvlm_vision": IDEFICS,
    "qwen2_vl_vision": TowerFacts(patch_bias=False, projector="qwen_merger"),
    "qwen2_5_vl_vision": QWEN2_5,
    "qwen3_vl_vision": TowerFacts(positions="stated", projector="qwen3_merger"),
    "exaone4_5_vision": QWEN2_5,
    "llama4_vision": TowerFacts(
        patch_bias=False, positions="grid", class_token=True, pre_norm="layer", post_norm="layer", projector="llama4"
    ),
    "pixtral": TowerFacts(
        norm="rms", gated=True, qkv_bias=False, o_bias=False, mlp_bias=False, patch_bias=False, pre_norm="rms"
    ),
    "internvl_vision": TowerFacts(
        qkv_bias=False, positions="grid", class_token=True, layer_scale=True, projector="pixel_shuffle"
    ),
    "kimi_k25_vision": TowerFacts(positions="stated", post_norm="layer", projector="kimi"),
    "glm4v_vision": GLM4V,
    "glm_ocr_vision": TowerFacts(
        norm="rms", gated=True, post_norm="rms", qk_norm=True, projector="glm_ocr_merger"
    ),
    "gemma4_vision": TowerFacts(
        norm="rms", norms=4, gated=True, qkv_bias=False, o_bias=False, mlp_bias=False, patch_bias=False,
        positions="stated", qk_norm=True, projector="gemma4",
    ),
    "step3p5_vision": TowerFacts(
        patch_bias=False, positions="stated", pre_norm="layer", layer_scale=True, mlp_width="mlp_ratio",
        projector="step",
    ),
    "minimax_m3_vl_vision": TowerFacts(patch_bias=False, pre_norm="layer", projector="minimax"),
    "ernie4_5_vl_moe_vision": TowerFacts(
        patch_bias=False, temporal=False, post_norm="layer", projector="ernie"
    ),
    "mllama_vision": TowerFacts(gated_tiles=True),
    "paddleocr_vl_vision": TowerFacts(positions="grid", post_norm="layer", projector="merge_two"),
}  # fmt: skip

_SAME = {
    "clip": "clip_vision", "siglip": "siglip_vision", "llava": "clip_vision", "llava_next": "clip_vision",
    "qwen2_vl": "qwen2_vl_vision", "qwen2_5_vl": "qwen2_5_vl_vision", "qwen2_5_omni": "qwen2_5_vl_vision",
    "qwen2_5_omni_vision_encoder": "qwen2_5_vl_vision", "qwen3_vl": "qwen3_vl_vision",
    "qwen3_vl_moe": "qwen3_vl_vision", "qwen3_vl_moe_vision": "qwen3_vl_vision", "qwen3_5": "qwen3_vl_vision",
    "qwen3_5_vision": "qwen3_vl_vision", "qwen3_5_moe": "qwen3_vl_vision", "qwen3_5_moe_vision": "qwen3_vl_vision",
    "qwen3_omni_moe_vision_encoder": "qwen3_vl_vision", "llama4": "llama4_vision", "mistral3": "pixtral",
    "internvl": "internvl_vision", "internvl_chat": "internvl_vision", "intern_vit_6b": "internvl_vision",
    "kimi_k25": "kimi_k25_vision", "kimi_vl": "kimi_k25_vision", "moonvit": "kimi_k25_vision",
    "glm4v": "glm4v_vision", "glm4v_moe": "glm4v_vision", "glm4v_moe_vision": "glm4v_vision",
    "gemma3": "siglip_vision", "gemma4": "gemma4_vision", "step3p7": "step3p5_vision",
    "minimax_m3_vl": "minimax_m3_vl_vision", "ernie4_5_vl_moe": "ernie4_5_vl_moe_vision",
    "paddleocr_vl": "paddleocr_vl_vision", "idefics3": "idefics3_vision", "smolvlm": "smolvlm_vision",
    "glm_ocr": "glm_ocr_vision",
    "mllama": "mllama_vision", "exaone4_5": "exaone4_5_vision",
}  # fmt: skip
TOWERS |= {name: TOWERS[other] for name, other in _SAME.items()}

PROJECTORS: dict[str, str] = {
    "gemma3": "gemma3", "paligemma": "linear", "llava": "mlp", "llava_next": "llava_next", "vipllava": "mlp",
    "llava_onevision": "llava_next", "llava_next_video": "llava_next", "mistral3": "pixtral", "pixtral": "mlp",
    "idefics3": "idefics3", "smolvlm": "idefics3", "lfm2_vl": "lfm2", "cohere2_vision": "cohere2",
    "aya_vision": "aya", "deepseek_vl": "mlp", "internvl_chat": "pixel_shuffle",
}  # fmt: skip
"""Projector by the composite model's type, for towers that several composites share."""


def infer_tower(vision: Mapping[str, Any]) -> TowerFacts:
    """Return conventions that fit the fields of a tower of no known type."""
    if "fullatt_block_indexes" in vision:
        return QWEN2_5
    if "deepstack_visual_indexes" in vision or "num_position_embeddings" in vision:
        return TOWERS["qwen3_vl_vision"]
    if "embed_dim" in vision and "mlp_ratio" in vision:
        return TOWERS["qwen2_vl_vision"]
    if "pos_emb_height" in vision or "init_pos_emb_height" in vision:
        return TOWERS["kimi_k25_vision"]
    return IDEFICS if "image_size" in vision else TowerFacts(projector="mlp")
