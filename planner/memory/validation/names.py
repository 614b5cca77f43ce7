"""What people call models, formats and engines in their logs, and which entity of the catalog that is."""

from __future__ import annotations

import re
from collections.abc import Iterable

from planner.catalog import Catalog

# fmt: off
_NOISE = frozenset((
    "instruct", "chat", "it", "base", "hf", "unsloth", "meta", "model", "bf16", "fp16", "f16", "bit", "bits", "gguf",
    "awq", "gptq", "int4", "int8", "int2", "fp8", "fp4", "nvfp4", "mxfp4", "mlx", "dynamic", "quantized", "w8a8",
    "w4a16", "w8a16", "w4a4", "g128", "autoround", "bnb", "nf4", "4bit", "8bit", "6bit", "5bit", "3bit", "16bit",
    "q8", "ud", "class", "mirror", "preview", "thinking", "fine", "tune", "tuned", "finetune", "text", "part",
    "marlin", "gs32", "quant", "dwq", "qat", "compressed", "tensors", "ct", "exl2", "exl3", "original", "release",
    "new", "composed", "see", "file", "block", "experts", "card", "id", "not", "seen",
))
# fmt: on
"""Words that say how a model is stored or tuned, not which architecture it has."""

_QUANT = re.compile(r"^(i?q\d(_[a-z0-9]+)*|mix|r\d|k|s|m|l|xl|xs|xxs|\d{4}|v0\.\d|\d{1,2}\.\d{1,2}\.\d+)$")
_SIZE = re.compile(r"^\d+(\.\d+)?[bm]$")

_ALIKE: tuple[tuple[str, str], ...] = (
    (r".*r1-distill-llama", "llama-3.1"),
    (r".*r1-distill-qwen", "qwen2.5"),
    (r".*r1-distill-70b", "llama-3.1-70b"),
    (r"r1-0528-qwen3", "qwen3"),
    (r"llama-3\.3-70b", "llama-3.1-70b"),
    (r"qwen2\.5-(math|coder)-", "qwen2.5-"),
    (r"qwen3-coder-30b", "qwen3-30b"),
    (r"qwen-?3\.?[68x]-", "qwen3.5-"),
    (r"llama-3\.1-(nemotron|swallow|tulu-3|openbiollm)-(\d+b)", r"llama-3.1-\2"),
    (r"(nous-hermes-llama2|orca-2|wizardlm|llama-2)-13b.*", "llama-2-13b"),
    (r"(codellama|wizardcoder-python|nexusraven-v2)-(7b|13b).*", r"llama-2-\2"),
    (
        r"(openhermes-2\.5-mistral|starling-lm|zephyr|hermes-2-pro-mistral|nous-hermes-2-mistral|ghost)-7b.*",
        "mistral-7b",
    ),
    (r"em_german_mistral.*|mistral-7b-openorca.*", "mistral-7b"),
    (r"^mistral-7b(-instruct)?$", "mistral-7b-v0.1"),
    (r"(stablelm-zephyr|stable-code-instruct)-3b.*", "stablelm-3b-4e1t"),
    (r"starcoder-newbpe.*", "starcoder"),
    (r"gpt4all-falcon.*", "falcon-7b"),
    (r"mpt-7b.*", "mpt-7b"),
    (r"deepseek-coder-v2-lite", "deepseek-v2-lite"),
    (r"deepseek-v3-0324|deepseek-v3\.1", "deepseek-v3"),
    (r"glm-4\.[67]$", "glm-4.5"),
    (r"glm-5\.1", "glm-5"),
    (r"minimax-m2\.[0-9]", "minimax-m2.5"),
    (r"kimi-k2\.[0-9]", "kimi-k2.5"),
    (r"command-?r[ -]35b", "c4ai-command-r-v01"),
)
"""Fine-tunes and successors that kept an architecture: (pattern, what to read instead)."""


def model_key(name: str) -> frozenset[str]:
    """Return the words of a model's name that decide its architecture, in lower case.

    >>> sorted(model_key("unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit"))
    ['3.1', '8b', 'llama']
    """
    return _words(_plain(name))


def _plain(name: str) -> str:
    text = name.rsplit("/", 1)[-1].lower() if "/" in name and " " not in name.split("/")[0] else name.lower()
    text = re.sub(r"\(.*?\)", " ", text).removesuffix(".gguf").strip()
    return re.sub(r"[-_. ]i?q\d(_(k|0|1|xl|xs|xxs|s|m|l|nl|r\d))+(?![a-z0-9])", " ", text)


def _words(text: str) -> frozenset[str]:
    words = [word for word in re.split(r"[\s\-_/,:]+|\.(?=[a-z])", text) if word]
    kept = [word for word in words if word not in _NOISE and not _QUANT.match(word)]
    return frozenset(_split_version(kept))


def _split_version(words: Iterable[str]) -> Iterable[str]:
    """Yield words with a version split from the letters before it: ``qwen2.5`` gives ``qwen`` and ``2.5``."""
    for word in words:
        match = re.match(r"^([a-z]{3,})-?(\d+(?:\.\d+)?)$", word)
        if match and not _SIZE.match(word):
            yield match[1]
            yield match[2]
        else:
            yield word.replace("_", ".") if re.match(r"^\d+_\d+$", word) else word


