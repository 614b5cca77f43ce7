"""The search space as one columnar table: what could serve a scenario, what it would do, what it would cost."""

from planner.candidates.evaluation import evaluate
from planner.candidates.table import CandidateTable, candidate_rows

__all__ = ["CandidateTable", "candidate_rows", "evaluate"]
