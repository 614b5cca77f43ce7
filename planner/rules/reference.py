"""``docs/rules-variables.md``: every variable that a rule may read, from the table that declares them."""

from __future__ import annotations

from planner.rules.variables import VARIABLES, Variable

_HEADINGS = {
    "accelerator": "The accelerator that a candidate runs on.",
    "offer": "The instance or server, at one of its prices.",
    "model": "The model that is served.",
    "format": "How the weights are stored and computed with.",
    "kv_format": "How the KV cache is stored.",
    "engine": "The inference engine.",
    "layout": "How a replica is spread.",
    "scenario": "What is asked. A requirement that the scenario does not state is 0.0 or empty.",
    "estimates": "What the candidate would do, at the scenario's load.",
    "plan": "The whole plan; see [rules over it](rules.md#rules-over-the-whole-plan).",
}
_STAGES = {"static": "before estimates", "estimate": "with the estimates", "plan": "over the plan"}

_INTRODUCTION = """\
# Variables of rules

Written by `python -m planner.rules.reference`; `planner rules variables` prints the same. Types are CEL's: `int` and
`double` do not mix (write `8.0` beside a double), texts stand in quotes, lists are walked through with `all`, `exists`
or `in`. Every variable always has a value; what stands for "none" is in its description.
"""


def variables_reference() -> str:
    """Return the page."""
    by_subject: dict[str, list[Variable]] = {}
    for variable in VARIABLES.values():
        by_subject.setdefault("layout" if variable.name == "replicas" else variable.subject, []).append(variable)
    parts = [_INTRODUCTION]
    for subject, heading in _HEADINGS.items():
        rows = [f"| `{v.name}` | {v.type} | {_STAGES[v.stage]} | {v.doc} |" for v in by_subject.pop(subject)]
        parts.append(
            "\n".join(
                [f"## {subject}", "", heading, "", "| name | type | known | meaning |", "|---|---|---|---|", *rows, ""]
            )
        )
    if by_subject:
        raise LookupError(f"no heading for {', '.join(by_subject)}")
    return "\n".join(parts)


if __name__ == "__main__":
    print(variables_reference(), end="")
