"""Results of benchmark tools -> measurement rows, so that a plan can rest on a user's own machines.

Read are what ``vllm bench serve --save-result`` (JSON, or JSON lines with ``--append-result``), SGLang's
``bench_serving --output-file`` (JSON lines), ``guidellm benchmark --output-path x.json`` and genai-perf or aiperf
(``profile_export_genai_perf.json``) write. They say what was sent and how fast it came back, seldom on what: the
accelerator, parallelism and formats come from vLLM's ``--metadata``, from SGLang's ``server_info`` or from the caller.

Rows have the columns of :data:`COLUMNS`, the layout of the published tables.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from planner.errors import Diagnostic, MeasurementError

COLUMNS = (
    "kind",
    "model",
    "accelerator",
    "gpus",
    "tp",
    "pp",
    "ep",
    "engine",
    "engine_version",
    "weights",
    "kv_dtype",
    "isl",
    "osl",
    "concurrency",
    "request_rate",
    "ttft_ms_mean",
    "ttft_ms_p50",
    "ttft_ms_p95",
    "ttft_ms_p99",
    "tpot_ms_mean",
    "tpot_ms_p50",
    "tpot_ms_p99",
    "output_tok_s_total",
    "source",
)
MAX_BYTES = 512 * 1024**2
"""GuideLLM keeps every request, so its reports are large; more than this is not a report."""

Row = dict[str, Any]
_MACHINE = ("accelerator", "gpus", "tp", "pp", "ep", "engine", "engine_version", "weights", "kv_dtype", "model")


def read_benchmark_file(path: Path, machine: Mapping[str, Any] | None = None) -> list[Row]:
    """Return the runs of one file. ``machine`` fills what the file does not say, among :data:`COLUMNS`.

    Raises MeasurementError when the file is none of the known kinds, or when a run lacks a figure or the machine.
    """
    runs = list(_documents(path))
    rows: list[Row] = []
    problems: list[Diagnostic] = []
    for position, run in enumerate(runs, start=1):
        found = list(_rows(run))
        if not found:
            problems.append(
                Diagnostic(
                    f"record {position} is no result of vLLM, SGLang, GuideLLM or genai-perf",
                    str(path),
                    help="give the JSON that the benchmark saved; for anything else write a CSV with the columns "
                    + ", ".join(COLUMNS),
                )
            )
        for row in found:
            row = {**{name: machine[name] for name in _MACHINE if machine and machine.get(name) is not None}, **row}
            row.setdefault("source", path.name)
            problems += _missing(row, path, position)
            rows.append({name: row.get(name, "") for name in COLUMNS})
    if problems:
        raise MeasurementError(problems)
    return rows


def read_measured(path: Path, machine: Mapping[str, Any] | None = None) -> list[Row]:
    """Return the rows of a table of measurements or of a benchmark tool's result, whichever ``path`` is.

    Raises MeasurementError naming the file and what is wrong with it.
    """
    if is_benchmark_file(path):
        return read_benchmark_file(path, machine)
    from planner.measurements import read_rows

    return read_rows(path)


def is_benchmark_file(path: Path) -> bool:
    """Whether a file looks like what a benchmark tool saves rather than a table of measurements."""
    try:
        return any(True for run in _documents(path) for _ in _rows(run))
    except MeasurementError:
        return False


def _documents(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a JSON file, a JSON list or JSON lines."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MeasurementError([Diagnostic(f"is larger than {MAX_BYTES // 1024**2} MiB", str(path))])
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MeasurementError([Diagnostic(f"cannot be read: {error}", str(path))]) from None
    try:
        whole = json.loads(text)
        values = whole if isinstance(whole, list) else [whole]
    except (json.JSONDecodeError, RecursionError):
        values = []
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip():
                continue
            try:
                values.append(json.loads(line))
            except (json.JSONDecodeError, RecursionError) as error:
                raise MeasurementError([Diagnostic(f"is not JSON: {error}", str(path), number)]) from None
    for value in values:
        if isinstance(value, dict):
            yield value


def _rows(run: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the rows of one record, whichever tool wrote it; nothing when none did."""
    if isinstance(run.get("benchmarks"), list):
        yield from _guidellm(run)
    elif "mean_ttft_ms" in run and "total_input_tokens" in run and "completed" in run:
        yield _serving_bench(run)
    elif isinstance(run.get("time_to_first_token"), dict) and isinstance(run.get("inter_token_latency"), dict):
        yield _genai_perf(run)


