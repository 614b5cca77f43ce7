"""What is owned becomes offers, quotas tell offers apart, and racks carry what they feed."""

from __future__ import annotations

import pytest

from planner.candidates.streams import streams_of
from planner.candidates.supply import counts, nodes_owned, owned_prices, quotas_of, stands_in_rack
from planner.errors import ScenarioError
from planner.scenario.supply import Quota

OWN = {"accelerator": "h100-sxm", "nodes": 3}
FEW = [{**OWN, "cost": "73 CNY/h"}, {**OWN, "cost": "2 USD/h"}, {"accelerator": "l40s", "nodes": 1, "gpus_per_node": 4}]


def test_each_entry_is_an_offer_of_its_own(asked, catalog) -> None:
    scenario = asked({"inventory": FEW, "site.region": "us"}, {"currency_rates": {"CNY": 7.3}})
    priced = owned_prices(scenario, catalog, "2026-01-01")
    assert [item.offer.id for item in priced] == ["owned/8x-h100-sxm", "owned/8x-h100-sxm-2", "owned/4x-l40s"]
    assert [item.price.usd_per_hour for item in priced] == [pytest.approx(10), 2, None]
    assert {item.offer.provider for item in priced} == {"owned"} == {item.price.kind for item in priced}
    assert {(item.offer.region, item.offer.country) for item in priced} == {("us", "us")}
    assert nodes_owned(scenario) == (3, 3, 1)


def test_a_server_is_like_one_that_is_sold_before_one_that_is_rented(asked, catalog) -> None:
    (mine,) = owned_prices(asked({"inventory": [{**OWN, "cost": "1 USD/h"}]}), catalog, "2026-01-01")
    like = catalog.offers["purchase/8x-h100-sxm-grey/cn"]
    assert mine.offer.host_power_w == like.host_power_w
    assert mine.offer.network_gbps == like.network_gbps
    assert mine.offer.region == "any"


def test_an_offer_that_it_is_like_may_be_named(asked, catalog) -> None:
    named = {**OWN, "cost": "1 USD/h", "offer": "aws/p5.48xlarge/us-east-1"}
    (mine,) = owned_prices(asked({"inventory": [named]}), catalog, "2026-01-01")
    like = catalog.offers[named["offer"]]
    assert (mine.offer.network_gbps, mine.offer.link_domain) == (like.network_gbps, like.link_domain)
    assert mine.offer.host_power_w is None


def test_a_size_that_nobody_sells_has_the_link_of_its_accelerator(asked, catalog) -> None:
    (mine,) = owned_prices(
        asked({"inventory": [{"accelerator": "h100-sxm", "nodes": 1, "gpus_per_node": 3, "cost": "1 USD/h"}]}),
        catalog,
        "2026-01-01",
    )
    assert (mine.offer.gpus, mine.offer.link_domain, mine.offer.interconnect) == (3, 3, "other")
    assert mine.offer.host_power_w is None


def test_two_entries_alike_are_two_pools(asked, catalog) -> None:
    table = streams_of(asked({"inventory": FEW[:2], "site.region": "us"}), catalog).tables[0]
    owned = {pool.offer.id: pool for pool in table.pools if pool.price.kind == "owned"}
    assert {name: pool.nodes for name, pool in owned.items()} == {"owned/8x-h100-sxm": 3, "owned/8x-h100-sxm-2": 3}
    assert all(pool.committed and pool.capex_usd == 0 for pool in owned.values())
    assert all(pool.nodes is None for pool in table.pools if pool.price.kind != "owned")


@pytest.mark.parametrize(
    ("words", "counted"),
    [
        ({"offer": "gcp/a3-highgpu-1g/asia-east1"}, True),
        ({"offer": "gcp/a3-highgpu-2g/us-east4"}, False),
        ({"accelerator": "h100-sxm"}, True),
        ({"accelerator": "h100-sxm", "provider": "aws"}, False),
        ({"provider": "gcp", "pricing": "reserved-1y"}, True),
        ({"pricing": "on-demand"}, False),
        ({"region": "asia-east1"}, True),
        ({"region": "tw", "provider": "gcp"}, True),
        ({"region": "us"}, False),
    ],
)
def test_a_quota_counts_what_fits_all_its_words(words, counted, catalog) -> None:
    offer = catalog.offers["gcp/a3-highgpu-1g/asia-east1"]
    assert counts(Quota(nodes=1, **words), offer, offer.price("reserved-1y")) is counted


def test_quotas_tell_offers_apart_that_cost_more(asked, catalog) -> None:
    """The dearer of two equal offers is left out, unless a quota speaks of one of them."""
    cheap, dear = "gcp/g2-standard-4/us-east4", "gcp/g2-standard-4/us-central1"
    base = {"search.providers": "gcp", "search.accelerators": ["l4"], "workload.concurrency": 50}

    def offers(**limits) -> set[str]:
        table = streams_of(asked(base, {f"limits.{key}": value for key, value in limits.items()}), catalog).tables[0]
        return {pool.offer.id for pool in table.pools}

    assert cheap in offers(nodes=5)
    assert dear not in offers(nodes=5)
    quota = {"offer": cheap, "nodes": 1}
    assert {cheap, dear} <= offers(quotas=[quota])
    scenario = asked(base, {"limits.quotas": [quota, {"provider": "gcp", "gpus": 9}]})
    for name, expected in ((cheap, (True, True)), (dear, (False, True))):
        assert quotas_of(scenario, catalog.offers[name], catalog.offers[name].price("on-demand")) == expected


def test_places_are_told_apart_where_carbon_or_energy_is_wanted(asked, catalog) -> None:
    base = {"search.providers": "azure", "search.accelerators": ["h100-sxm"], "search.tensor_parallel": None}

    def countries(goal: str) -> set[str]:
        table = streams_of(asked(base, {"objective.first": goal, "limits.nodes": 9}), catalog).tables[0]
        return {pool.offer.country for pool in table.pools}

    assert countries("cost") == {"us"}
    assert countries("carbon") >= {"us", "se"}


def test_a_rack_feeds_servers_of_ones_own_alone(asked, catalog) -> None:
    device = catalog.accelerators["h100-sxm"]
    server = catalog.offers["purchase/8x-h100-sxm-hgx/us"]
    rented = catalog.offers["aws/p5.48xlarge/us-east-1"]
    for most, fits in (("10.1 kW", False), ("10.2 kW", True)):  # 4,600 W of the host and 8 x 700 W
        scenario = asked({"limits.power_per_rack": most})
        assert stands_in_rack(scenario, server, server.price("purchase"), device) is fits
        assert stands_in_rack(scenario, rented, rented.price("on-demand"), device)
    assert stands_in_rack(asked(), server, server.price("purchase"), device)


def test_what_is_owned_without_a_price_of_power_is_asked_for_one(asked) -> None:
    with pytest.raises(ScenarioError, match="has no running cost"):
        asked({"inventory": [OWN]})


def test_what_is_owned_is_not_searched_for_but_by_its_accelerator(asked, catalog) -> None:
    own = {"inventory": FEW[:1], "search.providers": "gcp"}
    kinds = {pool.price.kind for pool in streams_of(asked(own), catalog).tables[0].pools}
    assert kinds == {"owned", "on-demand"}
    table = streams_of(asked(own, {"search.accelerators": ["l4"]}), catalog).tables[0]
    assert {pool.price.kind for pool in table.pools} == {"on-demand"}
