"""Random numbers that are the same with every version of Python and NumPy: the raw words of PCG64.

NumPy guarantees the words of a bit generator, not what its `Generator` derives from them (NEP 19), so the few
derivations that the rows need are made here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")
_WORD = 1 << 64


class Stream:
    """A stream of random numbers.

    Args:
        seed: Seed of the run.
        key: Numbers that separate this stream from the others of the same seed.
    """

    def __init__(self, seed: int, *key: int) -> None:
        self._words = np.random.PCG64(np.random.SeedSequence([seed, *key]))

    def below(self, bound: int) -> int:
        """Return an integer from 0 to `bound` - 1, by multiplication: the bias is below `bound` / 2**64."""
        return int(self._words.random_raw()) * bound // _WORD

    def unit(self) -> float:
        """Return a number in [0, 1) with 53 random bits."""
        return (int(self._words.random_raw()) >> 11) * 2.0**-53

    def choice(self, values: Sequence[T]) -> T:
        """Return one of the values."""
        return values[self.below(len(values))]

    def shuffled(self, values: Sequence[T]) -> list[T]:
        """Return the values in random order (Fisher-Yates)."""
        result = list(values)
        for index in range(len(result) - 1, 0, -1):
            other = self.below(index + 1)
            result[index], result[other] = result[other], result[index]
        return result
