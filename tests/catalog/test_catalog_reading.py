"""Files that are wrong: every problem at once, each with its file, line and remedy."""

from __future__ import annotations

import pytest

from planner.catalog import load_catalog
from planner.errors import CatalogError
from planner.paths import data_dir


def problems(*roots) -> list[str]:
    """Return ``file:line message | remedy`` of everything that is wrong below ``roots``."""
    with pytest.raises(CatalogError) as caught:
        load_catalog(roots)
    return [f"{item.path}:{item.line} {item.message} | {item.help}" for item in caught.value.diagnostics]


def changed(root, name: str, old: str, new: str):
    """Replace a text of one file, which must have it."""
    path = root / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return root


def test_a_good_catalog_reads_as_it_is_written(small):
    catalog = load_catalog([small()])
    assert catalog.accelerators["one"].memory_bytes_usable == int(79.5 * 1024**3)
    assert list(catalog.offers) == ["cloud/big/north", "cloud/big/south"]
    north = catalog.offers["cloud/big/north"]
    assert (north.country, north.gpus, [price.kind for price in north.prices]) == ("se", 8, ["on-demand", "spot"])
    assert north.price("spot").usd_per_hour == 8
    assert (north.price("spot").confidence, north.price("on-demand").confidence) == ("low", "high")
    assert {(price.source, price.as_of) for price in north.prices} == {("price list", "2026-07-20")}
    assert north.price("purchase") is None


