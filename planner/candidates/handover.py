"""Time in which the KV cache of a prompt passes the network between a prefill and a decode replica.

A replica sends or receives through the network ports of its devices. The bytes are those of the longest prompts that
5 % of the requests reach, counted once however a group divides them. How far from its rate a link is used is what the
calibration found for collectives; prompts wait for each other as in an M/D/1 queue.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.fitting import degrees_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.candidates.estimates import Estimator
    from planner.performance.serving import ServingEstimates

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

BITS_PER_BYTE = 8
MOST_BUSY = 0.98
"""Utilisation at which the wait is cut off: such a row holds no limit anyway."""


def handover_ms(estimator: Estimator, layout: Ints, serving: ServingEstimates) -> Floats:
    """Return the milliseconds of a handover per configuration, waiting included."""
    once = transfer_ms(estimator)[layout]
    requests_per_ms = serving.output_tok_s / estimator.demand.lengths.output_tokens / 1e3
    busy = np.minimum(requests_per_ms * once, MOST_BUSY)
    return np.asarray(once * (1.0 + busy / (2.0 * (1.0 - busy))))


def transfer_ms(estimator: Estimator) -> Floats:
    """[layout]: the milliseconds in which one prompt's cache passes the ports of a replica, alone."""
    from planner.memory.kv_cache import kv_cache_bytes

    layouts = estimator.layouts
    axes = layouts.axes
    prompt = ceil(estimator.demand.lengths.tail_input_tokens)
    cache = np.array([kv_cache_bytes(estimator.architecture, kv, context=prompt) for kv in axes.kv_formats])
    tp, pp, _ = degrees_of(layouts)
    ports = np.array([item.network_gbps or 0.0 for item in axes.hardware])[layouts.hardware] * tp * pp
    slower = max(estimator.calibration.typical("link"), 1.0)
    bytes_per_ms = ports * 1e9 / BITS_PER_BYTE / 1e3 / slower
    return np.asarray(cache[layouts.kv] / np.maximum(bytes_per_ms, 1e-9))


def later(serving: ServingEstimates, ms: Floats) -> ServingEstimates:
    """Return estimates whose first token comes ``ms`` later."""
    names = [f"ttft_{what}_ms{end}" for what in ("mean", "p95") for end in ("", "_low", "_high")]
    changes = {name: getattr(serving, name) + ms for name in names}
    return replace(serving, **changes, terms={**serving.terms, "ttft_handover_ms": ms})
