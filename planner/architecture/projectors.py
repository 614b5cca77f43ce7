"""What carries the output of a tower into the width of the language model. One function per published design."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from planner.architecture.fields import Fields
from planner.architecture.model import Component, Tensor
from planner.architecture.nested import ConfigParts
from planner.architecture.tensors import linear, norm, vector

_PART: Component = "projector"


@dataclass(frozen=True, slots=True)
class Joint:
    """What a projector connects: the tower's fields and width, the whole config, the text width."""

    fields: Fields
    parts: ConfigParts
    width: int
    text: int

    def whole(self) -> Fields:
        """Return the fields of the composite config."""
        return Fields(self.parts.whole, source=self.fields.source)

    def merged(self) -> int:
        """Return the width after merging ``spatial_merge_size`` squared patches."""
        return self.width * self.fields.integer("spatial_merge_size", 2) ** 2

    def output(self) -> int:
        """Return the width of the merger's output, the text's unless stated."""
        return self.fields.integer("out_hidden_size", self.text)


def projector(kind: str, joint: Joint) -> Iterator[Tensor]:
    """Yield the tensors of a projector; unknown kinds are two-layer MLPs."""
    yield from _KINDS.get(kind, _mlp)(joint)


def _pair(name: str, inner: int, source: int, target: int, bias: bool = True) -> Iterator[Tensor]:
    yield from linear(f"{name}.linear_1", _PART, inner, source, "replicated", bias=bias)
    yield from linear(f"{name}.linear_2", _PART, target, inner, "replicated", bias=bias)


def _mlp(joint: Joint) -> Iterator[Tensor]:
    """LLaVA-1.5 (arXiv:2310.03744); several feature layers are concatenated."""
    whole = joint.whole()
    layers = whole.raw("vision_feature_layer")
    source = joint.width * (len(layers) if isinstance(layers, list | tuple) else 1)
    yield from _pair("projector", joint.text, source, joint.text, whole.flag("multimodal_projector_bias", True))


def _llava_next(joint: Joint) -> Iterator[Tensor]:
    yield from _mlp(joint)
    yield vector("image_newline", _PART, joint.text)


def _linear(joint: Joint) -> Iterator[Tensor]:
    yield from linear("projector", _PART, joint.text, joint.width, "replicated", bias=True)


def _gemma3(joint: Joint) -> Iterator[Tensor]:
    yield from linear("projector", _PART, joint.text, joint.width, "replicated")
    yield vector("soft_embedding_norm", _PART, joint.width)


def _gemma4(joint: Joint) -> Iterator[Tensor]:
    yield from linear("projector", _PART, joint.text, joint.width, "replicated")


def _pixtral(joint: Joint) -> Iterator[Tensor]:
    whole = joint.whole()
    merge = whole.integer("spatial_merge_size", 2) ** 2
    yield vector("norm", _PART, joint.width)
    yield from linear("patch_merger", _PART, joint.width, joint.width * merge, "replicated")
    yield from _pair("projector", joint.text, joint.width, joint.text, whole.flag("multimodal_projector_bias"))


def _idefics3(joint: Joint) -> Iterator[Tensor]:
    source = joint.width * joint.whole().integer("scale_factor", 2) ** 2
    yield from linear("projector", _PART, joint.text, source, "replicated")


def _pixel_shuffle(joint: Joint) -> Iterator[Tensor]:
    """InternVL: four patches side by side, LayerNorm, two-layer MLP."""
    side = max(round(1 / max(joint.whole().number("downsample_ratio", 0.5), 0.01)), 1)
    source = joint.width * side * side
    yield from norm("norm", source, "layer", _PART)
    yield from _pair("projector", joint.text, source, joint.text)


def _lfm2(joint: Joint) -> Iterator[Tensor]:
    whole = joint.whole()
    source = joint.width * whole.integer("downsample_factor", 2) ** 2
    if whole.flag("projector_use_layernorm", True):
        yield from norm("norm", source, "layer", _PART)
    inner = whole.integer("projector_hidden_size", joint.text)
    yield from _pair("projector", inner, source, joint.text, whole.flag("projector_bias", True))


