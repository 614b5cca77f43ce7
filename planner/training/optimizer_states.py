"""What an optimizer keeps of a stage on one rank, and how many ranks divide what lies there."""

from __future__ import annotations

from collections.abc import Callable

from planner.plan import Term
from planner.training.optimizers import State
from planner.training.parallel import SHARDS_STATES
from planner.training.precision import Precision
from planner.training.setup import TrainingSetup
from planner.training.shares import Piece, Stage

ZERO = "ZeRO, arXiv 1910.02054, section 5"

Chosen = Callable[[Piece], bool]


def ways_of(setup: TrainingSetup, sharding: frozenset[str] | set[str]) -> tuple[int, int]:
    """Return the ranks that divide what ``sharding`` names ways to divide: of the rest, and of experts."""
    parallel = setup.parallel
    if parallel.sharding not in sharding:
        return 1, 1
    return parallel.shard_ways, parallel.expert_shard_ways


def sized(name: str, elements: float, each: float, ways: int, source: str) -> Term:
    """Return a term of ``elements`` on this rank, which ``ways`` ranks share."""
    formula = f"{elements * ways:,.0f} x {each:g} B" + (f" / {ways}" if ways > 1 else "")
    return Term(name, elements * each, "bytes", formula, source if ways == 1 else ZERO)


def optimizer_states(setup: TrainingSetup, stage: Stage, precision: Precision, *, paged: bool = False) -> list[Term]:
    """Return the optimizer's states; those that are paged to the host only where they are asked for."""
    if setup.optimizer.paged and not paged:
        return []
    ways, expert_ways = ways_of(setup, SHARDS_STATES)
    terms = []
    for state in setup.optimizer.states:
        chosen = _pieces_of(state)
        if state.factored:
            size = sum(
                4.0
                * (p.rows + p.columns if p.columns > 1 else p.rows)
                * p.count
                * p.copies
                / (expert_ways if p.is_expert else ways)
                for p in stage.pieces
            )
            terms.append(Term(state.name, size, "bytes", "(rows + columns) x 4 B", setup.optimizer.source))
        else:
            each = state.bytes_per_parameter or precision.states
            everywhere = state.applies_to == "all"
            elements = stage.shared(ways, expert_ways) if everywhere else stage.sharded(ways, expert_ways, chosen)
            terms.append(sized(state.name, elements, each, ways, setup.optimizer.source))
    return terms


def _pieces_of(state: State) -> Chosen:
    if state.applies_to == "all":
        return lambda piece: True
    wanted = state.applies_to == "matrices"
    return lambda piece: piece.is_matrix == wanted