def _serving_bench(run: Mapping[str, Any]) -> Row:
    """Read a result of ``vllm bench serve`` or of SGLang's ``bench_serving``, which descends from it."""
    completed = max(_number(run.get("completed")) or 0.0, 1.0)
    sglang = "random_input_len" in run or str(run.get("backend", "")).startswith("sglang")
    server = run.get("server_info")
    told = server if isinstance(server, dict) else run
    return _clean(
        {
            "kind": "closed_loop",
            "model": run.get("model_id") or told.get("model_path") or run.get("model"),
            "engine": "sglang" if sglang else "vllm",
            "engine_version": told.get("version") or run.get("engine_version"),
            "accelerator": run.get("accelerator"),
            "gpus": run.get("gpus"),
            "tp": told.get("tp_size") or run.get("tp") or run.get("tensor_parallel_size"),
            "pp": told.get("pp_size") or run.get("pp") or run.get("pipeline_parallel_size"),
            "ep": told.get("ep_size") or run.get("ep"),
            "weights": run.get("weights") or told.get("quantization"),
            "kv_dtype": run.get("kv_dtype"),
            "isl": _number(run.get("total_input_tokens"), 1 / completed),
            "osl": _number(run.get("total_output_tokens"), 1 / completed),
            "concurrency": run.get("max_concurrency") or run.get("concurrency"),
            "request_rate": run.get("request_rate"),
            "ttft_ms_mean": run.get("mean_ttft_ms"),
            "ttft_ms_p50": run.get("median_ttft_ms"),
            "ttft_ms_p95": run.get("p95_ttft_ms"),
            "ttft_ms_p99": run.get("p99_ttft_ms"),
            "tpot_ms_mean": run.get("mean_tpot_ms"),
            "tpot_ms_p50": run.get("median_tpot_ms"),
            "tpot_ms_p99": run.get("p99_tpot_ms"),
            "output_tok_s_total": run.get("output_throughput"),
        }
    )


def _guidellm(report: Mapping[str, Any]) -> Iterator[Row]:
    """Read each benchmark of a GuideLLM report: distributions over the successful requests."""
    for benchmark in report["benchmarks"]:
        metrics = benchmark.get("metrics") if isinstance(benchmark, dict) else None
        if not isinstance(metrics, dict) or "time_to_first_token_ms" not in metrics:
            continue
        strategy = _first(benchmark, ("config", "strategy"), ("args", "strategy"), ("scheduler", "strategy"))
        ttft, tpot = _successful(metrics, "time_to_first_token_ms"), _successful(metrics, "time_per_output_token_ms")
        itl = _successful(metrics, "inter_token_latency_ms")
        yield _clean(
            {
                "kind": "closed_loop",
                "model": _first(benchmark, ("config", "backend", "model"), ("worker", "backend_model")),
                "isl": _successful(metrics, "prompt_token_count").get("mean"),
                "osl": _successful(metrics, "output_token_count").get("mean"),
                "concurrency": strategy.get("streams") or _successful(metrics, "request_concurrency").get("mean"),
                "request_rate": strategy.get("rate"),
                "ttft_ms_mean": ttft.get("mean"),
                "ttft_ms_p50": ttft.get("median"),
                "ttft_ms_p95": _percentile(ttft, "p95"),
                "ttft_ms_p99": _percentile(ttft, "p99"),
                # GuideLLM's time per output token spreads the first token's wait over all; its ITL does not.
                "tpot_ms_mean": (itl or tpot).get("mean"),
                "tpot_ms_p50": (itl or tpot).get("median"),
                "tpot_ms_p99": _percentile(itl or tpot, "p99"),
                "output_tok_s_total": _successful(metrics, "output_tokens_per_second").get("mean"),
            }
        )


