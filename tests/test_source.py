"""What YAML means here, where values stand, and how a pydantic error becomes a message."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Annotated, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from planner.errors import CatalogError, InputError
from planner.source import CATALOG_LIMITS, Limits, closest, diagnostics_from_validation_error, events, load_yaml
from planner.source.document import dotted


@pytest.fixture(params=["C", "Python"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test with libyaml and with the pure-Python parser that PyYAML has without it."""
    loader = "CSafeLoader" if request.param == "C" else "SafeLoader"
    if not hasattr(yaml, loader):
        pytest.skip("PyYAML was built without libyaml")
    monkeypatch.setattr(events, "_Loader", getattr(yaml, loader))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e9", 1e9),
        ("1E+3", 1000.0),
        ("12", 12),
        ("-7", -7),
        ("+3", 3),
        ("0", 0),
        ("0.5", 0.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("0x1F", 31),
        ("0o17", 15),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("no", "no"),
        ("y", "y"),
        ("12:30:00", "12:30:00"),
        ("1:2", "1:2"),
        ("2026-07-20", "2026-07-20"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("1.2.3", "1.2.3"),
        ("- x", ["x"]),
        ("'1e9'", "1e9"),
        ('"null"', "null"),
        ("'on'", "on"),
        ("=", "="),
        ("1e", "1e"),
        ("0x", "0x"),
        ("+", "+"),
        (".", "."),
        ("[1, a, ~]", [1, "a", None]),
        ("{b: 1}", {"b": 1}),
        ("|\n  two\n  lines", "two\nlines\n"),
        (">-\n  one\n  line", "one line"),
    ],
)
def test_scalars_resolve_as_in_yaml_1_2(text: str, value: object) -> None:
    data = load_yaml(f"a: {text}\n" if not text.startswith("-") or text == "-7" else f"a:\n{text}\n").data
    assert data == {"a": value}
    assert type(data["a"]) is type(value)


def test_keys_are_the_text_that_is_written() -> None:
    assert load_yaml("on: 1\n8: 2\n1e9: 3\n'': 4\nnull: 5\n").data == {"on": 1, "8": 2, "1e9": 3, "": 4, "null": 5}


def test_aliases_share_what_they_stand_for() -> None:
    document = load_yaml("a: &x {b: [1, 2]}\nc: *x\nd: &y 7\ne: *y\n")
    assert document.data == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}, "d": 7, "e": 7}
    assert document.place(("c", "b", 1)) == (1, 15, 1), "a problem inside points at what was written"


TEXT = """\
# a comment
name: x
sla:
  ttft_p95: 2s   # ok
  list: [a, 'bb',
         ccc]
模型: 北京
"""


def test_places() -> None:
    document = load_yaml(TEXT, name="x.yaml")
    assert document.place(()) == (2, 1, 1)
    assert document.place(("name",)) == (2, 7, 1)
    assert document.place(("sla", "ttft_p95")) == (4, 13, 2)
    assert document.place(("sla", "ttft_p95"), key=True) == (4, 3, 8)
    assert document.place(("sla", "list", 1)) == (5, 13, 4)
    assert document.place(("sla", "list", 2)) == (6, 10, 3)
    assert document.place(("模型",)) == (7, 5, 2)
    assert document.place(("sla", "gone", "deeper")) == (4, 3, 1), "the nearest part that exists"
    assert document.place(("sla", "SomeUnionTag", "ttft_p95")) == (4, 13, 2), "parts that are no keys are skipped"


def test_a_diagnostic_shows_the_line_and_underlines_the_value() -> None:
    rendered = load_yaml(TEXT, name="x.yaml").diagnostic(("sla", "list", 1), "is too short", help="write ccc").render()
    assert rendered == (
        "x.yaml:5:13: sla.list[1]: is too short\n  5 |   list: [a, 'bb',\n    |             ^^^^\n  help: write ccc"
    )


def test_the_caret_stands_under_wide_characters() -> None:
    rendered = (
        load_yaml("模型: 北京\n价格: {最高: 很多, b: 1}\n", name="x.yaml").diagnostic(("价格", "最高"), "bad").render()
    )
    assert rendered.splitlines()[1:] == ["  2 | 价格: {最高: 很多, b: 1}", f"    | {' ' * 13}^^^^"]


def test_a_long_line_is_cut_and_a_far_column_shows_none() -> None:
    document = load_yaml(f"a: {'x' * 500}\nb: [{'y, ' * 200}z]\n")
    assert document.diagnostic(("a",), "bad").excerpt.endswith("x...")
    assert len(document.diagnostic(("a",), "bad").excerpt) == 160
    assert document.diagnostic(("b", 199), "bad").excerpt == ""


def test_dotted() -> None:
    assert dotted(("search", "accelerators", 0)) == "search.accelerators[0]"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_any_line_ending_and_a_byte_order_mark(newline: str) -> None:
    document = load_yaml(("\ufeffa: 1\nb:\n  c: 2\n").replace("\n", newline).encode())
    assert document.data == {"a": 1, "b": {"c": 2}}
    assert document.place(("b", "c")) == (3, 6, 1)
    assert document.diagnostic(("b", "c"), "bad").excerpt == "  c: 2"


