"""Configs of several parts: the language model inside, its towers beside it, and what the whole says for both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_TEXT_KEYS = ("text_config", "llm_config", "language_config", "language_model_config", "thinker_config")
_VISION_KEYS = ("vision_config", "vit_config", "visual", "vision_tower_config")
_AUDIO_KEYS = ("audio_config", "speech_config", "audio_encoder_config", "encoder_config")


@dataclass(frozen=True, slots=True)
class ConfigParts:
    """A config taken apart. ``prefix`` names where the text fields were, for messages."""

    whole: Mapping[str, Any]
    text: Mapping[str, Any]
    further: tuple[str, ...] = ()
    """Sections that describe further parts with sizes of their own (a talker, a codec)."""
    vision: Mapping[str, Any] | None = None
    audio: Mapping[str, Any] | None = None
    prefix: str = ""
    composite: bool = False
    """The language model is one part among others."""
    states_vision: bool = False
    """Some level has a vision section, be it null."""
    tied: bool | None = None
    """``tie_word_embeddings`` of the outermost level that states it."""
    types: tuple[str, ...] = field(default=())
    """model_type of the text part, then of the levels around it, then architectures."""


def split_config(config: Mapping[str, Any]) -> ConfigParts:
    """Find the language model's fields and the towers' at any level of nesting."""
    levels: list[Mapping[str, Any]] = [config]
    prefix = ""
    while len(levels) < 4:
        key = next((key for key in _TEXT_KEYS if isinstance(levels[-1].get(key), Mapping)), None)
        if key is None:
            break
        prefix += f"{key}."
        levels.append(levels[-1][key])
    text = _flattened(levels[-1])
    tied = next((level["tie_word_embeddings"] for level in levels if _states_tie(level)), None)
    names = [str(level["model_type"]) for level in reversed(levels) if level.get("model_type")]
    names += [str(name) for level in reversed(levels) for name in _listed(level.get("architectures"))]
    return ConfigParts(
        whole=levels[-2] if len(levels) > 1 else config,
        text=text,
        further=_further(levels),
        vision=_first(levels, _VISION_KEYS),
        audio=_first(levels, _AUDIO_KEYS),
        prefix=prefix,
        composite=len(levels) > 1 or any(name.endswith("ForConditionalGeneration") for name in names),
        states_vision=any(key in level for level in levels for key in _VISION_KEYS),
        tied=tied,
        types=tuple(names),
    )


_SIZES = ("hidden_size", "d_model", "num_hidden_layers", "depth", "hidden_dim", "channels")


def _further(levels: list[Mapping[str, Any]]) -> tuple[str, ...]:
    read = {*_TEXT_KEYS, *_VISION_KEYS, *_AUDIO_KEYS}
    return tuple(
        name
        for level in levels
        for name, value in level.items()
        if name.endswith("_config") and name not in read and isinstance(value, Mapping) and _has_sizes(value)
    )


def _has_sizes(section: Mapping[str, Any]) -> bool:
    inner = [value for value in section.values() if isinstance(value, Mapping)]
    return any(name in part for part in (section, *inner) for name in _SIZES)


_SECTIONS = ("attn_config", "ffn_config")
"""Sections of MPT and DBRX whose fields belong to the model itself."""


def _flattened(config: Mapping[str, Any]) -> Mapping[str, Any]:
    sections = [config[name] for name in _SECTIONS if isinstance(config.get(name), Mapping)]
    if not sections:
        return config
    inner = {key: value for section in sections for key, value in section.items() if key != "model_type"}
    return {**inner, **config}


def _states_tie(level: Mapping[str, Any]) -> bool:
    return isinstance(level.get("tie_word_embeddings"), bool)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _first(levels: list[Mapping[str, Any]], keys: tuple[str, ...]) -> Mapping[str, Any] | None:
    for level in levels:
        for key in keys:
            if isinstance(level.get(key), Mapping):
                found: Mapping[str, Any] = level[key]
                return found
    return None
