"""A row of measured training memory: its columns, and what they say of method, model and device."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from planner.training.setup import Method


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
