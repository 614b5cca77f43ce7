"""MFU predicted for published runs, each from the runs of other campaigns alone.

Runs and their sources stand in ``catalogs/training/runs.yaml``.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import median

import pytest

from planner.catalog import load_catalog
from planner.errors import CatalogError
from planner.paths import data_dir
from planner.training.cross_validation import campaign, left_out
from planner.training.evidence import DOUBT, efficiencies, load_runs
from tools.training_mfu import main

RUNS = {row.run.id: row for row in left_out(load_catalog().accelerators)}


def test_the_median_error_on_left_out_campaigns_is_below_ten_percent():
    assert median(abs(row.error) for row in RUNS.values()) < 0.10


def test_intervals_cover_all_but_a_few_left_out_runs():
    assert sum(row.covered for row in RUNS.values()) >= len(RUNS) - 2


@pytest.mark.parametrize("name", ["llama3-405b-8k", "llama3-405b-16k"])
def test_llama_3_405b_on_h100_runs_at_38_to_43_percent(name):
    row = RUNS[name]
    assert row.mfu == pytest.approx(row.run.mfu, rel=0.10)
    assert row.low < 0.38 < 0.43 < row.high + 0.01


def test_twice_the_gpus_on_the_same_batch_cost_what_was_published():
    """43 % on 8,192 GPUs, 41 % on 16,384: the bubble of half as many micro-batches."""
    small, large = RUNS["llama3-405b-8k"].mfu, RUNS["llama3-405b-16k"].mfu
    assert large / small == pytest.approx(0.41 / 0.43, abs=0.03)


def test_larger_models_use_the_gpus_better_as_megatron_found():
    assert RUNS["megatron-22b-a100"].mfu < RUNS["megatron-530b-a100"].mfu


def test_a_campaign_says_nothing_about_itself():
    known = load_runs()
    accelerators = load_catalog().accelerators
    doubled = tuple(replace(run, mfu=run.mfu / 2) if campaign(run) == "megatron" else run for run in known)
    changed = {row.run.id: row.mfu for row in left_out(accelerators, doubled)}
    assert changed["megatron-1t-a100"] == RUNS["megatron-1t-a100"].mfu
    assert changed["torchtitan-70b-a100"] < RUNS["torchtitan-70b-a100"].mfu


def test_runs_of_less_than_high_confidence_are_counted_and_widen_the_interval():
    accelerators, known = load_catalog().accelerators, load_runs()
    sure, unsure = (
        efficiencies(accelerators, tuple(replace(run, confidence=level) for run in known))["ampere"]
        for level in ("high", "low")
    )
    assert (sure.uncertain, unsure.uncertain) == (0, 6)
    assert unsure.value == sure.value
    assert unsure.low == pytest.approx(sure.low / DOUBT["low"])
    assert unsure.high >= sure.high
    assert efficiencies(accelerators)["blackwell"].uncertain == sum(run.confidence != "high" for run in known) > 0


def test_a_run_says_how_sure_its_figures_are(tmp_path):
    text = (data_dir("catalogs") / "training" / "runs.yaml").read_text(encoding="utf-8")
    path = tmp_path / "runs.yaml"
    path.write_text(text.replace("confidence: medium", "confidence: probably", 1), encoding="utf-8")
    with pytest.raises(CatalogError, match="confidence 'probably' is none of high, medium, low"):
        load_runs(path)


def test_the_table_of_the_docs_is_what_the_tool_prints(root, capsys):
    main()
    printed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    docs = (root / "docs" / "training.md").read_text(encoding="utf-8")
    assert "\n".join(printed) in docs
