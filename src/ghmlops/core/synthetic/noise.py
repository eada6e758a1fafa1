"""The noise floor: what differs between two answers of the same service to the same request."""

from __future__ import annotations

import math
import re
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ghmlops.core.answers.body import BodyKind
from ghmlops.core.answers.rules import Rules, absolute
from ghmlops.core.answers.walk import leaves
from ghmlops.core.synthetic.compare import Reading, compare
from ghmlops.core.synthetic.constants import NOISY_RATE, ROUNDING, TOLERANCE_FACTOR
from ghmlops.core.synthetic.rows.fields import as_float

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_INDEX = re.compile(r"\[\d+\]")
_MAX_LEAVES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """The noise floor.

    Attributes:
        pairs: pairs of answers that it was learned from.
        ignored: paths that are not compared, with the rate of differing pairs.
        tolerances: difference of two numbers that counts as equal, by path where numbers differed.
        rounding: difference that counts as equal at every path with a number, whether it differed or not.
    """

    pairs: int = 0
    ignored: Mapping[str, float] = field(default_factory=dict)
    tolerances: Mapping[str, float] = field(default_factory=dict)
    rounding: Mapping[str, float] = field(default_factory=dict)

    def rules(self, ignore: Iterable[str] = ()) -> Rules:
        """Return the rules of a comparison beyond the noise; `ignore` are paths of the policy."""
        paths = {*self.ignored, *map(absolute, ignore)}
        tolerances = dict(self.rounding)
        for path, tolerance in self.tolerances.items():
            tolerances[path] = max(tolerance, tolerances.get(path, 0.0))
        return Rules(ignore=frozenset(paths), tolerances=tolerances)


def learn(pairs: Iterable[tuple[Reading, Reading]], ignore: Iterable[str] = (), fixed: float | None = None) -> Noise:
    """Learn the noise floor from pairs of answers to the same request.

    Args:
        pairs: pairs of successful answers.
        ignore: paths of the policy that are not compared.
        fixed: tolerance of the policy for every number that differs; `None`: learn it.
    """
    rules = Rules(ignore=frozenset(map(absolute, ignore)))
    count, changes = 0, Counter[str]()
    largest: dict[str, float] = defaultdict(float)
    magnitudes: dict[str, float] = defaultdict(float)
    for one, other in pairs:
        count += 1
        for path, size in _magnitudes(one, whole=fixed is not None):
            magnitudes[path] = max(magnitudes[path], size)
        paths = set()
        for place, change in compare(one, other, rules).items():
            if math.isfinite(change.distance) and (fixed is None or change.distance <= fixed):
                largest[place.path] = max(largest[place.path], change.distance)
            else:
                paths.add(place.path)
        changes.update(paths)
    ignored = {path: number / count for path, number in sorted(changes.items()) if number / count >= NOISY_RATE}
    tolerances = {
        path: fixed if fixed is not None else min(TOLERANCE_FACTOR * distance, sys.float_info.max)
        for path, distance in sorted(largest.items())
        if path not in ignored
    }
    rounding = {path: ROUNDING * size if fixed is None else fixed for path, size in sorted(magnitudes.items())}
    return Noise(pairs=count, ignored=ignored, tolerances=tolerances, rounding=rounding)


def _magnitudes(one: Reading, *, whole: bool) -> Iterator[tuple[str, float]]:
    """Yield path and absolute value of each number of an answer; whole numbers, which do not round, only if `whole`."""
    if one.body.kind is not BodyKind.JSON:
        return
    types = (int, float) if whole else (float,)
    for path, value in leaves(one.body.value, _MAX_LEAVES).items():
        if isinstance(value, types) and not isinstance(value, bool) and math.isfinite(as_float(value)):
            yield _INDEX.sub("[]", path), abs(as_float(value))
