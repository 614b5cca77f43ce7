"""Which solver suits which problem: CP-SAT where logic decides, SCIP where counts do."""

from __future__ import annotations

from collections import Counter

from planner.solve.problem import Outcome, Problem, Solver

COUNTED_OPTIONS = 100
"""Options with a replica count of their own up to which CP-SAT proves an optimum in a fraction of a second.

Measured on generated fleets (docs/solver-benchmark.md): 15 take it 0.1 s, 240 up to a second, 566 more than its limit.
"""


def solver_for(problem: Problem) -> Solver:
    """Return CP-SAT or SCIP, by the shape of ``problem`` after pruning.

    One layout per service makes every choice a Boolean: that is logic, which CP-SAT decides exactly for hundreds of
    services, ties included, and whose INFEASIBLE is confirmed. A service that may mix layouts has a count per option:
    of counts a relaxation in real numbers knows most, and CP-SAT has none to speak of. Hours do not count: over a day
    CP-SAT proves in a second or two what SCIP closes in on for ten (22 options, 14 different hours).
    """
    options = Counter(problem.options.service)
    counted = sum(options[s] for s, service in enumerate(problem.services) if service.max_options > 1)
    if counted > COUNTED_OPTIONS:
        from planner.solve.milp import MilpSolver

        return MilpSolver()
    from planner.solve.solver import CpSatSolver

    return CpSatSolver()


class ChosenSolver:
    """Solves each problem with the solver that suits it; the outcome names which one that was."""

    name = "chosen by shape"

    def solve(self, problem: Problem) -> Outcome:
        """Solve ``problem`` with ``solver_for`` it; where CP-SAT stops at its limit, SCIP has its turn."""
        solver = solver_for(problem)
        found = solver.solve(problem)
        if solver.name != "cp-sat" or found.status in ("optimal", "infeasible"):
            return found
        from planner.solve.milp import MilpSolver

        other = MilpSolver().solve(problem)
        return other if other.solution is not None and (found.solution is None or other.gap < found.gap) else found
