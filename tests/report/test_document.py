"""Markdown and HTML: self-contained, accessible, escaped, small, and the same figures as everywhere."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from planner.plan import Estimate, Term
from planner.report.cloud import Cloud
from planner.report.deployment import rival_name
from planner.report.document import conflict_document, plan_document
from planner.report.i18n import ENGLISH, LANGUAGES
from planner.scenario import load_scenario

VOID = {"meta", "br", "link", "img", "hr"}


class Page(HTMLParser):
    """Collects elements and text, and fails on tags that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.children: dict[int, list[str]] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def clouds(count: int = 4000) -> list[Cloud]:
    rng = random.Random(7)
    made = []
    for name, limit, middle in (("ttft_p95_ms", 2000, 7), ("tpot_p95_ms", 50, 4)):
        points = [(rng.lognormvariate(middle, 1), rng.lognormvariate(11, 1)) for _ in range(count)]
        feasible = [(x, y) for x, y in points if x < limit and 36_791 < y < 60_000]
        made.append(Cloud(name, feasible, sorted(set(points) - set(feasible))))
    return made


@pytest.fixture(params=LANGUAGES)
def language(request):
    return request.param


def test_the_page_is_well_formed_and_needs_nothing_from_outside(plan, language):
    html = plan_document(plan, "html", clouds=clouds(), language=language)
    page = Page(html)
    assert page.named("html")[0]["lang"] == language
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "img", "iframe", "object"}
    assert not re.search(r"https?://|@import|url\(", html)
    assert all(not name.startswith("on") for _, attributes in page.elements for name in attributes)


def test_ids_are_unique_and_references_resolve(plan):
    page = Page(plan_document(plan, "html", clouds=clouds()))
    ids = [attributes["id"] for _, attributes in page.elements if attributes.get("id")]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        for target in (attributes.get("aria-labelledby") or "").split():
            assert target in ids


def test_tables_have_captions_and_headers_have_scopes(plan, language):
    page = Page(plan_document(plan, "html", clouds=clouds(), language=language))
    assert len(page.named("table")) == len(page.named("caption")) > 5
    assert all(attributes.get("scope") in ("row", "col") for attributes in page.named("th"))


def test_headings_descend_without_a_gap(plan):
    page = Page(plan_document(plan, "html", clouds=clouds()))
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_two_clouds_stay_small_whatever_their_size(plan):
    assert len(plan_document(plan, "html", clouds=clouds(30_000)).encode()) < 500_000


def test_without_candidates_there_is_no_cloud_but_still_a_page(plan):
    page = Page(plan_document(plan, "html"))
    assert not [it for it in page.named("svg") if "scatter" in (it.get("class") or "")]


@pytest.mark.parametrize("form", ["md", "html"])
def test_what_others_wrote_cannot_become_markup(plan, conflict, form):
    evil = "<script>alert(1)</script> | [x](javascript:y) `z` \"'&"
    deployment = replace(plan.deployments[0], offer=evil, provider=evil, model=evil, accelerator=evil)
    plan = replace(plan, scenario=evil, deployments=(deployment,), reasons=(evil,), warnings=(evil,))
    text = plan_document(plan, form)
    conflict = replace(conflict, because=(evil,), summary=evil)
    for made in (text, conflict_document(conflict, form)):
        assert not re.search(r"(?<!\\)<script", made)
        if form == "html":
            Page(made)
        else:
            assert not re.search(r"(?<!\\)\]\(|(?<!\\)`z", made)


def test_a_cell_of_markdown_cannot_break_its_table(plan):
    deployment = replace(plan.alternatives[0].deployment, offer="a | b\nc")
    changed = replace(plan, alternatives=(replace(plan.alternatives[0], deployment=deployment),))
    tables = [line for line in plan_document(changed, "md").splitlines() if line.startswith("|")]
    (row,) = [line for line in tables if "a \\| b c" in line]
    assert len(re.findall(r"(?<!\\)\|", row)) == 7


def test_every_row_of_a_markdown_table_has_the_columns_of_its_head(plan, conflict, language):
    for text in (plan_document(plan, "md", language=language), conflict_document(conflict, "md", language=language)):
        blocks = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
        assert blocks
        for block in blocks:
            counts = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
            assert len(counts) == 1, block


@pytest.mark.parametrize("form", ["md", "html"])
def test_documents_tell_the_same_figures_as_the_terminal(plan, form):
    text = " ".join(plan_document(plan, form).split())
    for figure in ("$36,791", "$50.40/h", "1.31 s", "1.05–1.96 s", "44.2 ms", "78.2 GiB", "54.4 GiB", "+$1,753"):
        assert figure in text


def test_a_document_ends_with_one_newline_and_has_no_holes(plan, language):
    for form in ("md", "html"):
        text = plan_document(plan, form, language=language)
        assert text.endswith("\n")
        assert not text.endswith("\n\n")
        assert "\n\n\n" not in text


def test_a_conflict_lists_its_ways_out(conflict, language):
    page = Page(conflict_document(conflict, "html", language=language))
    text = " ".join("".join(page.text).split())
    assert "$14,600" in text
    assert "8,012" in text


def test_the_scenario_is_echoed_with_what_was_set_over_it_and_stays_inside_its_fence(plan, tmp_path):
    path = tmp_path / "x.yaml"
    body = "name: x\nmodel: m\nworkload: {input_tokens: 1, output_tokens: 1, concurrency: 1}\n"
    path.write_text(body + "# ```\n# <b>not bold</b>\n", encoding="utf-8")
    scenario = load_scenario(path, settings=["workload.concurrency=7"])
    text = plan_document(plan, "md", scenario=scenario)
    block = text[text.index("````yaml") :]
    assert "# ```\n" in block
    assert block.endswith("# --set workload.concurrency=7\n````\n")
    html = plan_document(plan, "html", scenario=scenario)
    assert "# --set workload.concurrency=7" in html
    assert "<b>not" not in html


def test_alternatives_on_the_same_machines_are_named_apart(plan):
    twin = plan.alternatives[0]
    twins = tuple(
        replace(twin, deployment=replace(plan.deployments[0], weights=weights)) for weights in ("int8-w8a8", "nvfp4")
    )
    names = [rival_name(item, replace(plan, alternatives=twins), ENGLISH) for item in twins]
    assert names == [f"2 × lambda-gpu-8x-h100-sxm5, {weights}" for weights in ("int8-w8a8", "nvfp4")]
    assert rival_name(twin, replace(plan, alternatives=(twin,)), ENGLISH) == (
        f"{twin.deployment.instances} × {twin.deployment.offer}"
    )


def test_terms_that_are_not_explained_have_no_empty_column(plan):
    bare = Estimate("power_w", 300.0, "W", terms=(Term("A", 100.0, "W"), Term("B", 200.0, "W")))
    page = plan_document(replace(plan, estimates=(*plan.estimates, bare)), "html")
    table = page[page.index('<table class="terms bare">') :].partition("</table>")[0]
    assert "how it is computed" not in table
    assert {row.count("<t") - row.count("<tr") for row in table.split("<tr")[2:]} == {2}
