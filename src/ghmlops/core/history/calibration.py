"""Stated against measured effects, and the measured ones shrunk: selected effects are too large (winner's curse)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.history.record import DeploymentRecord, record_time
from ghmlops.core.history.selection import LIVE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ghmlops.core.history.reading import Stored

Z = 1.96
"""Half width of an interval in standard errors, as for 95 %: those of verdicts are wider, so no error is too small."""
MIN_EFFECTS = 5
"""Effects of a metric and unit without which nothing is shrunk: their spread is unknown."""


class Pair(NamedTuple):
    """An expectation, and what was measured."""

    time: datetime
    id: str
    """Id of the record, which names the evidence."""
    commit: str
    service: str
    metric: str
    unit: str
    stated: float
    measured: float
    error: float | None
    """Standard error of the measured effect; `None` if its interval is open."""
    shrunk: float | None = None
    """Measured effect, shrunk towards the mean effect of the metric; `None` with fewer than `MIN_EFFECTS`."""


class Unmatched(NamedTuple):
    """An expectation that no measured effect can be compared with."""

    id: str
    text: str
    reason: str


class Calibration(NamedTuple):
    """All expectations of the deployments that were let through."""

    pairs: tuple[Pair, ...]
    unmatched: tuple[Unmatched, ...]


def calibrate(records: Sequence[Stored]) -> Calibration:
    """Return each stated effect of a decision of the gate with the measured one, in the order of time.

    A relative expectation (`-10%`) is compared with an effect in the unit `ratio`, any other with one in another unit.
    """
    pairs: list[Pair] = []
    unmatched: list[Unmatched] = []
    for stored in records:
        record = stored.record
        if not isinstance(record, DeploymentRecord) or record.command != "gate" or record.decision not in LIVE:
            continue
        for expected in record.hypothesis:
            if expected.change is None:
                unmatched.append(Unmatched(stored.id, expected.text, "no metric with a signed number"))
                continue
            same = [e for e in record.effects if e.metric == expected.metric and e.estimate is not None]
            effect = next((e for e in same if (e.unit == "ratio") == expected.percent), None)
            if effect is None or effect.estimate is None:
                reason = "measured in another unit" if same else "not measured"
                unmatched.append(Unmatched(stored.id, expected.text, reason))
                continue
            error = None if effect.low is None or effect.high is None else abs(effect.high - effect.low) / (2 * Z)
            subject = (record_time(record), stored.id, record.commit, record.service)
            pairs.append(Pair(*subject, effect.metric, effect.unit, expected.change, effect.estimate, error))
    return Calibration(tuple(_shrunk(pairs)), tuple(unmatched))


def _shrunk(pairs: Sequence[Pair]) -> list[Pair]:
    groups: dict[tuple[str, str, str], list[Pair]] = {}
    for pair in pairs:
        if pair.error is not None:
            groups.setdefault((pair.service, pair.metric, pair.unit), []).append(pair)
    values: dict[tuple[str, str, str, str], float] = {}
    for key, group in groups.items():
        if len(group) >= MIN_EFFECTS:
            shrunk = shrink([p.measured for p in group], [p.error or 0.0 for p in group])
            values |= {(*key, pair.id): value for pair, value in zip(group, shrunk, strict=True)}
    return [p._replace(shrunk=values.get((p.service, p.metric, p.unit, p.id))) for p in pairs]


def shrink(measured: Sequence[float], errors: Sequence[float]) -> list[float]:
    """Return effects shrunk towards their mean by empirical Bayes, one per measured effect.

    True effects are taken as normal around a common mean; their variance is estimated by the method of moments of
    DerSimonian and Laird. Without a variance beyond the measurement error, every effect is the mean.

    Source: DerSimonian and Laird (1986), Meta-analysis in clinical trials, Controlled Clinical Trials 7.

    Args:
        measured: Measured effects.
        errors: Their standard errors, >= 0.
    """
    variances = [max(error, 1e-12) ** 2 for error in errors]
    weights = [1.0 / variance for variance in variances]
    total = math.fsum(weights)
    mean = math.fsum(w * x for w, x in zip(weights, measured, strict=True)) / total
    spread = math.fsum(w * (x - mean) ** 2 for w, x in zip(weights, measured, strict=True))
    scale = total - math.fsum(w * w for w in weights) / total
    between = max(0.0, (spread - (len(measured) - 1)) / scale) if scale > 0 else 0.0
    weights = [1.0 / (between + variance) for variance in variances]
    mean = math.fsum(w * x for w, x in zip(weights, measured, strict=True)) / math.fsum(weights)
    return [mean + between / (between + v) * (x - mean) for v, x in zip(variances, measured, strict=True)]
