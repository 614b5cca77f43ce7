"""``planner catalog``: tables and JSON on stdout, remedies for what is not there."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from planner.cli import cli
from planner.errors import CatalogError


def run(*words: str):
    return CliRunner().invoke(cli, ["catalog", *words])


def rows(*words: str) -> list[dict]:
    return json.loads(run("list", *words, "--format", "json").stdout)


def test_list_counts_the_kinds_with_their_digests(shipped):
    said = json.loads(run("list", "--format", "json").stdout)
    assert said["offers"] == {"entities": len(shipped.offers), "sha256": shipped.digests["offers"]}
    assert "accelerators" in run("list").stdout


def test_list_filters(shipped):
    hopper = rows("accelerators", "--where", "generation=hopper")
    assert {item["id"] for item in hopper} == {
        name for name, device in shipped.accelerators.items() if device.generation == "hopper"
    }
    eight = rows("offers", "--where", "accelerator=h100-sxm", "--where", "gpus=8")
    assert eight
    assert all((item["accelerator"], item["gpus"]) == ("h100-sxm", 8) for item in eight)
    assert {item["id"] for item in rows("formats", "--match", "awq")} == {"int4-awq-g128"}


def test_a_table_has_a_row_for_each_and_no_empty_column():
    lines = run("list", "offers", "--where", "provider=purchase").stdout.splitlines()
    assert len(lines) == 1 + len(rows("offers", "--where", "provider=purchase"))
    assert "spot" not in lines[0]
    assert "purchase $" in lines[0]


@pytest.mark.parametrize("kind", ["accelerators", "engines", "formats", "kv_formats", "quality", "regions", "storage"])
def test_every_kind_has_a_table(kind):
    done = run("list", kind)
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) > 4


def test_show_gives_everything_and_what_follows(shipped):
    said = json.loads(run("show", "H100", "--format", "json").stdout)
    assert (said["kind"], said["id"]) == ("accelerators", "h100-sxm")
    assert said["memory_bytes_usable"] == shipped.accelerators["h100-sxm"].memory_bytes_usable
    assert said["link"]["switched"] is True
    text = run("show", "purchase/8x-h200-sxm-hgx/us").stdout
    assert "capex_usd 318,000" in text
    assert "name H200 SXM, count 8, usd_each 29,500" in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "h100-smx"), "Did you mean 'h100-sxm' (accelerators)?"),
        (("show", "zzzz"), "`planner catalog list KIND` lists what there is."),
        (("show", "bf16"), "'bf16' is one of formats and of kv_formats; add --kind"),
        (("list", "offers", "--where", "gpu=8"), "offers have no field 'gpu'; they have id, provider"),
        (("list", "offers", "--where", "gpus"), "write FIELD=VALUE"),
        (("list", "--match", "h100"), "need a KIND"),
        (("list", "planets"), "'planets' is not one of"),
    ],
)
def test_what_is_not_there_comes_with_a_remedy(words, said):
    done = run(*words)
    assert done.exit_code == 2
    assert said in done.stderr


def test_nothing_found_is_said_on_stderr():
    done = run("list", "offers", "--match", "no such offer")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "no offers match" in done.stderr


def test_check_reads_directories_of_ones_own(tmp_path):
    assert "no problems" in run("check").stdout
    own = tmp_path / "own" / "formats"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text("id: mine\n")
    done = run("check", str(tmp_path / "own"))
    assert isinstance(done.exception, CatalogError)
    assert done.exception.exit_code == 2
    assert f"{own / 'mine.yaml'}:1:1: kind is missing" in str(done.exception)
