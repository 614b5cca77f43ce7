"""The JSON Schema of scenario files and the reference page, both from the annotations and docstrings of the models.

Pydantic writes the schema; it is imported here and nowhere else in this package, because importing it takes longer
than all the rest of reading a scenario.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from planner.scenario.model import INTERNAL, Scenario
from planner.scenario.words import ANY

SCHEMA_ID = "scenario.schema.json"
TRAINING_SCHEMA_ID = "training-scenario.schema.json"
FLEET_SCHEMA_ID = "fleet-scenario.schema.json"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def scenario_json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a scenario file, for editors and CI.

    What is unlike in units or types it refuses as the planner does. What spans several keys (one kind of load, a
    currency without a rate) or reaches beyond the file only the planner knows.
    """
    from pydantic import TypeAdapter

    schema = _tidy(TypeAdapter(Scenario).json_schema(by_alias=True))
    reachable = set(_references(schema["properties"]))
    for name in sorted(reachable):
        reachable |= set(_references(schema["$defs"][name]))
    definitions = {name: schema["$defs"][name] for name in sorted(reachable)}
    _one_load(definitions["Workload"])
    return {
        "$schema": _DIALECT,
        "$id": SCHEMA_ID,
        "title": "Scenario",
        "description": schema["description"],
        "type": "object",
        "properties": schema["properties"],
        "required": schema["required"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def _one_load(workload: dict[str, Any]) -> None:
    """State what the annotations call optional: a file has one kind of load, and lengths or sizes."""
    workload["oneOf"] = [{"required": ["concurrency"]}, {"required": ["request_rate"]}]
    workload["anyOf"] = [{"required": ["input_tokens", "output_tokens"]}, {"required": ["sizes"]}]
    for name in ("input_tokens", "output_tokens"):
        workload["properties"][name].pop("default", None)


def fleet_json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a scenario file with several services; what each of them says is left out."""
    from pydantic import TypeAdapter

    from planner.scenario.fleet import FleetScenario

    schema = _tidy(TypeAdapter(FleetScenario).json_schema(by_alias=True))
    for name in FleetScenario.HIDDEN:
        schema["properties"].pop(name, None)
    _described(schema["properties"], scenario_json_schema()["properties"])
    schema["properties"]["services"]["description"] = "What is served."
    schema["properties"]["services"]["minItems"] = 1
    _one_load(schema["$defs"]["Workload"])
    reachable = set(_references(schema["properties"]))
    for name in sorted(reachable):
        reachable |= set(_references(schema["$defs"][name]))
    return {
        "$schema": _DIALECT,
        "$id": FLEET_SCHEMA_ID,
        "title": "Scenario with several services",
        "description": schema["description"],
        "type": "object",
        "properties": schema["properties"],
        "required": ["name", "services"],
        "additionalProperties": False,
        "$defs": {name: schema["$defs"][name] for name in sorted(reachable)},
    }


def training_json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a scenario file about training; hidden keys are left out, and so refused."""
    from pydantic import TypeAdapter

    from planner.scenario.sections import key_of
    from planner.scenario.training import TrainingBudget, TrainingScenario, TrainingSearch

    schema = _tidy(TypeAdapter(TrainingScenario).json_schema(by_alias=True))
    for section, node in (
        (TrainingScenario, schema),
        (TrainingBudget, schema["$defs"]["TrainingBudget"]),
        (TrainingSearch, schema["$defs"]["TrainingSearch"]),
    ):
        for name in section.HIDDEN:
            node["properties"].pop(key_of(name), None)
    base = scenario_json_schema()
    _described(schema["properties"], base["properties"])
    for name in ("Budget", "Search"):
        _described(schema["$defs"][f"Training{name}"]["properties"], base["$defs"][name]["properties"])
    reachable = sorted(set(_references(schema["properties"])))
    work = schema["$defs"]["TrainingWorkload"]
    work["required"] = ["kind", *work["required"]]  # what tells such a file from one about serving
    return {
        "$schema": _DIALECT,
        "$id": TRAINING_SCHEMA_ID,
        "title": "Training scenario",
        "description": schema["description"],
        "type": "object",
        "properties": schema["properties"],
        "required": schema["required"],
        "additionalProperties": False,
        "$defs": {name: schema["$defs"][name] for name in reachable},
    }


def _described(properties: dict[str, Any], base: dict[str, Any]) -> None:
    """Give inherited properties the description that stands in the class that has their docstring."""
    for name, node in properties.items():
        if "description" not in node and name in base:
            node["description"] = base[name]["description"]


def schema_text(schema: dict[str, Any]) -> str:
    """Return a schema as it stands under ``schemas/``."""
    import json

    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _tidy(node: Any) -> Any:
    """Drop what tells a reader nothing: titles made from names, defaults of sections, fields that no file can set."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    clean: dict[str, Any] = {}
    for key, value in node.items():
        if key in ("properties", "$defs"):
            clean[key] = {name: _tidy(item) for name, item in value.items() if name not in INTERNAL}
        elif key == "description":
            clean[key] = " ".join(value.split())
        elif key != "title" and (key != "default" or isinstance(value, (bool, int, float, str))):
            clean[key] = _tidy(value)
    if {"const": ANY} in clean.get("anyOf", ()):
        clean["default"] = ANY
    return clean


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"].rpartition("/")[2]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


_INTRODUCTION = """\
# Scenario files

A scenario is one question to the planner: a model, its load, what the answer has to hold, what may be spent. It is a
YAML file; the first line below gives editors completion and checks.

```yaml
# yaml-language-server: $schema=../schemas/scenario.schema.json
name: 70b-chat
model: meta-llama/Llama-3.1-70B-Instruct
workload: {input_tokens: 2048, output_tokens: 512, concurrency: 200}
sla: {ttft_p95: 2s, tpot_p95: 50ms}
budget: {max: 60000 USD/month}
quality: {min_recovery: 98%}
search: {weights: any, pricing: [on-demand, reserved-1y]}
```

## How values are written

| what | as in | notes |
|---|---|---|
| count | `2048`, `8k`, `128Ki`, `10B` | `k M B T` are thousands, `Ki Mi Gi` are 1024s, `万 亿` are 10^4 and 10^8 |
| duration | `250ms`, `2s`, `1.5 min` | a bare number is refused, and so is `2m` |
| rate | `12/s`, `500/min`, `12 rps`, `5k tok/s` | |
| share | `98%`, `0.98` | `98` is refused |
| money | `60000 USD/month`, `$2.49/h`, `￥8.98/h`, `60万元` | per hour, month (730 hours) or year; `¥` is the yuan |
| horizon | `36 months`, `3 years` | |

Other currencies need `currency_rates`. YAML is read as version 1.2: `on`, `no` and `12:30` are texts, `1e9` a number.
Refused: a key that stands twice, tags, merge keys (`<<`), numbers with a leading zero, aliases that grow beyond 50,000
values, nesting beyond 32, files above 1 MiB or not in UTF-8.

Files that a scenario names (`rules`, a `model` that is a path) are relative to the scenario and have to lie in its
directory or below it, links followed: who sends a scenario does not choose what is read elsewhere.

Everything wrong with a file is said at once, each with its line and a remedy; the exit code is then 2.
"""


_SEVERAL = """\
A file about several services that share budget, inventory, quotas and nodes has `services` in place of `model`,
`workload`, `sla` and `quality`; every other key stands as above and is meant of all of them together. What `search`
says at the top holds for each service, which may narrow it further.

```yaml
name: platform
services:
  - name: chat
    model: meta-llama/Llama-3.1-70B-Instruct
    workload: {input_tokens: 2k, output_tokens: 512, concurrency: 120}
    sla: {ttft_p95: 2s, tpot_p95: 50ms}
  - name: assistant
    model: Qwen/Qwen3-8B
    workload: {input_tokens: 1200, output_tokens: 300, request_rate: 8/s}
budget: {max: 40000 USD/month}
inventory: [{accelerator: a100-sxm-80, nodes: 2, cost: 2.50 USD/h}]
```
"""


_TRAINING = """\
`workload: {kind: training, ...}` asks for a training run in place of a service; [training](training.md) says what
follows from it. The hardware is rented for as long as the run takes. Keys about serving (`sla`, `quality`, `site`,
rules, `inventory`, `limits`, `objective`) are refused, and so are those of `search` about weights, KV caches, engines,
vendors, mixes and disaggregation; the others stand as above.

```yaml
# yaml-language-server: $schema=../schemas/training-scenario.schema.json
name: 8x7b-full
model: mistralai/Mixtral-8x7B-v0.1
workload: {kind: training, method: full, tokens: 5B, sequence_length: 8Ki, global_batch: 256, deadline: 7d}
budget: {run: 20000 USD}
search: {accelerators: [h100-sxm, h200-sxm], sharding: [fsdp, hsdp], offload: none}
```
"""


def _training() -> Iterator[str]:
    """Yield the tables of what a scenario about training has beside or instead of what one about serving has."""
    schema, base = training_json_schema(), scenario_json_schema()
    for name in ("workload", "budget", "search"):
        section = f"Training{name.capitalize()}"
        known = base["$defs"][name.capitalize()]["properties"] if name != "workload" else {}
        own = [key for key in schema["$defs"][section]["properties"] if key not in known]
        yield from ("", f"### {name} of a training run", "", schema["$defs"][section]["description"], "")
        yield from _table(schema["$defs"][section], only=own)


def scenario_reference() -> str:
    """Return ``docs/scenario.md``: every key with its form, default and meaning."""
    schema = scenario_json_schema()
    parts = [_INTRODUCTION, "## Keys", "", *_table(schema)]
    parts += _sections(schema, schema["properties"], "")
    parts += ["", "## Several services", "", _SEVERAL, *_table(fleet_json_schema(), only=("services",))]
    service = fleet_json_schema()["$defs"]["ServiceAsked"]
    parts += ["", "### services", "", service["description"], "", *_table(service)]
    parts += ["", "## Training", "", _TRAINING.rstrip(), *_training()]
    return "\n".join(parts) + "\n"


def _sections(schema: dict[str, Any], properties: dict[str, Any], above: str) -> Iterator[str]:
    """Yield a table for each section, and one for each section in it."""
    for key, node in properties.items():
        section = next(_references(node), None)
        if section is not None:
            definition = schema["$defs"][section]
            yield from ("", f"### {above}{key}", "", definition["description"], "", *_table(definition))
            yield from _sections(schema, definition["properties"], f"{above}{key}.")


def _table(schema: dict[str, Any], only: Collection[str] = ()) -> Iterator[str]:
    yield "| key | for example | default | meaning |"
    yield "|---|---|---|---|"
    required = schema.get("required", ())
    for key, node in schema["properties"].items():
        if only and key not in only:
            continue
        inner = next(_references(node), None)
        if inner is not None:
            example = "a list, [below](#{0})" if node.get("type") == "array" else "[below](#{0})"
            example = example.format(key)
        else:
            example = ", ".join(f"`{_yaml(item)}`" for item in node["examples"])
        default = "required" if key in required else f"`{_yaml(node['default'])}`" if "default" in node else ""
        yield f"| `{key}` | {example} | {default} | {node['description']} |"


def _yaml(value: Any) -> str:
    """Return a value as it would stand in a file, on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(_yaml(item) for item in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_yaml(item)}" for key, item in value.items()) + "}"
    return f"{value:g}" if isinstance(value, float) else str(value)