def test_all_that_is_wrong_at_once() -> None:
    with pytest.raises(CatalogError) as caught:
        load_yaml("a: 1\na: 2\nb: 010\nc: !x 1\nd: .nan\n", error=CatalogError)
    assert [(item.line, item.code) for item in caught.value.diagnostics] == [
        (2, "duplicate-key"), (3, "bad-number"), (4, "tag"), (5, "bad-number"),
    ]  # fmt: skip


def test_a_duplicate_keeps_the_first_and_skips_the_second_whole() -> None:
    with pytest.raises(InputError) as caught:
        load_yaml("a: {x: 1}\na: {x: 1, x: 2, y: [1, {z: 1}]}\nb: 3\n")
    assert [item.line for item in caught.value.diagnostics] == [2, 2], "inside the second, another"


def test_limits() -> None:
    tight = Limits(max_bytes=100, max_nodes=5, max_depth=2)
    assert load_yaml("a: {b: 1}", limits=tight).data == {"a": {"b": 1}}
    for text, message in (
        ("a: {b: {c: 1}}", "nested more than 2 deep"),
        ("a: [1, 2, 3, 4]", "more than 5 values"),
        ("# " + "x" * 100, "larger than"),
    ):
        with pytest.raises(InputError, match=message):
            load_yaml(text, limits=tight)


def test_the_top_may_be_a_list_where_that_is_asked() -> None:
    assert load_yaml("- 1\n- 2\n", top=list).data == [1, 2]
    with pytest.raises(InputError, match="is a mapping, not a list"):
        load_yaml("a: 1\n", top=list)


def test_a_file_with_many_entries(tmp_path: Path) -> None:
    path = tmp_path / "offers.yaml"
    entry = "- {id: offer-%d, provider: AWS, gpus: 8, prices: [{kind: on-demand, usd_per_hour: 12.29}]}\n"
    path.write_text("".join(entry % number for number in range(500)))
    assert len(load_yaml(path, limits=CATALOG_LIMITS, top=list).data) == 500


def test_reading_needs_no_pydantic() -> None:
    source = Path(importlib.import_module("planner.source").__file__ or "")
    for file in source.parent.glob("*.py"):
        top_level = [line for line in file.read_text().splitlines() if line.startswith(("import ", "from "))]
        assert not [line for line in top_level if "pydantic" in line]


# -- pydantic errors ---------------------------------------------------------------------------------------------


class _Price(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["on-demand", "spot"]
    usd_per_hour: float = Field(gt=0)


class _Offer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: str
    gpus: int = Field(ge=1, examples=[8])
    prices: list[_Price] = []
    by_region: dict[str, _Price] | None = None
    memory: Annotated[int, Field(alias="memory_gib")] = 80


def _messages(text: str, model: type[BaseModel] | None = _Offer) -> list[str]:
    document = load_yaml(text, name="o.yaml")
    with pytest.raises(ValidationError) as caught:
        _Offer.model_validate(document.data)
    return [
        f"{item.line}:{item.column} {item.message} | {item.help}"
        for item in diagnostics_from_validation_error(document, caught.value, model)
    ]


def test_validation_errors_in_the_order_of_the_file() -> None:
    text = """\
id: 3
gpu: 8
prices:
- {kind: ondemand, usd_per_hour: -1}
- {kind: spot}
- {kind: spot, usd_per_hour: dear, usd_per_hr: 1}
- 7
by_region:
  us: {kind: spott, usd_per_hour: 1}
memory_gb: 80
"""
    assert _messages(text) == [
        "1:1 gpus is missing | add `gpus: ...`, such as `gpus: 8`",
        "1:5 id: must be a text, not 3 | ",
        "2:1 gpu: unknown key | did you mean 'gpus'?",
        "4:10 prices[0].kind: must be 'on-demand' or 'spot', not 'ondemand' | did you mean 'on-demand'?",
        "4:34 prices[0].usd_per_hour: must be more than 0.0, not -1 | ",
        "5:3 prices[1]: usd_per_hour is missing | add `usd_per_hour: ...`",
        "6:30 prices[2].usd_per_hour: must be a number, not 'dear' | ",
        "6:36 prices[2].usd_per_hr: unknown key | did you mean 'usd_per_hour'?",
        "7:3 prices[3]: must be a mapping (`key: value`), not 7 | ",
        "9:14 by_region.us.kind: must be 'on-demand' or 'spot', not 'spott' | did you mean 'spot'?",
        "10:1 memory_gb: unknown key | did you mean 'memory_gib'?",
    ]


def test_without_the_model_there_is_no_guess() -> None:
    assert _messages("id: a\ngpus: 8\ngpu: 8\n", None) == ["3:1 gpu: unknown key | "]


def test_many_validation_errors_are_counted() -> None:
    text = "id: a\ngpus: 8\n" + "".join(f"k{number}: 1\n" for number in range(80))
    messages = _messages(text)
    assert len(messages) == 51
    assert messages[-1] == "0:0 and 30 more problems | "


@pytest.mark.parametrize(
    ("word", "best"),
    [
        ("h100", "h100-sxm"),
        ("H100_SXM", "h100-sxm"),
        ("l40", "l40s"),
        ("rtx4090", ""),
        ("x" * 100, ""),
        ("out", "output_tokens"),
    ],
)
def test_closest(word: str, best: str) -> None:
    assert closest(word, ["h100-sxm", "l40s", "mi300x", "output_tokens"]) == best
