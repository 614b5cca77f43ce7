"""What the user asks: workload, SLA, budget, quality and the limits of the search.

scenario = load_scenario("scenarios/70b-chat.yaml")
scenario.sla.ttft_p95_ms        # 2000.0
scenario.budget.usd_per_month   # 60000.0
"""

from planner.scenario.loader import check_references, load_scenario, parse_scenario, scenario_from_data
from planner.scenario.model import Scenario
from planner.scenario.sections import SLA, Budget, DisabledRule, Quality, Search, Site
from planner.scenario.workload import Workload

__all__ = [
    "SLA",
    "Budget",
    "DisabledRule",
    "Quality",
    "Scenario",
    "Search",
    "Site",
    "Workload",
    "check_references",
    "load_scenario",
    "parse_scenario",
    "scenario_from_data",
]