def _genai_perf(run: Mapping[str, Any]) -> Row:
    """Read a genai-perf or aiperf export: one distribution per metric, with its unit."""
    config = _of(run, "input_config")
    stimulus = _first(config, ("perf_analyzer", "stimulus"), ("loadgen",)) or config
    names = config.get("model_names") or config.get("model") or _first(config, ("endpoint", "model_names"))
    ttft, itl = run["time_to_first_token"], run["inter_token_latency"]
    return _clean(
        {
            "kind": "closed_loop",
            "model": names[0] if isinstance(names, list) and names else names if isinstance(names, str) else None,
            "isl": _of(run, "input_sequence_length").get("avg"),
            "osl": _of(run, "output_sequence_length").get("avg"),
            "concurrency": stimulus.get("concurrency"),
            "request_rate": stimulus.get("request_rate"),
            "ttft_ms_mean": _milliseconds(ttft, "avg"),
            "ttft_ms_p50": _milliseconds(ttft, "p50"),
            "ttft_ms_p95": _milliseconds(ttft, "p95"),
            "ttft_ms_p99": _milliseconds(ttft, "p99"),
            "tpot_ms_mean": _milliseconds(itl, "avg"),
            "tpot_ms_p50": _milliseconds(itl, "p50"),
            "tpot_ms_p99": _milliseconds(itl, "p99"),
            "output_tok_s_total": _of(run, "output_token_throughput").get("avg"),
        }
    )


def _missing(row: Row, path: Path, position: int) -> list[Diagnostic]:
    """Return what keeps a row from being compared."""
    problems = []
    machine = [name for name in ("model", "accelerator", "engine", "weights") if not row.get(name)]
    if machine:
        flags = " ".join(f"--{name} ..." for name in machine if name != "model")
        problems.append(
            Diagnostic(
                f"run {position} does not say its {', '.join(machine)}",
                str(path),
                help=f"add {flags}".rstrip()
                + "; vLLM also records them: --metadata accelerator=h100-sxm tp=4 weights=fp8",
            )
        )
    lacking = [name for name in ("isl", "osl") if not row.get(name)]
    if not row.get("concurrency") and not row.get("request_rate"):
        lacking.append("concurrency or request_rate")
    if not row.get("ttft_ms_mean") and not row.get("tpot_ms_mean"):
        lacking.append("TTFT or TPOT")
    if lacking:
        problems.append(Diagnostic(f"run {position} has no {', '.join(lacking)}", str(path)))
    return problems


def _number(value: Any, factor: float = 1.0) -> float | None:
    """Return a finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value * factor


def _clean(row: Row) -> Row:
    """Drop what is absent, and the ``inf`` that tools write for 'all at once'."""
    return {
        name: value
        for name, value in row.items()
        if value is not None and value != "" and str(value) not in {"inf", "Infinity", "nan"}
    }


def _of(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = values.get(key)
    return found if isinstance(found, dict) else {}


def _successful(metrics: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return _of(_of(metrics, key), "successful")


def _percentile(distribution: Mapping[str, Any], name: str) -> Any:
    return _of(distribution, "percentiles").get(name, distribution.get(name))


def _first(values: Mapping[str, Any], *paths: tuple[str, ...]) -> Any:
    """Return what stands at the first of ``paths`` that leads anywhere; an empty mapping otherwise."""
    for path in paths:
        found: Any = values
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        if found is not None:
            return found
    return {}


def _milliseconds(distribution: Mapping[str, Any], key: str) -> float | None:
    """Return a figure in milliseconds; tools write nanoseconds, microseconds, milliseconds or seconds and say which."""
    factor = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3, "sec": 1e3}.get(str(distribution.get("unit", "ms")))
    return None if factor is None else _number(distribution.get(key), factor)
