"""What holds for the gaps between the tokens of a real stream, however busy the machine is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ghmlops.measure.load.streams.token_stream import MIN_GAP

if TYPE_CHECKING:
    from ghmlops.core.latency.answers import Tokens

ROUNDING = 1e-5
"""Seconds by which the sum of the gaps of a response may differ from its span: gaps have single precision."""


def check_gaps(tokens: Tokens) -> None:
    """Assert that the gaps of each response add up to the time from its first to its last token.

    A busy machine delivers several tokens at once. They have no gap, so that a response may have fewer gaps than pairs
    of consecutive tokens; each missing one is shorter than `MIN_GAP`.
    """
    n = len(tokens.count)
    gaps = np.bincount(tokens.gap_of, minlength=n)
    missing = np.maximum(tokens.count.astype(np.int64) - 1, 0) - gaps
    unexplained = (tokens.last - tokens.first) - np.bincount(tokens.gap_of, tokens.gap, minlength=n)
    assert len(gaps) == n
    assert bool((tokens.gap > 0).all())
    assert bool((missing >= 0).all())
    assert bool((unexplained >= -ROUNDING).all())
    assert bool((unexplained <= missing * MIN_GAP + ROUNDING).all())
