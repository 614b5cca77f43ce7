"""What each declared variable is, read from the entries of the catalog, the model and the scenario.

One function per variable, called only for the variables that a rule in play reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from planner.rules.variables import Value

if TYPE_CHECKING:
    from planner.architecture.model import ModelArchitecture, Tensor
    from planner.catalog import Catalog
    from planner.catalog.schema.accelerators import Accelerator
    from planner.catalog.schema.engines import Engine
    from planner.catalog.schema.formats import KvFormat, WeightFormat
    from planner.catalog.schema.offers import Offer, Price
    from planner.scenario import Scenario

BITS: Mapping[str, int] = {"fp32": 32, "fp16": 16, "bf16": 16, "fp8": 8, "int8": 8, "fp4": 4, "int4": 4}
"""Bits of an operation as 15 CFR 774 Supplement 1, note to 3A090, counts them.

TF32 is left out: the note leaves its length open, and it is the greatest product on no accelerator of the catalog.
"""


@dataclass(frozen=True, slots=True)
class Priced:
    """An offer at one of its prices, and the day at which the price is judged."""

    offer: Offer
    price: Price
    today: str

    @property
    def age_days(self) -> int:
        """Days since the price was read."""
        return price_age_days(self.price.as_of, self.today)


@dataclass(frozen=True, slots=True)
class Asked:
    """A scenario, the country of the site that it names ('' for none) and the day at which prices are judged."""

    scenario: Scenario
    destination: str
    today: str

    @classmethod
    def of(cls, scenario: Scenario, catalog: Catalog) -> Asked:
        """Look the site and, where the scenario names no day, the newest price up in the catalog."""
        region = catalog.regions.get(scenario.site.region) if scenario.site.region else None
        today = scenario.as_of or newest_price(catalog.offers.values())
        return cls(scenario, region.country.lower() if region else "", today)


def price_age_days(as_of: str, today: str) -> int:
    """Return days from a price's date (``2026``, ``2026-07`` or a day; its last day counts) to ``today``, at least 0.

    >>> price_age_days("2026-07", "2026-08-30")
    30
    """
    from planner.catalog.schema.base import latest_day

    return max(0, date.fromisoformat(latest_day(today)).toordinal() - _ordinal(latest_day(as_of)))


def newest_price(offers: Iterable[Offer]) -> str:
    """Return the date of the newest price, at its own precision; empty without any."""
    from planner.catalog.schema.base import latest_day

    return max((price.as_of for offer in offers for price in offer.prices), key=latest_day, default="")


def _ordinal(day: str) -> int:
    """``2026-02-31``, the last day that ``2026-02`` may mean as text, is the last of February."""
    year, month, of_month = (int(part) for part in day.split("-"))
    following = date(year + month // 12, month % 12 + 1, 1).toordinal()
    return min(date(year, month, 1).toordinal() + of_month - 1, following - 1)


def _gfx(accelerator: Accelerator) -> str:
    return accelerator.compute_capability if accelerator.compute_capability.startswith("gfx") else ""


def _performance(accelerator: Accelerator) -> float:
    return max((tflops * BITS[name] for name, tflops in accelerator.tflops.items() if name in BITS), default=0.0)


def _peer_to_peer(accelerator: Accelerator) -> str:
    known = accelerator.pcie.peer_to_peer if accelerator.pcie else None
    return "unknown" if known is None else "yes" if known else "no"


ACCELERATOR: dict[str, Callable[[Accelerator], Value]] = {
    "accelerator.id": lambda a: a.id,
    "accelerator.name": lambda a: a.name,
    "accelerator.vendor": lambda a: a.vendor.lower(),
    "accelerator.generation": lambda a: a.generation,
    "accelerator.compute_capability": lambda a: a.cuda_capability,
    "accelerator.gfx": _gfx,
    "accelerator.memory_gib": lambda a: a.memory_gib_usable,
    "accelerator.bandwidth_gb_per_s": lambda a: a.bandwidth_gbytes_per_s,
    "accelerator.compute_formats": lambda a: tuple(sorted(a.tflops)),
    "accelerator.total_processing_performance": _performance,
    "accelerator.link_kind": lambda a: a.link.kind,
    "accelerator.link_gb_per_s": lambda a: a.link.gbytes_per_s_one_way,
    "accelerator.pcie_peer_to_peer": _peer_to_peer,
    "accelerator.tdp_w": lambda a: a.tdp_w or 0.0,
}

OFFER: dict[str, Callable[[Priced], Value]] = {
    "offer.id": lambda p: p.offer.id,
    "offer.provider": lambda p: p.offer.provider,
    "offer.instance": lambda p: p.offer.instance,
    "offer.gpus": lambda p: p.offer.gpus,
    "offer.link_domain": lambda p: p.offer.link_domain,
    "offer.interconnect": lambda p: p.offer.interconnect,
    "offer.network_gbps": lambda p: p.offer.network_gbps or 0.0,
    "offer.region": lambda p: p.offer.region,
    "offer.country": lambda p: p.offer.country,
    "offer.pricing": lambda p: p.price.kind,
    "offer.usd_per_hour": lambda p: p.price.usd_per_hour or 0.0,
    "offer.capex_usd": lambda p: p.price.capex_usd or 0.0,
    "offer.price_age_days": lambda p: p.age_days,
}


def _attention(architecture: ModelArchitecture, name: str) -> int:
    return max((getattr(group.mixer, name) for group in architecture.layers), default=0)


_DIVIDED = frozenset({"attention", "mlp", "experts_shared"})
_NARROWEST = 128
"""Output features below which a matrix is a gate per head or the like, which quantizers leave in 16 bits."""


def _widths(architecture: ModelArchitecture, split: str, size: Callable[[Tensor], int]) -> tuple[int, ...]:
    found = {
        size(tensor)
        for tensor, _ in architecture.tensors()
        if tensor.linear and tensor.split == split and tensor.component in _DIVIDED
    }
    return tuple(sorted(width for width in found if width >= _NARROWEST))


def _counts(architecture: ModelArchitecture, name: str, *, latent: bool) -> tuple[int, ...]:
    mixers = [group.mixer for group in architecture.layers if latent or group.mixer.kind != "mla"]
    return tuple(sorted({getattr(mixer, name) for mixer in mixers} - {0}))


def _group_size(fmt: WeightFormat) -> int:
    if fmt.kind == "gguf":
        return 0
    return max((item.columns for item in fmt.metadata if not item.flat), default=0)


def _expert_width(architecture: ModelArchitecture) -> int:
    inner = (
        t.rows for t, _ in architecture.tensors() if t.component == "experts_routed" and t.name.endswith("up_proj")
    )
    return max(inner, default=0)


def _parameters(architecture: ModelArchitecture) -> float:
    return float(sum(tensor.parameters * copies for tensor, copies in architecture.tensors()))


MODEL: dict[str, Callable[[ModelArchitecture], Value]] = {
    "model.id": lambda m: m.id,
    "model.type": lambda m: m.model_type,
    "model.parameters": _parameters,
    "model.layers": lambda m: m.num_layers,
    "model.hidden_size": lambda m: m.hidden_size,
    "model.heads": lambda m: _attention(m, "heads"),
    "model.kv_heads": lambda m: _attention(m, "kv_heads"),
    "model.head_counts": lambda m: _counts(m, "heads", latent=True),
    "model.kv_head_counts": lambda m: _counts(m, "kv_heads", latent=False),
    "model.head_dim": lambda m: _attention(m, "head_dim"),
    "model.mixers": lambda m: tuple(sorted({group.mixer.kind for group in m.layers})),
    "model.experts": lambda m: m.experts,
    "model.experts_per_token": lambda m: m.experts_per_token,
    "model.max_context": lambda m: m.max_position_embeddings,
    "model.native_format": lambda m: m.native_format or "",
    "model.column_widths": lambda m: _widths(m, "column", lambda tensor: tensor.rows),
    "model.row_widths": lambda m: _widths(m, "row", lambda tensor: tensor.columns),
    "model.expert_width": _expert_width,
}

FORMAT: dict[str, Callable[[WeightFormat], Value]] = {
    "format.id": lambda f: f.id,
    "format.name": lambda f: f.name,
    "format.kind": lambda f: f.kind,
    "format.family": lambda f: f.family,
    "format.bits_per_weight": lambda f: f.bits_per_weight,
    "format.bytes_per_weight": lambda f: f.bytes_per_weight,
    "format.granularity": lambda f: f.granularity,
    "format.group_size": _group_size,
    "format.activations": lambda f: f.activations,
    "format.compute_format": lambda f: f.compute_format,
}

KV_FORMAT: dict[str, Callable[[KvFormat], Value]] = {
    "kv_format.id": lambda k: k.id,
    "kv_format.bits": lambda k: k.bits_per_element,
}

ENGINE: dict[str, Callable[[Engine], Value]] = {
    "engine.id": lambda e: e.id,
    "engine.name": lambda e: e.name,
    "engine.version": lambda e: e.version,
    "engine.tensor_parallel": lambda e: e.parallelism.tensor,
    "engine.pipeline_parallel": lambda e: e.parallelism.pipeline,
    "engine.expert_parallel": lambda e: e.parallelism.expert,
    "engine.multi_node": lambda e: e.parallelism.multi_node,
}

SCENARIO: dict[str, Callable[[Asked], Value]] = {
    "scenario.name": lambda a: a.scenario.name,
    "scenario.destination": lambda a: a.destination,
    "scenario.input_tokens": lambda a: a.scenario.workload.input_tokens,
    "scenario.output_tokens": lambda a: a.scenario.workload.output_tokens,
    "scenario.concurrency": lambda a: float(a.scenario.workload.concurrency or 0),
    "scenario.request_rate_per_s": lambda a: a.scenario.workload.request_rate_per_s or 0.0,
    "scenario.ttft_p95_ms": lambda a: a.scenario.sla.ttft_p95_ms or 0.0,
    "scenario.tpot_p95_ms": lambda a: a.scenario.sla.tpot_p95_ms or 0.0,
    "scenario.availability": lambda a: a.scenario.sla.availability or 0.0,
    "scenario.min_recovery": lambda a: a.scenario.quality.min_recovery or 0.0,
    "scenario.budget_usd_per_month": lambda a: a.scenario.budget.usd_per_month or 0.0,
}

SUBJECTS: dict[str, dict[str, Callable[[Any], Value]]] = {
    "accelerator": ACCELERATOR,
    "offer": OFFER,
    "model": MODEL,
    "format": FORMAT,
    "kv_format": KV_FORMAT,
    "engine": ENGINE,
    "scenario": SCENARIO,
}


def facts(subject: str, entity: Any) -> dict[str, Value]:
    """Return every variable of one entity, for tests and for looking; tables read single variables instead."""
    return {name: read(entity) for name, read in SUBJECTS[subject].items()}
