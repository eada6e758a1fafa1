"""Alerts of a series: when each began, was raised and ended, as a function of the points alone.

The same points give the same alerts at any time of evaluation, so that what is to be opened or closed is the difference
between two evaluations, and two watchers at once come to the same result.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ghmlops.core.watch import constants
from ghmlops.core.watch.ramp import find_ramps
from ghmlops.core.watch.residuals import Reference, signed_logs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.watch.ramp import Ramp
    from ghmlops.core.watch.series import Series


class Kind(StrEnum):
    """What an alert is about."""

    STEP = "step"
    SHIFT = "shift"
    RAMP = "ramp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A lasting change of a metric for the worse.

    Attributes:
        metric: name of the metric.
        kind: the detector that found it.
        onset: time of the first point that belongs to it, seconds since the epoch.
        raised: time of the point at which it was found.
        end: time of the point at which the metric was back; `None` while it lasts.
        level: value of the metric before.
        value: median of the points since the onset.
    """

    metric: str
    kind: Kind
    onset: int
    raised: int
    end: int | None = None
    level: float
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is judged in a series.

    Attributes:
        period: seconds of the season.
        change: least relative change of a step.
        accepted_until: time until which changes of the metric are accepted, seconds since the epoch.
        deployments: times of accepted deployments, ascending.
        dismissed: onsets of alerts that a person judged to be none, seconds since the epoch.
        delay: seconds until the values of an interval are complete.
    """

    period: float
    change: float
    accepted_until: float = 0.0
    deployments: tuple[float, ...] = ()
    dismissed: tuple[float, ...] = ()
    delay: float = 0.0

    def is_dismissed(self, onset: int, step: float) -> bool:
        """Return whether a person dismissed the alert with this onset, which may be estimated two intervals away."""
        return any(abs(onset - time) <= 2.0 * step for time in self.dismissed)


@dataclass(slots=True)
class _Sums:
    """CUSUMs since the last reset, and the index of the first point of each rise."""

    step: float = 0.0
    shift: float = 0.0
    step_onset: int = 0
    shift_onset: int = 0
    recent: list[float] = field(default_factory=list)


class _Dismissed(NamedTuple):
    """An alert that a person dismissed: its place in the list, the level before it, and by how much the metric rose."""

    place: int
    kind: Kind
    level: float
    rise: float


def find_alerts(series: Series, rules: Rules) -> tuple[list[Alert], int]:
    """Return the alerts in the order of their onset, and how many points were judged.

    Args:
        series: the metric.
        rules: what is judged.
    """
    logs = signed_logs(series)
    walk = _Walk(series, rules, {ramp.place: ramp for ramp in find_ramps(series, rules.period, rules.deployments)})
    for index in range(len(logs)):
        walk.take(index, int(series.times[index]), float(logs[index]))
    return walk.alerts, walk.judged


class _Walk:
    """The state from point to point."""

    def __init__(self, series: Series, rules: Rules, ramps: dict[int, Ramp]) -> None:
        self.alerts: list[Alert] = []
        self.judged = 0
        self._series, self._rules, self._ramps = series, rules, ramps
        self._logs = signed_logs(series)
        self._reference = Reference(rules.period, series.step)
        self._sums = _Sums()
        self._open: Alert | None = None
        self._dismissed: list[_Dismissed] = []
        self._level = 0.0
        self._back = 0
        self._fine = rules.period / series.step >= constants.SHIFT_POINTS_PER_PERIOD
        self._step_change = np.log1p(rules.change)

    def take(self, index: int, time: int, value: float) -> None:
        """Judge one point, and accept it as normal if it is."""
        level, scale = self._reference.level(time), self._reference.scale()
        if time < self._rules.accepted_until:
            self._end_all(time)
            self._accept(time, value, level)
            return
        if level is None or (scale is None and self._open is None):
            self._accept(time, value, level)
            return
        self.judged += 1
        residual = value - level - self._base
        if self._open is not None:
            if self._open.kind is Kind.RAMP:
                self._accept(time, value, level)
            if self._is_back(self._open.kind, index, self._level, residual):
                self._end(time)
            return
        if index and time - self._series.times[index - 1] > constants.STEP_POINTS[1] * self._series.step:
            self._sums = _Sums()  # points on both sides of a hole are no succession
        kind, onset = self._raised(index, residual / scale if scale else 0.0, residual)
        if kind is Kind.STEP or (kind is not None and not self._dismissed):
            self._raise(kind, onset, index, time)
        elif self._dismissed:
            self._continue_dismissed(self._dismissed[-1], index, value, level)
        else:
            self._accept(time, value, level)

    @property
    def _base(self) -> float:
        """The rise of the alerts that a person dismissed: what follows is judged against their level."""
        return sum(dismissed.rise for dismissed in self._dismissed)

    def _raised(self, index: int, z: float, residual: float) -> tuple[Kind | None, int]:
        sums, k = self._sums, constants.ALLOWANCE
        sums.recent = [*sums.recent, residual][-constants.STEP_POINTS[1] :]
        if sums.step == 0.0:
            sums.step_onset = index
        if sums.shift == 0.0:
            sums.shift_onset = index
        sums.step = max(0.0, sums.step + min(z, constants.STEP_CAP) - k)
        sums.shift = max(0.0, sums.shift + min(z, constants.SHIFT_CAP) - k)
        if sums.step >= constants.STEP_THRESHOLD and self._is_step(sums.recent):
            return Kind.STEP, self._step_onset(sums.step_onset, index)
        if self._fine and sums.shift >= constants.SHIFT_THRESHOLD and self._is_shift(sums.shift_onset, index):
            return Kind.SHIFT, sums.shift_onset
        ramp = self._ramps.get(index)
        if ramp is not None:
            onset = int(np.searchsorted(self._series.times, ramp.deployed))
            again = any((a.kind, a.onset) == (Kind.RAMP, int(self._series.times[onset])) for a in self.alerts)
            # The line since the deployment still rises for some time after the metric is back.
            if not (again and self._is_level(index, ramp.level)):
                return Kind.RAMP, onset
        return None, index

    def _is_step(self, recent: Sequence[float]) -> bool:
        """Return whether enough of the last points are high and alike, and the newest is not back."""
        slack = 0.0 if self._fine else constants.STEP_SLACK * (self._reference.scale() or 0.0)
        limit = self._step_change - min(slack, self._step_change / 2.0)
        beyond = [value for value in recent if value > limit]
        if len(beyond) < constants.STEP_POINTS[0] or recent[-1] < limit / 2.0:
            return False
        is_first_pair = beyond == list(recent[-constants.STEP_POINTS[0] :])
        return not is_first_pair or min(beyond) >= constants.STEP_EVEN * max(beyond)

    def _is_level(self, index: int, level: float) -> bool:
        """Return whether the last period is at the level before a ramp: the quiet hours of a day are no end of it."""
        first = max(0, index + 1 - round(self._rules.period / self._series.step))
        median = float(np.median(self._logs[first : index + 1]))
        return median - level < float(np.log1p(constants.RAMP_CHANGE))

    def _is_shift(self, onset: int, index: int) -> bool:
        """Return whether the points since an onset moved by more than whole periods differ from each other."""
        noise = self._reference.period_scale()
        limit = np.log1p(constants.SHIFT_CHANGE)
        return noise is not None and self._rise(onset, index) > max(limit, constants.SHIFT_NOISE * noise)

    def _step_onset(self, onset: int, index: int) -> int:
        """Return the first of the last points in a row that are beyond half of the step.

        The CUSUM may have left zero by noise before the step.
        """
        recent = self._sums.recent[-constants.STEP_POINTS[0] :]
        half = float(np.median(recent)) / 2.0
        while index > onset and self._residual(index - 1) > half:
            index -= 1
        return index

    def _residual(self, index: int) -> float:
        level = self._reference.level(int(self._series.times[index]))
        return -np.inf if level is None else float(self._logs[index]) - level - self._base

    def _rise(self, onset: int, index: int) -> float:
        """Return the median residual since the onset, against the reference of each phase."""
        levels = [self._reference.level(int(time)) for time in self._series.times[onset : index + 1]]
        residuals = [
            value - level - self._base
            for value, level in zip(self._logs[onset : index + 1], levels, strict=True)
            if level is not None
        ]
        return float(np.median(residuals))

    def _raise(self, kind: Kind, onset: int, index: int, time: int) -> None:
        ramp = self._ramps.get(index) if kind is Kind.RAMP else None
        rise = ramp.growth if ramp else self._rise(onset, index)
        self._level = ramp.level if ramp else float(np.median(self._logs[onset : index + 1])) - rise
        self._back = 0
        self._open = Alert(
            metric=self._series.name,
            kind=kind,
            onset=int(self._series.times[onset]),
            raised=time,
            level=self._value(self._level),
            value=self._value(self._level + rise),
        )
        self.alerts.append(self._open)
        if self._rules.is_dismissed(self._open.onset, self._series.step):
            # The reference follows a ramp, so that its growth is no part of the later residuals.
            lasting = 0.0 if kind is Kind.RAMP else rise
            self._dismissed.append(_Dismissed(len(self.alerts) - 1, kind, self._level, lasting))
            self._open = None
        self._sums = _Sums()

    def _is_back(self, kind: Kind, index: int, level: float, residual: float) -> bool:
        """Return whether the metric is back for some points in a row, so that an alert ends."""
        if kind is Kind.RAMP:
            back = self._is_level(index, level)
        else:
            limit = self._step_change if kind is Kind.STEP else np.log1p(constants.SHIFT_CHANGE)
            back = residual < limit / 2.0
        self._back = self._back + 1 if back else 0
        return self._back >= constants.RECOVERY_POINTS

    def _continue_dismissed(self, dismissed: _Dismissed, index: int, value: float, level: float) -> None:
        """Follow a dismissed alert, which ends as others do."""
        time = int(self._series.times[index])
        if dismissed.kind is Kind.RAMP:
            self._accept(time, value, level)
        if self._is_back(dismissed.kind, index, dismissed.level, value - level - self._base + dismissed.rise):
            self.alerts[dismissed.place] = replace(self.alerts[dismissed.place], end=time)
            self._dismissed.pop()
            self._back, self._sums = 0, _Sums()

    def _end(self, time: int) -> None:
        if self._open is not None:
            self.alerts[-1] = replace(self._open, end=time)
        self._open, self._back, self._sums = None, 0, _Sums()

    def _end_all(self, time: int) -> None:
        self._end(time)
        for dismissed in self._dismissed:
            self.alerts[dismissed.place] = replace(self.alerts[dismissed.place], end=time)
        self._dismissed = []

    def _accept(self, time: int, value: float, level: float | None) -> None:
        self._reference.accept(time, value, None if level is None else value - level)

    def _value(self, signed: float) -> float:
        return float(np.exp(self._series.sign * signed))


def open_alerts(alerts: Sequence[Alert]) -> list[Alert]:
    """Return the alerts that last."""
    return [alert for alert in alerts if alert.end is None]
