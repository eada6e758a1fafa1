"""Which endpoint and which payload each scheduled request takes. Pure and seeded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_STREAM = 2_000


def order(places: Sequence[range], weights: Sequence[float], n: int, warmup: int, seed: int) -> NDArray[np.int64]:
    """Return for each of `n` scheduled requests the place of its call, shape (n,).

    Endpoints are drawn by weight; each goes through its payloads in turn, the first judged request with the first one,
    so that both arms, and every run with this seed, send the same.

    Args:
        places: for each endpoint the places of its calls.
        weights: of the endpoints, above 0.
        n: requests, warm-up included.
        warmup: how many of them come first and are discarded.
        seed: of the run.
    """
    shares = np.array(weights, np.float64) / max(weights)  # first, so that the sum of huge weights stays finite
    chances = shares / shares.sum()
    drawn = np.random.default_rng([seed, _STREAM]).choice(len(places), size=n, p=chances)
    found = np.empty(n, np.int64)
    for number, calls in enumerate(places):
        mine = np.flatnonzero(drawn == number)
        before = int((mine < warmup).sum())
        found[mine] = calls.start + (np.arange(len(mine)) - before) % len(calls)
    return found
