"""One measured row of a table, in the catalog's words: the deployment, the load on it, and what was measured.

Two layouts are read. *InferenceX* (``attention_dp``, ``moe_tp``, ``moe_ep``, one TTFT and TPOT): closed loop, lengths
of prompts and outputs uniform between 80 and 100 % of nominal, ten requests per client. *Published tables* (``kind``,
``gpus`` and percentiles): closed loop, static batch, or saturated throughput; results of benchmark tools are read into
this layout too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from planner.performance.measurement_names import (
    RowError,
    accelerator_id,
    campaign_of,
    engine_id,
    kv_cache_id,
    recipe_has_fp8_cache,
    weights_id,
)
from planner.performance.situations import REFERENCE

if TYPE_CHECKING:
    from planner.catalog import Catalog

INFERENCEX = frozenset({"attention_dp", "moe_tp", "moe_ep", "ttft_ms", "tpot_ms"})
PUBLISHED = frozenset({"kind", "gpus", "ttft_ms_mean", "tpot_ms_mean"})
MEAN_LENGTH, LENGTH_SPREAD = 0.9, 0.2 / 0.9
"""Of lengths uniform between 0.8 and 1.0 of nominal: mean over nominal, and width over mean."""
INFERENCEX_WAVES = 10.0
PUBLISHED_WAVES = 3.0
"""Requests per client. Published tables rarely say; few hundred prompts at tens to hundreds of clients are usual."""
SHORT_PROMPT = 16.0
"""Tokens of a prompt that a table calls short."""


@dataclass(frozen=True, slots=True)
class MeasuredRow:
    """One row. Lengths in tokens, times in milliseconds, throughput in output tokens per second of all GPUs."""

    kind: str
    model: str
    accelerator: str
    engine: str
    weights: str
    kv_cache: str
    campaign: str
    run: str
    """Day and version of the campaign: how the server was set up on it is shared by its rows."""
    gpus: float
    tp: float
    """GPUs of a pipeline stage."""
    pp: float
    ep: float
    attention_dp: float
    input_tokens: float
    output_tokens: float
    length_spread: float
    waves: float
    concurrency: float
    request_rate_per_s: float
    """NaN in a closed loop."""
    ttft_ms: float
    tpot_ms: float
    output_tok_s: float


def is_serving_row(row: Mapping[str, Any]) -> bool:
    """Whether a row has the columns of one of the two layouts."""
    return row.keys() >= INFERENCEX or row.keys() >= PUBLISHED


def read_row(row: Mapping[str, Any], catalog: Catalog) -> MeasuredRow:
    """Return a row in the catalog's words. Raises RowError with what is missing or not known."""
    return _inferencex(row, catalog) if row.keys() >= INFERENCEX else _published(row, catalog)


def _inferencex(row: Mapping[str, Any], catalog: Catalog) -> MeasuredRow:
    engine = engine_id(_text(row, "engine"), "max_throughput")
    accelerator = accelerator_id(_text(row, "accelerator"), catalog)
    tp, dp, moe_tp = (max(number(row.get(name), 1.0), 1.0) for name in ("tp", "attention_dp", "moe_tp"))
    ep = max(number(row.get("moe_ep"), 1.0), 1.0)
    gpus, tp, dp, ep = _layout(tp, dp, moe_tp, ep, rack="nvl72" in accelerator)
    weights = weights_id(_text(row, "weights"), catalog)
    model, campaign = _text(row, "model"), campaign_of(str(row.get("source") or REFERENCE))
    device = catalog.accelerators[accelerator]
    recipe = campaign == REFERENCE and recipe_has_fp8_cache(model, device, engine, weights)
    return MeasuredRow(
        kind="closed_loop",
        model=model,
        accelerator=accelerator,
        engine=engine,
        weights=weights,
        kv_cache=kv_cache_id(str(row.get("kv_dtype") or ""), engine, weights, by_recipe=recipe),
        campaign=campaign,
        run=_run(row),
        gpus=gpus,
        tp=tp * dp,
        pp=max(number(row.get("pp"), 1.0), 1.0),
        ep=ep,
        attention_dp=dp,
        input_tokens=_positive(row, "isl") * MEAN_LENGTH,
        output_tokens=_positive(row, "osl") * MEAN_LENGTH,
        length_spread=LENGTH_SPREAD,
        waves=INFERENCEX_WAVES,
        concurrency=_positive(row, "concurrency"),
        request_rate_per_s=math.nan,
        ttft_ms=number(row.get("ttft_ms")),
        tpot_ms=number(row.get("tpot_ms")),
        output_tok_s=math.nan,
    )


