"""Write what transformers says about its own default models: the figures that the architecture tests compare with.

Not a test and not run in CI. It needs an environment of its own with torch and transformers (5.23 wrote the files):

    python -m venv .oracle && .oracle/bin/pip install transformers==5.23.0 torch pillow
    PYTHONPATH=. .oracle/bin/python tests/reference/transformers_oracle.py

It instantiates the default config of every model type on torch's meta device, where tensors have shapes and no memory,
counts the elements of its parameters (a tied head once), and writes

- ``tests/reference/transformers_counts.json``: [model type, total, config] of every type that can be built;
- ``planner/architecture/class_defaults.json``: the declared defaults of the fields that the parser reads.
"""

from __future__ import annotations

import dataclasses
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from planner.architecture import fields as planner_fields
from planner.architecture import parse_config
from planner.architecture.families import FAMILIES
from planner.architecture.identify import plain_name
from planner.architecture.tower_facts import TOWERS
from planner.errors import PlannerError

ROOT = Path(__file__).resolve().parents[2]
COUNTS = ROOT / "tests" / "reference" / "transformers_counts.json"
DEFAULTS = ROOT / "planner" / "architecture" / "class_defaults.json"

NOT_DECODERS = frozenset(
    """bart beam bert bert-generation big_bird bigbird_pegasus blenderbot blenderbot-small blip blip-2 camembert cpmant
    ctrl data2vec-text diffllama electra ernie evolla florence2 git idefics idefics2 instructblip instructblipvideo
    janus kosmos-2 kosmos-2.5 kyutai_speech_to_text marian mbart megatron-bert moshi musicgen musicgen_melody mvp
    pegasus pi0 pix2struct plbart pp_chart2table pp_formulanet prophetnet rembert roberta roberta-prelayernorm roc_bert
    roformer t5gemma2 trocr udop video_llava vision-encoder-decoder whisper xlm xlm-roberta xlm-roberta-xl xlnet
    xmod""".split()  # noqa: SIM905 - a list of literals would take 40 lines
)
"""Encoders, encoder-decoders and models that engines do not serve."""

NOISE = frozenset(
    """architectures chunk_size_feed_forward id2label label2id is_encoder_decoder output_attentions return_dict dtype
    output_hidden_states problem_type initializer_range transformers_version _name_or_path attention_dropout use_cache
    hidden_dropout rope_parameters rms_norm_eps layer_norm_eps image_grid_pinpoints router_aux_loss_coef""".split()  # noqa: SIM905 - likewise
)


MEANT_NULL = frozenset(("vision_config", "audio_config", "q_lora_rank", "sliding_window", "attn_layer_indices"))
"""Fields whose null says something."""


def model_types() -> list[str]:
    """Every type that generates text, by itself or beside a tower."""
    from transformers.models.auto import modeling_auto as auto

    mappings = (
        auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES,
        auto.MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES,
    )
    return sorted({name for mapping in mappings for name in mapping} - NOT_DECODERS)


def build(config: Any) -> Any:
    """The model of a config, without memory for its weights."""
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, AutoModelForMultimodalLM
    from transformers.models.auto import modeling_auto as auto

    with torch.device("meta"):
        if config.model_type in auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES:
            return AutoModelForImageTextToText.from_config(config)
        if config.model_type in auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
            return AutoModelForCausalLM.from_config(config)
        return AutoModelForMultimodalLM.from_config(config)


def reduced(config: dict[str, Any]) -> dict[str, Any]:
    """The config without noise, token ids and nulls that mean nothing."""
    kept: dict[str, Any] = {}
    for name, value in config.items():
        if name in NOISE or name.endswith("_token_id") or (value is None and name not in MEANT_NULL):
            continue
        if isinstance(value, dict) and "__float__" in value:
            continue
        kept[name] = reduced(value) if isinstance(value, dict) else value
    return kept


def counts() -> Iterator[tuple[str, int, dict[str, Any]]]:
    """(type, parameters, config) of every type whose default can be built."""
    from transformers import CONFIG_MAPPING

    for name in model_types():
        try:
            config = CONFIG_MAPPING[name]()
            total = sum(parameter.numel() for parameter in build(config).parameters())
        except Exception as error:  # a default that its own code cannot build says nothing
            print(f"{name}: {type(error).__name__}")
            continue
        plain = reduced(json.loads(config.to_json_string(use_diff=False)))
        yield name, total, plain


def fields_read(configs: list[dict[str, Any]]) -> set[str]:
    """The names of all fields that the parser asks for."""
    read: set[str] = set()
    raw, contains = planner_fields.Fields.raw, planner_fields.Fields.__contains__

    def recording(self: Any, name: str, default: Any = None) -> Any:
        read.add(name)
        return raw(self, name, default)

    def asking(self: Any, name: str) -> bool:
        read.add(name)
        return contains(self, name)

    planner_fields.Fields.raw = recording  # type: ignore[method-assign]
    planner_fields.Fields.__contains__ = asking  # type: ignore[method-assign]
    for config in configs:
        try:
            parse_config(config, id="recorded")
        except PlannerError:
            continue
    return read | {alias for name in read for alias in planner_fields.ALIASES.get(name, ())}


def class_defaults(read: set[str]) -> dict[str, dict[str, Any]]:
    """Declared defaults by model type, and by ``<type>.vision_config`` for composites that build a default tower."""
    from transformers import CONFIG_MAPPING

    families = {plain_name(name) for name in FAMILIES}
    found: dict[str, dict[str, Any]] = {}
    for name in CONFIG_MAPPING:
        config = CONFIG_MAPPING[name]
        parts = {key: value for key, value in config.sub_configs.items() if isinstance(value, type)}
        for part in (config, *parts.values()):
            kind = getattr(part, "model_type", "")
            stem = kind.replace("_model", "").replace("_encoder", "")
            if kind and (plain_name(kind) in families or stem in TOWERS):
                values = {
                    item.name: item.default
                    for item in dataclasses.fields(part)
                    if item.name in read and isinstance(item.default, int | float | str)
                }
                if values:
                    found[kind] = dict(sorted(values.items()))
        vision = getattr(parts.get("vision_config"), "model_type", "")
        if plain_name(config.model_type) in families and vision in found:
            found[f"{config.model_type}.vision_config"] = {"model_type": vision, **found[vision]}
    return dict(sorted(found.items()))


def main() -> None:
    warnings.filterwarnings("ignore")
    rows = list(counts())
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    COUNTS.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    table = class_defaults(fields_read([config for _, _, config in rows]))
    DEFAULTS.write_text(json.dumps(table, indent=0, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{len(rows)} counts, {len(table)} class defaults")


if __name__ == "__main__":
    main()
