"""Assigns an endpoint and a payload to each scheduled request, reproducibly from a seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_STREAM = 2_000
"""Random stream of the seed that is reserved for the request order."""


def assign_calls(
    endpoints: Sequence[range], weights: Sequence[float], *, requests: int, warmup: int, seed: int
) -> NDArray[np.int64]:
    """Return the index of the call for each scheduled request, shape (requests,).

    Endpoints are drawn in proportion to their weights. Each endpoint cycles through its payloads; the first judged
    request uses the first payload, so that both arms, and every run with the same seed, send identical sequences.

    Args:
        endpoints: For each endpoint, the range of its call indices.
        weights: Relative weight of each endpoint, > 0.
        requests: Number of requests, including warm-up.
        warmup: Number of leading requests that are sent but not judged.
        seed: Seed of the run.
    """
    # Dividing by the maximum first keeps the sum finite for very large weights.
    relative = np.array(weights, np.float64) / max(weights)
    probabilities = relative / relative.sum()
    endpoint_of = np.random.default_rng([seed, _STREAM]).choice(len(endpoints), size=requests, p=probabilities)
    calls = np.empty(requests, np.int64)
    for index, call_range in enumerate(endpoints):
        positions = np.flatnonzero(endpoint_of == index)
        warmup_count = int((positions < warmup).sum())
        calls[positions] = call_range.start + (np.arange(len(positions)) - warmup_count) % len(call_range)
    return calls
