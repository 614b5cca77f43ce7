"""What PyTorch's caching allocator takes from the device for tensors of given sizes: more than the tensors.

Up to 1 MiB tensors share segments of 2 MiB, below 10 MiB segments of 20 MiB; larger ones get a segment of their own in
steps of 2 MiB. Constants and best-fit choice: c10/cuda/CUDACachingAllocator.cpp (PyTorch 2.0 to 2.9).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

from planner.units import MIB

ROUND_BYTES = 512
SMALL_BYTES = MIB
SMALL_SEGMENT = 2 * MIB
LARGE_BYTES = 10 * MIB
LARGE_SEGMENT = 20 * MIB
LARGE_STEP = 2 * MIB


def reserved_bytes(sizes: Iterable[int]) -> int:
    """Return the bytes of the segments that tensors of these sizes, allocated in this order, end up in.

    >>> reserved_bytes([8 * MIB, 4 * MIB, 12 * MIB, 6 * MIB]) // MIB  # 18 of 20 MiB used, and a segment of 12
    32
    """
    small: list[int] = []
    large: list[int] = []
    reserved = 0
    for size in sizes:
        wanted = _up(size, ROUND_BYTES)
        tiny = wanted <= SMALL_BYTES
        free = small if tiny else large
        place = bisect_left(free, wanted)
        if place < len(free):
            block = free.pop(place)
        else:
            block = _segment(wanted)
            reserved += block
        rest = block - wanted
        if rest >= ROUND_BYTES if tiny else rest > SMALL_BYTES:
            insort(free, rest)
    return reserved


def _segment(size: int) -> int:
    if size <= SMALL_BYTES:
        return SMALL_SEGMENT
    return LARGE_SEGMENT if size < LARGE_BYTES else _up(size, LARGE_STEP)


def _up(size: int, step: int) -> int:
    return -(-size // step) * step