@pytest.mark.parametrize("field", ["source: a data sheet\n", "as_of: 2026-07\n"])
def test_a_figure_without_source_or_date_is_refused(small, field):
    root = changed(small(), "accelerators/one.yaml", field, "")
    name = field.partition(":")[0]
    assert problems(root) == [f"catalogs/accelerators/one.yaml:1 {name} is missing | add `{name}: ...`"]


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("accelerators/one.yaml", "tdp_w: 700", "tpd_w: 700", "one.yaml:15 tpd_w: unknown key | did you mean 'tdp_w'?"),
        ("accelerators/one.yaml", "bf16: 900", "bf61: 900", "one.yaml:13 tflops"),
        ("accelerators/one.yaml", "bf16: 900", "bf16: -900", "tflops.bf16: must be more than 0.0, not -900"),
        ("accelerators/one.yaml", "79.5", "'79.5'", "memory_gib_usable: must be a number, not '79.5'"),
        ("accelerators/one.yaml", "topology: switch", "topology: swich", "| did you mean 'switch'?"),
        ("accelerators/one.yaml", "2026-07", "July", "as_of: 'July' does not have the form"),
        ("accelerators/one.yaml", "2026-07", "2026-13", "as_of: '2026-13' does not have the form"),
        ("accelerators/one.yaml", "id: one\n", "id: one\nid: two\n", "one.yaml:2 key 'id' is given twice"),
        (
            "accelerators/one.yaml",
            "id: one",
            "id: uno",
            "one.yaml:1 id: stands in catalogs/accelerators/one.yaml | name",
        ),
        ("formats/half.yaml", "significand_bits: 8", "significand_bits: 9", "half.yaml:5 bits_per_weight: sign, 8 exp"),
        ("offers/cloud.yaml", "accelerator: one", "accelerator: ona", "accelerator: 'ona' is no accelerator | did you"),
        ("offers/cloud.yaml", "from: list", "from: lost", "from: names no source of this file | known: list"),
        ("offers/cloud.yaml", "region: north", "region: west", "region: names no region of `countries` | known: north"),
        ("offers/cloud.yaml", "kind: spot", "kind: on-demand", "is the second on-demand price in north"),
        ("offers/cloud.yaml", "kind: spot", "kind: purchase", "the purchase price must be usd_per_hour"),
        ("offers/cloud.yaml", "usd_per_hour: 22", "capex_usd: 22", "the on-demand price must be usd_per_hour"),
        ("offers/cloud.yaml", "link_domain: 8", "link_domain: 16", "link_domain: is more than its 8 GPUs"),
        ("offers/cloud.yaml", "provider: cloud", "provider: clod", "provider: stands in catalogs/offers/cloud.yaml"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(small, name, old, new, said):
    found = problems(changed(small(), name, old, new))
    assert any(said in line for line in found), found


def test_all_problems_of_all_files_come_at_once(small):
    root = changed(small(), "accelerators/one.yaml", "vendor: Maker\n", "")
    changed(root, "formats/half.yaml", "kind: float", "kind: flat")
    changed(root, "offers/cloud.yaml", "gpus: 8", "gpus: 0")
    files = {line.partition(":")[0] for line in problems(root)}
    assert files == {"catalogs/accelerators/one.yaml", "catalogs/formats/half.yaml", "catalogs/offers/cloud.yaml"}


def test_an_alias_that_means_two_things_is_refused(small):
    other = (small() / "formats/half.yaml").read_text().replace("id: half", "id: other") + "aliases: [HALF]\n"
    assert problems(small(**{"formats/other.yaml": other})) == [
        "catalogs/formats/other.yaml:12 aliases[0]: 'HALF' already means half | "
    ]


def test_parts_of_a_bought_server_must_add_up(small):
    server = """\
provider: purchase
name: Bought
sources: {list: {source: a list, as_of: 2026-03, confidence: low}}
countries: {us: us}
instances:
  - instance: box
    accelerator: one
    gpus: 1
    interconnect: none
    link_domain: 1
    items:
      - {name: Card, count: 2, usd_each: 1000, from: list}
      - {name: Host, count: 1, usd_each: 500, from: list}
    prices:
      - {region: us, kind: purchase, from: list, capex_usd: 2600}
"""
    assert any("items: add up to 2500 USD" in line for line in problems(small(**{"offers/purchase.yaml": server})))
    right = server.replace("2600", "2500")
    offer = load_catalog([small(**{"offers/purchase.yaml": right})]).offers["purchase/box/us"]
    assert offer.purchase
    assert sum(item.usd for item in offer.items) == offer.price("purchase").capex_usd == 2500


ENGINE = """\
id: motor
name: Motor
version: '1'
serving: true
parallelism: {tensor: true}
weights:
  - {formats: [half], generations: [first], level: native, source: docs, as_of: '2026'}
kv_cache: []
settings:
  - name: batch
    rules: [{value: 8192, min_memory_gib: 70}, {value: 2048, not_accelerators: [one]}]
    source: code
    as_of: '2026'
source: docs
as_of: '2026'
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("formats: [half]", "formats: [haf]", "weights[0].formats[0]: 'haf' is no format | did you mean 'half'?"),
        ("generations: [first]", "generations: [fist]", "'fist' is no generation | did you mean 'first'?"),
        ("min_memory_gib: 70", "min_memory_gib: 90", "settings[0].rules: batch has no value on one"),
        ("[one]", "[won]", "'won' is no accelerator"),
        (
            "kv_cache: []",
            "kv_cache: [{formats: [half], generations: [], level: no, source: d, as_of: '2026'}]",
            "no format",
        ),
    ],
)
def test_engines_speak_of_what_exists(small, old, new, said):
    found = problems(small(**{"engines/motor.yaml": ENGINE.replace(old, new)}))
    assert any(said in line for line in found), found


def test_an_engine_may_not_say_two_things_of_one_format(small):
    row = ENGINE.splitlines()[6]
    found = problems(small(**{"engines/motor.yaml": ENGINE.replace(row, f"{row}\n{row.replace('native', 'no')}")}))
    assert any("weights[1]: half on first was spoken of before" in line for line in found)


def test_an_entity_of_ones_own_replaces_a_shipped_one(small, tmp_path):
    own = tmp_path / "own" / "accelerators"
    own.mkdir(parents=True)
    (own / "one.yaml").write_text((small() / "accelerators/one.yaml").read_text().replace("79.5", "70"))
    assert load_catalog([small(), tmp_path / "own"]).accelerators["one"].memory_gib_usable == 70
    (own / "one.yaml").write_text("id: one\n")
    assert all(line.startswith(f"{own / 'one.yaml'}:") for line in problems(small(), tmp_path / "own"))


def test_the_shipped_catalog_alone_is_read_where_no_directory_is_given(monkeypatch, tmp_path):
    from planner.catalog.files import catalog_roots

    assert catalog_roots() == (data_dir("catalogs"),)
    monkeypatch.delenv("PLANNER_CATALOG_PATH")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert catalog_roots() == (data_dir("catalogs"),)
    (tmp_path / "planner" / "catalogs").mkdir(parents=True)
    assert catalog_roots() == (data_dir("catalogs"), tmp_path / "planner" / "catalogs")


def test_a_link_to_nowhere_is_a_problem_and_hides_nothing(small):
    root = small()
    (root / "formats" / "gone.yaml").symlink_to(root / "nowhere.yaml")
    assert [line.split(" | ")[0] for line in problems(root)] == ["catalogs/formats/gone.yaml:0 no such file"]
