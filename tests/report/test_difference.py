"""Plans compared: matching, fields, figures, money, and how that is told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from planner.plan import Deployment, Estimate
from planner.plan_diff import diff_plans
from planner.report.difference import diff_text, diff_to_dict, summary


def with_deployments(plan, *items: Deployment):
    return replace(plan, deployments=items)


def test_equal_plans_have_no_changes(plan):
    diff = diff_plans(plan, plan)
    assert not diff.different
    assert summary(diff) == "No changes; $36,791/month."
    assert diff_text(diff).splitlines() == ["No changes; $36,791/month."]


def test_more_of_the_same_instances_is_a_change(plan):
    old = plan.deployments[0]
    more = replace(old, replicas=6, instances=3, gpus=24)
    diff = diff_plans(plan, replace(with_deployments(plan, more), cost_usd_per_month=73_582.0))
    assert (diff.added, diff.removed) == ((), ())
    assert [(it.name, it.old, it.new) for it in diff.changed[0].fields] == [
        ("replicas", 4, 6),
        ("instances", 2, 3),
        ("gpus", 16, 24),
    ]
    text = diff_text(diff)
    assert "~ 70b-chat: lambda-gpu-8x-h100-sxm5 (on-demand)\n    replicas   4 -> 6\n" in text
    assert text.endswith("Plan: 0 to add, 1 to change, 0 to remove; $36,791 -> $73,582/month (+$36,791, +100.0%).\n")


def test_other_instances_are_removed_and_added(plan):
    old = plan.deployments[0]
    other = replace(old, offer="aws/p5.48xlarge/us-east-1", pricing="reserved-1y")
    diff = diff_plans(plan, with_deployments(plan, other))
    assert diff.removed == (old,)
    assert diff.added == (other,)
    lines = diff_text(diff).splitlines()
    assert lines[0].startswith("- 70b-chat: 2 x lambda-gpu-8x-h100-sxm5 (on-demand), 16 x h100-sxm-80gb; 4 x TP 4, fp8")
    assert lines[1].startswith("+ 70b-chat: 2 x aws/p5.48xlarge/us-east-1 (reserved-1y)")
    assert lines[-1] == "Plan: 1 to add, 0 to change, 1 to remove; $36,791/month as before."


def test_the_way_to_pay_is_part_of_what_is_rented(plan):
    diff = diff_plans(plan, with_deployments(plan, replace(plan.deployments[0], pricing="spot")))
    assert (len(diff.added), len(diff.removed), len(diff.changed)) == (1, 1, 0)


def test_equal_layouts_on_the_same_instances_find_each_other(plan):
    """Two layouts of a service on one offer: the one that stays is no change, whatever the order."""
    wide = plan.deployments[0]
    narrow = replace(wide, tensor_parallel=2, gpus_per_replica=2)
    longer = replace(narrow, replicas=9)
    diff = diff_plans(with_deployments(plan, wide, narrow), with_deployments(plan, longer, wide))
    assert [(item.old, item.new) for item in diff.changed] == [(narrow, longer)]
    assert (diff.added, diff.removed) == ((), ())


def test_figures_and_limits_that_differ_are_told_with_their_share(plan):
    slower = tuple(replace(it, value=it.value * 1.1) if it.name == "ttft_p95_ms" else it for it in plan.estimates)
    asked = tuple(replace(it, limit=it.limit / 2) if it.requirement == "sla.ttft_p95" else it for it in plan.margins)
    diff = diff_plans(plan, replace(plan, estimates=slower, margins=asked))
    assert [item.name for item in diff.figures] == ["ttft_p95_ms"]
    assert [item.name for item in diff.limits] == ["sla.ttft_p95"]
    text = diff_text(diff)
    assert "(+10.0%)" in text
    assert "Asked" in text
    assert diff.different


def test_a_figure_of_one_plan_only_and_one_in_another_unit(plan):
    name = plan.estimates[0].name
    more = (*plan.estimates[1:], replace(plan.estimates[0], unit="s", value=1.0), Estimate("power_w", 7.0, "W"))
    diff = diff_plans(
        replace(plan, estimates=tuple(it for it in plan.estimates if it.name != "power_w")),
        replace(plan, estimates=more),
    )
    found = {item.name: (item.unit, item.old, item.new) for item in diff.figures}
    assert found[name] == ("s", None, 1.0)
    assert found["power_w"] == ("W", None, 7.0)
    assert "none -> " in diff_text(diff)


def test_rounding_in_a_file_is_no_difference(plan):
    near = tuple(replace(item, value=item.value * (1 + 1e-12)) for item in plan.estimates)
    assert not diff_plans(plan, replace(plan, estimates=near)).different


def test_inputs_alone_are_named_but_are_no_difference(plan):
    newer = replace(plan, inputs=(*plan.inputs, ("catalog.offers", "another digest")))
    diff = diff_plans(plan, newer)
    assert diff.inputs == ("catalog.offers",)
    assert not diff.different
    assert "Inputs that differ: catalog.offers" in diff_text(diff)


def test_json_holds_everything(plan):
    other = replace(plan.deployments[0], offer="other")
    third = replace(plan.deployments[0], service="code", replicas=5)
    old = with_deployments(plan, plan.deployments[0], replace(third, replicas=4))
    data = json.loads(json.dumps(diff_to_dict(diff_plans(old, with_deployments(plan, other, third))), allow_nan=False))
    assert data["different"] is True
    assert data["add"][0]["offer"] == "other"
    assert data["remove"][0]["replicas"] == 4
    assert data["change"] == [
        {
            "service": "code",
            "offer": plan.deployments[0].offer,
            "pricing": "on-demand",
            "fields": {"replicas": {"from": 4, "to": 5}},
        }
    ]
    assert data["cost_usd_per_month"] == {"from": plan.cost_usd_per_month, "to": plan.cost_usd_per_month}


@pytest.mark.parametrize(
    ("before", "said"), [(0.0, "$0.00 -> $36,791/month (+$36,791, new)"), (73_582.0, "-$36,791, -50.0%")]
)
def test_the_money_is_told_both_ways(plan, before, said):
    other = with_deployments(plan, replace(plan.deployments[0], replicas=9))
    assert said in summary(
        diff_plans(replace(plan, cost_usd_per_month=before), replace(other, cost_usd_per_month=36_791.0))
    )


def test_the_only_service_may_have_another_name(plan):
    """Two scenarios that differ in their name alone have the same plan; with several services names tell them apart."""
    renamed = replace(plan.deployments[0], service="70b-chat-company")
    assert not diff_plans(plan, with_deployments(plan, renamed)).different
    code = replace(plan.deployments[0], service="code", offer="other")
    both = with_deployments(plan, plan.deployments[0], code)
    diff = diff_plans(both, with_deployments(plan, renamed, code))
    assert (len(diff.removed), len(diff.added)) == (1, 1)


def test_the_memory_of_other_hardware_is_not_asked_for(plan):
    margins = tuple(replace(item, limit=1.0) if item.requirement == "memory_per_gpu" else item for item in plan.margins)
    assert any(item.requirement == "memory_per_gpu" for item in plan.margins)
    assert diff_plans(plan, replace(plan, margins=margins)).limits == ()