class ModelNames:
    """The models of a catalog under every name that they go by."""

    def __init__(self, catalog: Catalog) -> None:
        self._ids: dict[str, str] = {}
        for model_id in catalog.models:
            entry = catalog.models[model_id]
            for name in (model_id, entry.name, *entry.aliases):
                self._ids.setdefault(name.casefold(), model_id)
        self._words = sorted((sorted(model_key(name)), name, model_id) for name, model_id in self._ids.items())

    def find(self, name: str) -> str | None:
        """Return the id of the model that ``name`` means, or None.

        Exact names first, then the same words, then the words of the model it was tuned from, and last the model
        whose words are all in the name and leave the fewest unexplained, its size among them.
        """
        if name.casefold() in self._ids:
            return self._ids[name.casefold()]
        tuned_from = _tuned_from(name)
        for wanted in (model_key(name), tuned_from):
            for words, _, model_id in self._words:
                if set(words) == wanted:
                    return model_id
        sizes = {word for word in tuned_from if _SIZE.match(word)}
        if not sizes:
            return None
        close = [
            (len(tuned_from - set(words)), text, model_id)
            for words, text, model_id in self._words
            if sizes <= set(words) <= tuned_from and len(words) > len(sizes)
        ]
        return min(close)[2] if close else None


def _tuned_from(name: str) -> frozenset[str]:
    text = _plain(name)
    for pattern, replacement in _ALIKE:
        text = re.sub(pattern, replacement, text)
    return _words(text)


_FORMATS: tuple[tuple[str, str], ...] = (
    (r"int4 \(native\)|native int4", "int4-g32-experts"),
    (r"dq3_k_m", "mlx-dq3_k_m"),
    (r"dq4plus", "mlx-dq4plus"),
    (r"mxfp4.*q8_0|mxfp4_moe|gguf mxfp4", "gguf-mxfp4"),
    (r"mxfp4-q8", "mlx-mxfp4-q8"),
    (r"mlx.*mxfp4", "mlx-mxfp4"),
    (r"mlx.*8.?bit.*(gs32|g32)", "mlx-8bit-g32"),
    (r"mlx.*?([34568]).?bit", r"mlx-\1bit"),
    (r"mlx.*bf16", "bf16"),
    (r"\biq4_xs", "gguf-iq4_xs"),
    (r"\b(q4_k_xl|q4_k_m|q4_k)\b", "gguf-q4_k_m"),
    (r"\bq4_k_s\b", "gguf-q4_k_s"),
    (r"\b(q5_k_xl|q5_k_m|q5_k)\b", "gguf-q5_k_m"),
    (r"\bq5_k_s\b", "gguf-q5_k_s"),
    (r"\b(q3_k_xl|q3_k_m|q3_k_l|q3_k)\b", "gguf-q3_k_m"),
    (r"\b(q2_k_xl|q2_k_l|q2_k)\b", "gguf-q2_k"),
    (r"\bq6_k(_xl|_l)?\b", "gguf-q6_k"),
    (r"\b(q8_0|q8_k_xl)\b", "gguf-q8_0"),
    (r"\bq4_[01]\b", "gguf-q4_0"),
    (r"\bq5_[01]\b", "gguf-q5_0"),
    (r"gguf.*(bf16|f16)", "gguf-bf16"),
    (r"nvfp4|modelopt.?fp4", "nvfp4"),
    (r"mxfp4", "mxfp4"),
    (r"nf4|bitsandbytes|bnb", "nf4"),
    (r"awq", "int4-awq-g128"),
    (r"gptq.?int8|w8a16", "int8-gptq-g128"),
    (r"gptq|w4a16|int4|4-bit", "int4-gptq-g128"),
    (r"w8a8.*int8|int8.*w8a8|w8a8|int8", "int8-w8a8"),
    (r"fp8.*block|block.*fp8", "fp8-e4m3-block128"),
    (r"fp8.?(static|tensor)|modelopt", "fp8-e4m3-tensor"),
    (r"fp8", "fp8-e4m3"),
    (r"bf16|bfloat16", "bf16"),
    (r"fp16|f16|float16|half", "fp16"),
    (r"fp32|float32", "fp32"),
)
"""First pattern found decides; read on the text of quantization, data type and model name."""


def find_format(*texts: str | None) -> str | None:
    """Return the format id that the first telling text means; plain data types count only when nothing else is said."""
    telling = [text.lower() for text in texts if text]
    for text in telling:
        for pattern, name in _FORMATS:
            match = re.search(pattern, text)
            if match and name not in ("bf16", "fp16", "fp32"):
                return match.expand(name) if "\\" in name else name
    for text in telling:
        for pattern, name in _FORMATS[-3:]:
            if re.search(pattern, text):
                return name
    return None


def unknown_quantization(text: str) -> bool:
    """Return whether a text names a GGUF type or another recipe that the catalog does not have."""
    return re.search(r"\b(iq[1-4]_|q[2-8]_k_r|exl[23]|mix-)", text.lower()) is not None


_KV: tuple[tuple[str, str], ...] = (
    (r"nvfp4|fp4", "nvfp4"),
    (r"q8_0", "q8_0"),
    (r"q4_0|iq4_nl", "q4_0"),
    (r"int8", "int8"),
    (r"fp8|e4m3|e5m2", "fp8"),
)


def find_kv_format(*texts: str | None) -> str:
    """Return the KV format id that the first telling text means; 16 bit when none does."""
    for text in texts:
        for pattern, name in _KV:
            if text and re.search(pattern, text.lower()):
                return name
    return "bf16"


ENGINES: tuple[tuple[str, str], ...] = (
    ("tensorrt", "trtllm"),
    ("trt", "trtllm"),
    ("llama.cpp", "llamacpp"),
    ("ollama", "llamacpp"),
    ("sglang", "sglang"),
    ("vllm", "vllm"),
    ("transformers", "transformers"),
)


def find_engine(text: str) -> str | None:
    """Return the engine id that a log's name for it means, or None."""
    return next((engine for word, engine in ENGINES if word in text.lower()), None)
