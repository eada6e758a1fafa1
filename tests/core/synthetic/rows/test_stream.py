"""Random numbers are those of the raw words of PCG64, on every platform."""

from __future__ import annotations

import numpy as np

from ghmlops.core.synthetic.rows.stream import Stream


def test_numbers_follow_from_the_raw_words() -> None:
    """The first words of a seed are fixed: a change of them would change every request stream."""
    stream = Stream(1, 2)
    words = [int(np.random.PCG64(np.random.SeedSequence([1, 2])).random_raw(3)[index]) for index in range(3)]
    assert [stream.below(1 << 64) for _ in range(3)] == words
    assert [Stream(1).below(1000) for _ in range(2)] == [Stream(1).below(1000)] * 2
    assert (Stream(7, 1).below(10**6), Stream(7, 2).below(10**6)) == (770140, 277970)


def test_values_are_in_range_and_spread() -> None:
    """Integers cover their range evenly, units lie in [0, 1), a shuffle is a permutation."""
    stream = Stream(3)
    counts = np.bincount([stream.below(5) for _ in range(5000)])
    assert len(counts) == 5
    assert counts.min() > 900
    assert all(0 <= stream.unit() < 1 for _ in range(1000))
    assert sorted(stream.shuffled(range(20))) == list(range(20))
    assert stream.choice("x") == "x"
