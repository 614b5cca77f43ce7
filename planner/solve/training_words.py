"""What a plan says of a training run: deployment, estimates with terms and intervals, margins, reasons, warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.plan import Alternative, Estimate, Margin, Term, TrainingDeployment
from planner.solve.training_requirements import requirements
from planner.training.operation import SOURCE, energy_kwh
from planner.training.software import TORCH_RING_ATTENTION
from planner.units import HOURS_PER_MONTH, MICRO_USD_PER_USD, SECONDS_PER_HOUR, format_number, format_usd

if TYPE_CHECKING:
    from planner.candidates.training.evaluation import TrainingRow, TrainingTable

_RUNS = "catalogs/training/runs.yaml"


def deployment(table: TrainingTable, row: TrainingRow) -> TrainingDeployment:
    """Return how a row is laid out."""
    pool, setup, parallel = table.pools[row.pool], row.setup, row.setup.parallel
    return TrainingDeployment(
        service=table.scenario.name,
        model=table.architecture.id,
        weights=setup.frozen.id if setup.frozen is not None else setup.precision.id,
        kv_cache="none",
        engine=setup.software.id,
        accelerator=pool.offer.accelerator,
        offer=pool.offer.id,
        provider=pool.offer.provider,
        region=pool.offer.region,
        pricing=pool.price.kind,
        tensor_parallel=parallel.tp,
        pipeline_parallel=parallel.pp,
        expert_parallel=parallel.ep,
        gpus_per_replica=parallel.tp * parallel.pp * parallel.cp,
        replicas=parallel.dp,
        instances=row.nodes,
        gpus_per_instance=pool.offer.gpus,
        gpus=row.gpus,
        batch_per_replica=setup.micro_batch,
        method=setup.method,
        optimizer=setup.optimizer.id,
        sharding=parallel.sharding,
        checkpointing=setup.checkpointing,
        accumulation=setup.accumulation,
        virtual_stages=parallel.virtual_stages,
        schedule=parallel.pipeline,
        context_parallel=parallel.cp,
        shard_group=parallel.shard_group or 0,
        sequence_length=setup.sequence_length,
        loss="standard" if setup.loss is None else setup.loss.id,
        offload=setup.offload,
        optimizer_in_backward=setup.optimizer_in_backward,
        flash_attention=setup.flash_attention,
        sequence_parallel=parallel.sequence_parallel,
        rank=setup.adapters.rank if setup.adapters else 0,
    )


def estimates(table: TrainingTable, row: TrainingRow) -> tuple[Estimate, ...]:
    """Return everything that a plan says of a row; the faster the computing, the lower time and cost."""
    known = table.efficiency(row.pool)
    (fast, fast_run), (slow, slow_run) = table.timed(row, known.high), table.timed(row, known.low)
    source = f"efficiency of compute {known.value:.2f} from {len(known.runs)} published runs, {_RUNS}"
    if not known.measured:
        source += ", none of this generation"
    hourly, run, memory = table.usd_per_hour(row), row.run, row.memory
    hours = (fast_run.seconds / SECONDS_PER_HOUR, slow_run.seconds / SECONDS_PER_HOUR)
    pool = table.pools[row.pool]
    energy = energy_kwh(
        row.gpus, pool.accelerator.tdp_w or 0.0, row.nodes * (pool.offer.host_power_w or 0.0), run.seconds
    )
    found = [
        Estimate("time_to_train", row.hours, "h", *hours, _time_terms(row), source),
        Estimate("mfu", row.step.mfu, "share", slow.mfu, fast.mfu, source="model FLOPs, PaLM, arXiv 2204.02311"),
        Estimate(
            "tokens_per_second", row.step.tokens_per_second, "tok/s", slow.tokens_per_second, fast.tokens_per_second,
            source=source,
        ),
        Estimate("memory_per_gpu_bytes", memory.device_bytes, "bytes", terms=memory.terms,
                 source=f"peak in the {memory.phase} phase"),
        Estimate("cost_of_the_run", row.cost_micro / MICRO_USD_PER_USD, "USD", hourly * hours[0], hourly * hours[1],
                 (Term("rent", row.cost_micro / MICRO_USD_PER_USD, "USD",
                       f"{row.nodes} x {format_usd(pool.fixed_cost / MICRO_USD_PER_USD, 'hour')} x {row.hours:,.1f} h",
                       f"{pool.price.source}, {pool.price.as_of}"),)),
        Estimate("checkpoint_bytes", run.checkpoint.size_bytes, "bytes", source="weights, master weights and states"),
        Estimate("checkpoint_write_seconds", run.checkpoint.write_seconds, "s", source=SOURCE),
        Estimate("checkpoint_interval_seconds", run.checkpoint.interval_seconds, "s", source=SOURCE),
        Estimate("expected_failures", run.failures, "", source=SOURCE),
    ]  # fmt: skip
    if memory.host_bytes:
        source = "what is offloaded, on the GPU that offloads most"
        found.append(Estimate("host_memory_per_gpu_bytes", memory.host_bytes, "bytes", source=source))
    if pool.accelerator.tdp_w:
        found.append(Estimate("energy", energy, "kWh", source="GPUs at rated power, as model cards count it"))
    return tuple(found)


def _time_terms(row: TrainingRow) -> tuple[Term, ...]:
    step, run = row.step, row.run
    each = run.steps / SECONDS_PER_HOUR
    parts = (
        ("compute", step.compute, "model FLOPs over GPUs x peak x efficiency"),
        ("recomputation", step.recompute, "checkpointed activations"),
        ("tensor parallelism", step.tensor_parallel, "all-gathers and reduce-scatters of layers"),
        ("expert parallelism", step.expert_parallel, "tokens to experts and back, as far as not hidden"),
        ("context parallelism", step.context_parallel, "keys and values passed around, as far as not hidden"),
        ("attention scores", step.scores, "written and read without FlashAttention"),
        ("pipeline bubble", step.bubble, "(stages - 1) / (micro-batches x interleaving)"),
        ("data parallelism", step.data_parallel, "weights and gradients, as far as not hidden"),
        ("host memory", step.host, "what is offloaded, to the host and back, and the host's optimizer step"),
    )
    terms = [Term(name, seconds * each, "h", formula, _RUNS) for name, seconds, formula in parts if seconds > 0]
    lost = run.seconds - run.compute_seconds
    terms.append(
        Term("checkpoints and restarts", lost / SECONDS_PER_HOUR, "h", f"{run.failures:.2g} expected failures", SOURCE)
    )
    return tuple(terms)


def margins(table: TrainingTable, row: TrainingRow) -> tuple[Margin, ...]:
    """Return each requirement beside what the plan gives, and the memory beside what the device has."""
    found = [
        Margin(item.id, item.limit, item.actual(row), item.unit, 1 - item.actual(row) / item.limit,
               item.holds(item.actual(row)))
        for item in requirements(table)
    ]  # fmt: skip
    usable, needed = float(table.pools[row.pool].accelerator.memory_bytes_usable), row.memory.device_bytes
    found.append(Margin("memory_per_gpu", usable, needed, "bytes", 1 - needed / usable, needed <= usable))
    return tuple(found)


def alternative(table: TrainingTable, row: TrainingRow, winner: TrainingRow) -> Alternative:
    """Return a row that lost, with the reason. Its cost per month is that of its hardware."""
    more = (row.cost_micro - winner.cost_micro) / MICRO_USD_PER_USD
    faster = f"{winner.hours / row.hours:.1f} times as fast" if row.hours < winner.hours else f"{row.hours:,.1f} h"
    return Alternative(
        deployment=deployment(table, row),
        cost_usd_per_month=table.usd_per_hour(row) * HOURS_PER_MONTH,
        estimates=tuple(
            item for item in estimates(table, row) if item.name in ("time_to_train", "mfu", "cost_of_the_run")
        ),
        reason=f"costs {format_usd(more)} more for the run; {faster}",
    )


def reasons(table: TrainingTable, row: TrainingRow, others: list[TrainingRow], feasible: int) -> tuple[str, ...]:
    """Return why ``row`` is the answer."""
    cost = format_usd(row.cost_micro / MICRO_USD_PER_USD)
    found = [
        f"{cost} is the least that any of the {feasible:,} feasible candidates costs, of {len(table.rows):,} evaluated."
    ]
    name = table.pools[row.pool].accelerator.name
    other = next((item for item in others if table.pools[item.pool].accelerator.name != name), None)
    if other is not None:
        more = format_usd((other.cost_micro - row.cost_micro) / MICRO_USD_PER_USD)
        found.append(
            f"The cheapest run on another accelerator, {table.pools[other.pool].accelerator.name}, costs {more} more."
        )
    known = table.efficiency(row.pool)
    found.append(
        f"MFU {row.step.mfu:.0%} follows from an efficiency of compute of {known.value:.2f}, by {len(known.runs)} "
        "published runs."
    )
    if known.uncertain:
        found.append(
            f"{known.uncertain} of these runs have a figure that was not read again at its source; the interval is "
            "wider for it."
        )
    return tuple(found)


def warnings(table: TrainingTable, row: TrainingRow) -> tuple[str, ...]:
    """Return what a reader has to know before relying on the plan."""
    found = []
    pool, known = table.pools[row.pool], table.efficiency(row.pool)
    if not known.measured:
        found.append(
            f"No published run on the generation of {pool.accelerator.name} is at hand: its efficiency is borrowed "
            "from others, scaled with its best matrix products, and the interval is as wide as that."
        )
    deadline = table.scenario.workload.deadline_hours
    slowest = table.timed(row, known.low)[1].seconds / SECONDS_PER_HOUR
    if deadline is not None and slowest > deadline:
        longest = format_number(float(f"{slowest:.3g}"))
        found.append(f"The deadline holds in the median; at the slow end of the interval the run takes {longest} h.")
    if row.setup.parallel.cp > 2 and row.setup.software.ring_attention == 1:
        found.append(
            f"Context parallelism is timed as {row.setup.software.name} runs it; PyTorch's attention in parts takes "
            f"{TORCH_RING_ATTENTION:.1f} times as long (torchtitan, 2024-12)."
        )
    if row.setup.method == "qlora":
        found.append("Dequantizing the frozen weights in every pass is not counted; it slows small batches.")
    if row.setup.optimizer_in_backward:
        found.append("An optimizer in the backward pass cannot clip gradients by their global norm.")
    if row.setup.offload != "none":
        found.append("The speed of the host's optimizer step is an assumption, not a measurement.")
    if row.memory.host_bytes and pool.offer.ram_gib is None:
        found.append("The catalog does not know the host's memory: as much as the accelerators' is taken to be there.")
    if pool.price.kind == "spot":
        found.append("Spot instances may be taken away at any time; only hardware failures are counted.")
    if table.architecture.estimated:
        found.append("The model's type is not known; its size follows familiar fields and may be off.")
    return tuple(found)