def _layout(tp: float, dp: float, moe_tp: float, ep: float, *, rack: bool) -> tuple[float, float, float, float]:
    """Return (GPUs, TP of attention, DP of attention, EP), which tables state in several ways.

    Some give the expert degrees as if multiplied (moe_tp = moe_ep = all GPUs), some repeat the GPUs as both TP and DP.
    On a rack of NVL72 beyond eight GPUs attention is data parallel and experts are spread over all.
    """
    if moe_tp > 1 and moe_tp == ep and tp * dp == moe_tp * ep:
        gpus = moe_tp
        dp = gpus if dp > 1 else 1.0
        tp = gpus / dp
    elif dp > 1 and tp == dp and moe_tp == 1 and ep == tp * dp:
        gpus, tp, ep = tp, 1.0, tp
    elif moe_tp * ep > tp * dp:
        gpus = moe_tp * ep
        tp, dp = gpus, 1.0
    else:
        gpus = tp * dp
    if gpus > 8 and rack:
        tp, dp, ep = 1.0, gpus, gpus
    return gpus, tp, dp, ep


def _published(row: Mapping[str, Any], catalog: Catalog) -> MeasuredRow:
    kind = _text(row, "kind")
    if kind not in ("closed_loop", "static_batch", "max_throughput"):
        raise RowError(f"kind {kind!r} is none of closed_loop, static_batch, max_throughput")
    source = str(row.get("source") or "")
    pp, dp, ep = (max(number(row.get(name), 1.0), 1.0) for name in ("pp", "dp", "ep"))
    gpus = number(row.get("gpus"), number(row.get("tp"), 1.0) * pp)
    if gpus < 1:
        raise RowError("gpus is not a count")
    tp = number(row.get("tp"), gpus / pp / dp)
    if tp * pp * dp != gpus:  # a stated TP of 1 beside EP means attention over all GPUs
        tp = gpus / pp / dp
    if tp < 1:
        tp, dp = 1.0, gpus / pp
    prompt = row.get("isl")
    throughput = number(row.get("output_tok_s_total"), number(row.get("output_tok_s_per_gpu")) * gpus)
    rate = number(row.get("request_rate"))
    concurrency = number(row.get("concurrency"), 1.0 if kind == "static_batch" else math.nan)
    if kind == "closed_loop" and math.isnan(concurrency) and not math.isfinite(rate):
        raise RowError("neither concurrency nor request_rate is given")
    engine, weights = engine_id(_text(row, "engine"), kind), weights_id(str(row.get("weights") or ""), catalog)
    return MeasuredRow(
        kind=kind,
        model=_text(row, "model"),
        accelerator=accelerator_id(_text(row, "accelerator"), catalog),
        engine=engine,
        weights=weights,
        kv_cache=kv_cache_id(str(row.get("kv_dtype") or ""), engine, weights),
        campaign=campaign_of(source),
        run=_run(row),
        gpus=gpus,
        tp=tp * dp,
        pp=pp,
        ep=ep,
        attention_dp=dp,
        input_tokens=SHORT_PROMPT if prompt == "short" else number(prompt, 300.0 if "ml-energy" in source else 128.0),
        output_tokens=number(row.get("osl"), 128.0),
        length_spread=1.0 if "sgl" in source else 0.0,
        waves=PUBLISHED_WAVES,
        concurrency=concurrency,
        request_rate_per_s=rate if math.isfinite(rate) and kind == "closed_loop" else math.nan,
        ttft_ms=number(row.get("ttft_ms_mean"), number(row.get("ttft_ms_p50"))),
        tpot_ms=number(row.get("tpot_ms_mean"), number(row.get("itl_ms_mean"))),
        output_tok_s=throughput,
    )


def _run(row: Mapping[str, Any]) -> str:
    """Return the day (or document) and engine version of a row, without blanks."""
    source, version = str(row.get("source") or ""), str(row.get("engine_version") or "")
    return "@".join("-".join(text.split()) for text in (source, version))


def number(value: Any, otherwise: float = math.nan) -> float:
    """Return a finite number, or ``otherwise``."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return otherwise
    return found if math.isfinite(found) else otherwise


def _text(row: Mapping[str, Any], name: str) -> str:
    value = str(row.get(name) or "").strip()
    if not value:
        raise RowError(f"{name} is missing")
    return value


def _positive(row: Mapping[str, Any], name: str) -> float:
    value = number(row.get(name))
    if not value > 0:
        raise RowError(f"{name} is {row.get(name)!r}, not a positive number")
    return value
