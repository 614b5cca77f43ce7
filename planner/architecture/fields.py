"""Reading a config.json that somebody else wrote: aliases, types, limits, and every problem at once."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from planner.errors import ArchitectureError, Diagnostic

ALIASES: dict[str, tuple[str, ...]] = {
    "hidden_size": ("n_embd", "d_model", "n_embed", "model_dim", "embedding_dim"),
    "num_hidden_layers": ("n_layer", "num_layers", "n_layers", "num_transformer_layers", "num_decoder_layers"),
    "num_attention_heads": ("n_head", "n_heads", "num_query_heads", "num_heads", "attention_heads"),
    "num_key_value_heads": (
        "num_kv_heads",
        "n_head_kv",
        "n_kv_heads",
        "multi_query_group_num",
        "num_query_groups",
        "num_attention_groups",
        "kv_n_heads",
        "n_kv_head",
    ),
    "head_dim": ("attention_head_dim", "kv_channels", "head_size"),
    "v_head_dim": ("value_head_dim", "v_head_size"),
    "intermediate_size": ("ffn_dim", "n_inner", "ffn_hidden_size", "d_ff", "ffn_intermediate_size", "block_ff_dim"),
    "vocab_size": ("padded_vocab_size", "n_vocab"),
    "max_position_embeddings": (
        "n_positions",
        "max_sequence_length",
        "max_seq_len",
        "model_max_length",
        "seq_length",
        "max_seq_length",
        "n_ctx",
        "max_context_length",
    ),
    "hidden_act": (
        "activation_function",
        "hidden_activation",
        "mlp_hidden_act",
        "ff_activation",
        "activation",
        "afn",
        "activation_fn_name",
    ),
    "num_experts": (
        "n_routed_experts",
        "num_local_experts",
        "moe_num_experts",
        "num_routed_experts",
        "num_moe_experts",
        "n_experts",
    ),
    "num_experts_per_tok": (
        "num_experts_per_token",
        "moe_topk",
        "moe_k",
        "moe_top_k",
        "top_k_experts",
        "experts_per_token",
        "moe_router_topk",
        "num_selected_experts",
        "num_experts_per_topk",
    ),
    "moe_intermediate_size": (
        "expert_intermediate_size",
        "expert_ffn_hidden_size",
        "moe_ffn_hidden_size",
        "expert_dim",
        "moe_expert_dim",
    ),
    "moe_latent_size": ("routed_expert_hidden_size", "moe_hidden_size"),
    "num_shared_experts": ("n_shared_experts", "num_shared_expert", "moe_num_shared_experts"),
    "shared_expert_intermediate_size": (
        "moe_shared_expert_intermediate_size",
        "shared_intermediate_size",
        "share_expert_dim",
        "shared_expert_ffn_hidden_size",
        "shared_experts_intermediate_size",
        "share_expert_dims",
    ),
    "first_k_dense_replace": ("num_dense_layers", "n_dense_layers", "first_k_dense_layers", "num_first_dense_layers"),
    "num_nextn_predict_layers": ("mtp_num_hidden_layers", "num_mtp_layers", "mtp_num_layers"),
    "attention_bias": ("use_qkv_bias", "qkv_bias", "add_qkv_bias", "use_attention_bias"),
    "mlp_bias": ("use_mlp_bias",),
    "use_bias": ("bias", "enable_bias", "add_bias_linear", "use_linear_bias"),
    "tie_word_embeddings": ("tie_embeddings", "tied_embeddings", "share_embeddings", "share_input_output_layers"),
    "qk_norm": (
        "use_qk_norm",
        "qk_layernorm",
        "use_qk_layernorm",
        "qk_norm_enabled",
        "attention_qk_norm",
        "normalize_qk_projections",
    ),
    "sliding_window": ("sliding_window_size", "window_size", "attention_window_size", "local_window_size"),
}
"""One name for what different authors call differently: canonical field -> other spellings, first found wins."""

_CANONICAL = {alias: name for name, aliases in ALIASES.items() for alias in aliases}

LIMITS: dict[str, int] = {
    "hidden_size": 1 << 20,
    "num_hidden_layers": 4096,
    "num_attention_heads": 1 << 16,
    "num_key_value_heads": 1 << 16,
    "head_dim": 1 << 16,
    "intermediate_size": 1 << 24,
    "moe_intermediate_size": 1 << 24,
    "num_experts": 1 << 16,
    "vocab_size": 1 << 24,
    "max_position_embeddings": 1 << 34,
}
"""Beyond these a value is a mistake or an attack; published models stay at least 16 times below."""

_DEFAULT_LIMIT = 1 << 32


class Fields:
    """A config mapping under canonical names. Wrong values are collected; ``check()`` raises them together."""

    def __init__(
        self,
        config: Mapping[str, Any],
        *,
        source: str,
        prefix: str = "",
        defaults: Mapping[str, Any] | None = None,
        problems: list[Diagnostic] | None = None,
    ) -> None:
        self.source = source
        self.prefix = prefix
        self.problems: list[Diagnostic] = [] if problems is None else problems
        self._given: dict[str, str] = {}
        values: dict[str, Any] = {}
        for key, value in config.items():
            name = _CANONICAL.get(key, key)
            if name != key and (config.get(name) is not None or values.get(name) is not None):
                values[key] = value
                continue
            values[name] = value
            self._given[name] = key
        for name, value in (defaults or {}).items():
            values.setdefault(name, value)
        self._values = values

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def raw(self, name: str, default: Any = None) -> Any:
        """Return the value under its canonical name, unchecked; ``default`` when absent or null."""
        value = self._values.get(name)
        return default if value is None else value

    def given(self, name: str) -> bool:
        """Whether the config has the field, even as null."""
        return name in self._values

    def name_of(self, name: str) -> str:
        """Return the spelling that the config uses for a canonical field."""
        return self._given.get(name, name)

    def problem(self, name: str, message: str, remedy: str = "") -> None:
        """Note a problem of one field, the first that it has; ``check`` raises all of them."""
        if self.wrong(name):
            return
        field = self.prefix + self._given.get(name, name)
        self.problems.append(
            Diagnostic(f"{field}: {message}", path=self.source, code="architecture-field", help=remedy)
        )

    def wrong(self, name: str) -> bool:
        """Whether a problem of the field is noted already: what follows from its value says nothing then."""
        start = f"{self.prefix}{self._given.get(name, name)}: "
        return any(problem.message.startswith(start) for problem in self.problems)

    def integer(self, name: str, default: int | None = None, *, minimum: int = 1, layer: int | None = None) -> int:
        """Return a whole number within its limits; lists are read at ``layer`` (or their first item).

        Without a default the field is required. Notes a problem and returns ``minimum`` when it is wrong.
        """
        value = self.raw(name)
        if isinstance(value, Sequence) and not isinstance(value, str) and value:
            value = value[layer] if layer is not None and layer < len(value) else value[0]
        if value is None:
            if default is not None:
                return default
            others = [str(key) for key in self._values if key != name]
            close = difflib.get_close_matches(name, others, n=1, cutoff=0.75)
            hint = f"did you mean {close[0]!r}?" if close else "a decoder-only language model has it"
            self.problem(name, "is missing", hint)
            return max(minimum, 1)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            self.problem(name, f"must be a whole number, is {value!r:.80}")
            return max(minimum, 1)
        limit = LIMITS.get(name, _DEFAULT_LIMIT)
        if not minimum <= value <= limit:
            self.problem(name, f"must be between {minimum} and {limit}, is {value}")
            return max(minimum, 1)
        return value

    def number(self, name: str, default: float) -> float:
        """Return a finite number, or the default when the field is absent."""
        value = self.raw(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e30:
            self.problem(name, f"must be a number, is {value!r:.80}")
            return default
        return float(value)

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a truth value, or the default when the field is absent."""
        value = self.raw(name, default)
        if not isinstance(value, bool) and value not in (0, 1):
            self.problem(name, f"must be true or false, is {value!r:.80}")
            return default
        return bool(value)

    def text(self, name: str, default: str = "") -> str:
        """Return a string, or the default when the field is absent."""
        value = self.raw(name, default)
        if not isinstance(value, str):
            self.problem(name, f"must be a string, is {value!r:.80}")
            return default
        return value

    def items(self, name: str) -> list[Any]:
        """Return a list (empty when absent)."""
        value = self.raw(name, [])
        if isinstance(value, tuple):
            return list(value)
        if not isinstance(value, list):
            self.problem(name, f"must be a list, is {value!r:.80}")
            return []
        return value

    def indices(self, name: str) -> frozenset[int]:
        """Return a list of whole numbers as a set (empty when absent)."""
        values = self.items(name)
        if any(type(value) is not int for value in values):
            self.problem(name, f"must list whole numbers, is {values!r:.80}")
            return frozenset()
        return frozenset(values)

    def mapping(self, name: str) -> Mapping[str, Any]:
        """Return a nested mapping (empty when absent)."""
        value = self.raw(name, {})
        if not isinstance(value, Mapping):
            self.problem(name, f"must be a mapping, is {value!r:.80}")
            return {}
        return value

    def inside(self, name: str) -> Fields:
        """Return the fields of a nested mapping (none when it is absent); problems are noted in one place."""
        return Fields(
            self.mapping(name), source=self.source, prefix=f"{self.prefix}{self.name_of(name)}.", problems=self.problems
        )

    def overlay(self, overrides: Sequence[tuple[str, Any]]) -> Fields:
        """Return the same fields with some values replaced; problems are noted in one place."""
        if not overrides:
            return self
        clone = Fields.__new__(Fields)
        clone.source, clone.prefix, clone.problems, clone._given = self.source, self.prefix, self.problems, self._given
        clone._values = {**self._values, **dict(overrides)}
        return clone

    def fill(self, defaults: Mapping[str, Any]) -> list[str]:
        """Take ``defaults`` for the fields that the config does not have at all, and return their names."""
        names = [name for name in defaults if _CANONICAL.get(name, name) not in self._values]
        for name in names:
            self._values[_CANONICAL.get(name, name)] = defaults[name]
        return names

    def check(self) -> None:
        """Raise ArchitectureError with every problem noted so far."""
        if self.problems:
            raise ArchitectureError(self.problems)