def _cohere2(joint: Joint) -> Iterator[Tensor]:
    """Gated: the first layer's output is halved by its own gate."""
    whole = joint.whole()
    inner = whole.integer("alignment_intermediate_size", 36864)
    source = joint.width * whole.integer("downsample_factor", 2) ** 2
    yield from linear("linear_1", _PART, inner, source, "replicated", bias=True)
    yield from linear("linear_2", _PART, joint.text, inner // 2, "replicated", bias=True)


def _aya(joint: Joint) -> Iterator[Tensor]:
    whole = joint.whole()
    source = joint.width * whole.integer("downsample_factor", 2) ** 2
    inner = whole.integer("alignment_intermediate_size", joint.text)
    yield from norm("norm", source, "layer", _PART)
    yield from linear("linear_1", _PART, inner, source, "replicated", bias=True)
    yield from linear("linear_2", _PART, joint.text, inner // 2, "replicated", bias=True)


def _qwen_merger(joint: Joint, kind: str = "layer") -> Iterator[Tensor]:
    """Qwen2-VL (arXiv:2409.12191): norm, then an MLP over two by two patches."""
    merged = joint.merged()
    yield from norm("merger.norm", joint.width, "rms" if kind == "rms" else "layer", _PART)
    # Qwen2-VL states its output width as hidden_size beside embed_dim
    target = joint.output() if kind == "rms" else joint.fields.integer("hidden_size", joint.text)
    yield from _pair("merger", merged, merged, target)


def _qwen3_merger(joint: Joint) -> Iterator[Tensor]:
    """Qwen3-VL: the merger again for every tapped layer, there with the norm behind the merge."""
    merged, target = joint.merged(), joint.output()
    yield from norm("merger.norm", joint.width, "layer", _PART)
    yield from _pair("merger", merged, merged, target)
    taps = len(joint.fields.items("deepstack_visual_indexes"))
    for index in range(taps):
        yield from norm(f"deepstack.{index}.norm", merged, "layer", _PART)
        yield from _pair(f"deepstack.{index}", merged, merged, target)


def _llama4(joint: Joint) -> Iterator[Tensor]:
    fields = joint.fields
    inner, target = fields.integer("projector_input_dim", 4096), fields.integer("projector_output_dim", 4096)
    yield from linear("adapter.fc1", _PART, inner, fields.integer("intermediate_size", 5632), "replicated")
    yield from linear("adapter.fc2", _PART, target, inner, "replicated")
    yield from linear("projector", _PART, joint.text, fields.integer("vision_output_dim", target), "replicated")


def _kimi(joint: Joint) -> Iterator[Tensor]:
    merged = joint.width * joint.fields.integer("merge_kernel_size", 2) ** 2
    yield from norm("pre_norm", joint.width, "layer", _PART)
    yield from _pair("projector", merged, merged, joint.text)


def _glm(joint: Joint, inner: int) -> Iterator[Tensor]:
    target = joint.output()
    merge = joint.fields.integer("spatial_merge_size", 2) ** 2
    yield from linear("downsample", _PART, target, joint.width * merge, "replicated", bias=True)
    yield from linear("merger.proj", _PART, target, target, "replicated")
    yield from norm("merger.norm", target, "layer", _PART)
    yield from linear("merger.gate_proj", _PART, inner, target, "replicated")
    yield from linear("merger.up_proj", _PART, inner, target, "replicated")
    yield from linear("merger.down_proj", _PART, target, inner, "replicated")


def _glm_merger(joint: Joint) -> Iterator[Tensor]:
    yield from _glm(joint, joint.fields.integer("intermediate_size"))
    yield vector("post_conv_norm", _PART, joint.width)


def _glm_ocr_merger(joint: Joint) -> Iterator[Tensor]:
    yield from _glm(joint, joint.output() * joint.fields.integer("in_channels", 3))


def _step(joint: Joint) -> Iterator[Tensor]:
    """Two strided convolutions, each doubling the width, then a projection."""
    width = joint.width
    yield from linear("downsampler1", _PART, 2 * width, 9 * width, "replicated", bias=True)
    yield from linear("downsampler2", _PART, 4 * width, 18 * width, "replicated", bias=True)
    bias = joint.whole().flag("projector_bias")
    yield from linear("projector", _PART, joint.text, 4 * width, "replicated", bias=bias)


def _minimax(joint: Joint) -> Iterator[Tensor]:
    whole = joint.whole()
    inner = whole.integer("projector_hidden_size", joint.text)
    yield from _pair("projector", inner, joint.width, inner)
    yield from _pair("merge", inner, whole.integer("merged_hidden_size", 4 * inner), joint.text)


def _ernie(joint: Joint) -> Iterator[Tensor]:
    merged = joint.merged()
    frames = joint.fields.integer("temporal_merge_size", 2)
    for name, source in (("spatial", merged), ("temporal", merged * frames)):
        yield from _pair(name, merged, source, merged)
        yield from norm(f"{name}.norm", merged, "layer", _PART)
    yield from linear("projector", _PART, joint.text, merged, "replicated", bias=True)
    yield vector("after_norm", _PART, joint.text)


def _merge_two(joint: Joint) -> Iterator[Tensor]:
    merged = joint.merged()
    yield from norm("pre_norm", joint.width, "layer", _PART)
    yield from _pair("projector", merged, merged, joint.text)


def _audio(joint: Joint) -> Iterator[Tensor]:
    """Qwen2-Audio projects once; Voxtral stacks four frames into a two-layer MLP."""
    if "voxtral" in " ".join(joint.parts.types):
        yield from _pair("audio_projector", joint.text, 4 * joint.width, joint.text, bias=False)
        return
    target = joint.fields.integer("output_dim", joint.text)
    yield from linear("audio_projector", _PART, target, joint.width, "replicated", bias=True)
    if "n_window" in joint.fields:
        yield Tensor("audio_bos_eos", _PART, 2, target, "replicated", linear=False)


_KINDS: dict[str, Callable[[Joint], Iterator[Tensor]]] = {
    "mlp": _mlp,
    "llava_next": _llava_next,
    "linear": _linear,
    "gemma3": _gemma3,
    "gemma4": _gemma4,
    "pixtral": _pixtral,
    "idefics3": _idefics3,
    "pixel_shuffle": _pixel_shuffle,
    "lfm2": _lfm2,
    "cohere2": _cohere2,
    "aya": _aya,
    "qwen_merger": _qwen_merger,
    "qwen_merger_rms": lambda joint: _qwen_merger(joint, "rms"),
    "qwen3_merger": _qwen3_merger,
    "llama4": _llama4,
    "kimi": _kimi,
    "glm_merger": _glm_merger,
    "glm_ocr_merger": _glm_ocr_merger,
    "step": _step,
    "minimax": _minimax,
    "ernie": _ernie,
    "merge_two": _merge_two,
    "audio": _audio,
}
