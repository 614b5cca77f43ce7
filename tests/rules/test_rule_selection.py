"""Which rules a scenario has: default packs, more packs, files, what it switches off and prices otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.errors import RuleError
from planner.rules.loader import load_rule_files, scenario_rules, select_rules
from planner.rules.rule import Disabled, Rule
from planner.rules.shipped import load_packs, read_packs
from planner.scenario import load_scenario

RULE = "{id: %s, when: tp > 8, effect: forbid, message: no, fix: less, source: us, as_of: 2026}"


def write_pack(path: Path, *ids: str) -> Path:
    path.write_text("pack: company\nrules:\n" + "".join(f"  - {RULE % name}\n" for name in ids))
    return path


def test_default_packs_apply_and_examples_do_not() -> None:
    packs = {rule.pack for rule in select_rules().rules}
    assert packs == {"hardware", "topology", "engines", "operations"}


def test_a_pack_and_a_file_are_added_behind(tmp_path: Path) -> None:
    rules = select_rules(packs=["procurement"], files=[write_pack(tmp_path / "c.yaml", "b", "a")]).rules
    assert [rule.id for rule in rules[-5:]] == ["approved-providers", "node-upkeep", "one-accelerator", "b", "a"]


def test_a_directory_stands_for_its_files_in_order(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.yaml").write_text(RULE.strip("{}").replace(", ", "\n") % name)
    assert [rule.id for file in load_rule_files([tmp_path]) for rule in file.rules] == ["a", "b"]


def test_a_rule_is_switched_off_with_its_reason() -> None:
    off = Disabled("single-replica", "a demo")
    rules = select_rules(disabled=[off])
    assert "single-replica" not in {rule.id for rule in rules.rules}
    assert rules.disabled == (off,)


def test_a_penalty_is_overridden() -> None:
    rules = select_rules(packs=["procurement"], penalties={"node-upkeep": 80.0})
    assert rules["node-upkeep"].penalty_usd_per_month == 80.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"packs": ["procurment"]}, "there is no pack 'procurment'\n  help: did you mean 'procurement'?"),
        ({"disabled": [Disabled("single-replicas", "x")]}, "did you mean 'single-replica'?"),
        ({"disabled": [Disabled("node-upkeep", "x")]}, "it is in the pack 'procurement'"),
        ({"penalties": {"single-replica": 1.0}}, "has no penalty: its effect is warn"),
    ],
)
def test_what_does_not_exist_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(RuleError, match="(?s)" + message.replace("?", r"\?")):
        select_rules(**arguments)  # type: ignore[arg-type]


def test_an_id_that_a_shipped_rule_has_is_refused(tmp_path: Path) -> None:
    path = write_pack(tmp_path / "c.yaml", "heads-divisible")
    with pytest.raises(RuleError, match="'heads-divisible' is defined twice"):
        select_rules(files=[path])


def test_all_problems_of_all_files_at_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_pack(tmp_path / f"{name}.yaml", name)
        text = (tmp_path / f"{name}.yaml").read_text()
        (tmp_path / f"{name}.yaml").write_text(text.replace("tp > 8", "tpp > 8"))
    with pytest.raises(RuleError) as caught:
        load_rule_files([tmp_path])
    assert [Path(problem.path).stem for problem in caught.value.diagnostics] == ["a", "b"]


def test_a_scenario_selects(tmp_path: Path) -> None:
    write_pack(tmp_path / "company.yaml", "ours")
    path = tmp_path / "s.yaml"
    path.write_text(
        "name: s\nmodel: meta-llama/Llama-3.1-8B-Instruct\n"
        "workload: {input_tokens: 1024, output_tokens: 256, concurrency: 8}\n"
        "rules: [company.yaml]\nrule_packs: [procurement]\n"
        "disable_rules: [{id: single-replica, reason: a demo}]\n"
        "rule_penalties: {node-upkeep: ￥710/month}\n"
    )
    rules = scenario_rules(load_scenario(path))
    assert rules["ours"].path == str(path.parent / "company.yaml")
    assert rules["node-upkeep"].penalty_usd_per_month == pytest.approx(100.0)
    assert [item.id for item in rules.disabled] == ["single-replica"]


def test_a_wrong_selection_points_into_the_scenario(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "name: s\nmodel: meta-llama/Llama-3.1-8B-Instruct\n"
        "workload: {input_tokens: 1024, output_tokens: 256, concurrency: 8}\n"
        "rule_packs: [procurment]\ndisable_rules:\n  - {id: single-replicas, reason: a demo}\n"
        "rule_penalties: {single-replica: 5 USD/month}\n"
    )
    with pytest.raises(RuleError) as caught:
        scenario_rules(load_scenario(path))
    found = [(item.line, item.excerpt[item.column - 1 :][: item.width]) for item in caught.value.diagnostics]
    assert found == [(4, "procurment"), (6, "single-replicas"), (7, "5 USD/month")]
    assert {item.path for item in caught.value.diagnostics} == {str(path)}


def test_rules_survive_the_cache(root: Path) -> None:
    for pack in read_packs(root / "catalogs" / "rules"):
        for rule in pack.rules:
            assert Rule.from_json(rule.as_json()) == rule


def test_the_cache_is_not_trusted_when_a_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    import shutil

    from planner.rules import shipped

    monkeypatch.setenv("PLANNER_CACHE_DIR", str(tmp_path / "cache"))
    directory = tmp_path / "catalogs" / "rules"
    shutil.copytree(root / "catalogs" / "rules", directory)
    monkeypatch.setattr("planner.paths.data_dir", lambda name: directory.parent)
    load = shipped.load_packs.__wrapped__
    before = {rule.id for pack in load() for rule in pack.rules}
    assert before == {rule.id for pack in load() for rule in pack.rules}
    (directory / "hardware" / "bf16-compute-capability.yaml").unlink()
    assert before - {rule.id for pack in load() for rule in pack.rules} == {"bf16-compute-capability"}
    assert load_packs()  # the real ones are untouched
