"""A row of measured training memory: its columns, and what they say of method, model and device."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from planner.errors import Diagnostic, MeasurementError
from planner.training.setup import Method

_NUMBERS = ("params_b", "zero_stage", "n_gpus", "seq_len", "micro_batch_size", "peak_memory")
_TRUTHS = ("packed", "compile", "activation_checkpointing")


def typed_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows with numbers, truths and nested values as JSON has them, where a CSV file has text.

    Raises MeasurementError with every cell that cannot be read or that no run can have.
    """
    problems: list[Diagnostic] = []
    found = []
    for number, row in enumerate(rows, 1):
        new = dict(row)
        for name, value in row.items():
            try:
                new[name] = _typed(name, value)
            except ValueError as error:
                where = f"row {number}" + (f" ({row['id']})" if row.get("id") else "")
                problems.append(Diagnostic(f"{where}: {name} {error}", code="measurements"))
        found.append(new)
    if problems:
        raise MeasurementError(problems)
    return found


def _typed(name: str, value: Any) -> Any:
    if value is None or value == "":
        return None
    if name in _NUMBERS:
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise ValueError(f"must be a number, is {value!r:.40}") from None
        if isinstance(value, bool) or not 0 <= number < float("inf"):
            raise ValueError(f"must be a number from zero on, is {value!r:.40}")
        return int(number) if number == int(number) else number
    if name in _TRUTHS and isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower(), value)
    if name == "lora":
        if isinstance(value, str):
            try:
                value = json.loads(value.replace("'", '"'))
            except ValueError:
                raise ValueError(f'must be an object such as {{"rank": 32}}, is {value!r:.40}') from None
        if not isinstance(value, dict):
            raise ValueError(f'must be an object such as {{"rank": 32}}, is {value!r:.40}')
    return value


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """A row with readers for its columns."""

    data: Mapping[str, Any]

    def get(self, name: str) -> Any:
        """Return a column, None where it is absent."""
        return self.data.get(name)

    def text(self, name: str) -> str:
        """Return a text, empty where the row has none."""
        value = self.data.get(name)
        return value if isinstance(value, str) else ""

    def integer(self, name: str) -> int | None:
        """Return a whole number, None where the row has none."""
        value = self.data.get(name)
        return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    @property
    def accelerator(self) -> str:
        """The device's name as the catalog writes it: ``A100-SXM4-80G`` is an A100-SXM-80GB."""
        return re.sub(r"(?<=\d)G$", "GB", re.sub(r"(?<=SXM)\d| class\b", "", self.text("gpu")))

    @property
    def stated_gb(self) -> float | None:
        """Memory that the device's name states, in GB; a custom part may have more than the catalog's."""
        found = re.search(r"(\d+) ?GB", self.accelerator)
        return float(found[1]) if found else None

    @property
    def columns(self) -> tuple[Any, ...]:
        """Everything but name and figure: equal for rows that only their order tells apart."""
        left_out = ("id", "peak_memory")
        return tuple((key, repr(value)) for key, value in sorted(self.data.items()) if key not in left_out)

    @property
    def method(self) -> Method:
        """The method; ``lora+emb`` and ``lora (multinode)`` are LoRA, 8-bit and 2-bit bases QLoRA."""
        name = self.text("method").lower()
        if "qlora" in name:
            return "qlora"
        return "lora" if "lora" in name else "full"

    @property
    def model_name(self) -> str:
        """The model's name without remarks; empty for a size such as ``7B``."""
        name = re.sub(r"\(.*?\)", "", self.text("model")).strip()
        name = re.sub(r"^Llama3 ", "Llama 3.1 ", name)
        name = re.sub(r"^Qwen-(1\.8|7|14)B$", r"Qwen1.5-\1B", name)  # Qwen 1.5 kept the widths of Qwen
        name = re.sub(r"^Qwen-72B$", "Qwen2.5-72B", name)  # of the same width, depth and vocabulary
        return "" if re.fullmatch(r"[\d.]+B", name) else name
