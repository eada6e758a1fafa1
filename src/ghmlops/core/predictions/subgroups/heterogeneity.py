"""Tests whether a change is the same in every window, and in every data set, by Cochran's Q.

It detects a regression that comes and goes and that no single window shows. Source: Cochran (1954), Biometrics 10.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from ghmlops.core.model import Direction, Finding, Outcome
from ghmlops.core.predictions.constants import HOLM_LEVEL
from ghmlops.core.predictions.findings import describe_change, stated_rows
from ghmlops.core.predictions.subgroups.family import SECTION
from ghmlops.core.predictions.subgroups.onset import find_onset, smoothed_error
from ghmlops.core.predictions.subgroups.spread import Spread, Spreads, family_of
from ghmlops.core.stats import cochran
from ghmlops.core.text.p_value import format_p

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.core.predictions.subgroup import Subgroup

Kind = Literal["window", "data set"]
_IDS: Mapping[Kind, str] = {"window": "windows-uneven", "data set": "datasets-uneven"}


def uneven_windows(subgroups: Sequence[Subgroup], spreads: Spreads | None = None) -> list[Finding]:
    """Return a warning per quality metric and data set whose change differs between the windows.

    One window must exceed the margin as well: a change that varies without a regression is no finding. The level is
    divided by the number of metrics and data sets (Bonferroni). Changes that vary by the `spreads` of their family are
    divided by them, so that only what varies by more is a finding.
    """
    series: dict[tuple[str, str], list[Subgroup]] = {}
    for subgroup in _quality(subgroups):
        series.setdefault((subgroup.dataset, subgroup.comparison.metric.id), []).append(subgroup)
    return _uneven_series(list(series.values()), "window", spreads or {})


def uneven_datasets(subgroups: Sequence[Subgroup]) -> list[Finding]:
    """Return a warning per quality metric whose change over all rows differs between the data sets."""
    series: dict[str, list[Subgroup]] = {}
    for subgroup in _quality(subgroups):
        series.setdefault(subgroup.comparison.metric.id, []).append(subgroup)
    return _uneven_series(list(series.values()), "data set", {})


def _quality(subgroups: Sequence[Subgroup]) -> list[Subgroup]:
    return [
        s
        for s in subgroups
        if s.comparison.metric.direction is not Direction.TARGET and s.comparison.margin is not None
    ]


def _uneven_series(series: Sequence[Sequence[Subgroup]], kind: Kind, spreads: Spreads) -> list[Finding]:
    findings = [
        _uneven_finding(subgroups, kind, len(series), spreads.get(family_of(subgroups[0]))) for subgroups in series
    ]
    return [finding for finding in findings if finding is not None]


def _uneven_finding(subgroups: Sequence[Subgroup], kind: Kind, tests: int, spread: Spread | None) -> Finding | None:
    result = cochran.heterogeneity(
        np.array([s.comparison.change for s in subgroups]),
        np.array([smoothed_error(s.comparison) for s in subgroups]) * (spread.scale if spread else 1.0),
        tail_df=spread.tail_df if spread else math.inf,
    )
    worst = max(subgroups, key=lambda s: s.comparison.loss if np.isfinite(s.comparison.loss) else -np.inf)
    comparison = worst.comparison
    exceeds_margin = comparison.margin is not None and comparison.loss > comparison.margin
    if not (result.p < HOLM_LEVEL / tests and exceeds_margin):
        return None
    metric = comparison.metric
    onset = find_onset(subgroups, worst) if kind == "window" else None
    when = f", which is worse {onset.when}," if onset is not None else ""
    dataset = f" of data set {worst.dataset}" if kind == "window" and worst.dataset else ""
    return Finding(
        id=_IDS[kind],
        metric=metric.id,
        outcome=Outcome.WARN,
        reason=(
            f"The change of {metric.title}{when} differs between {len(subgroups):,} {kind}s{dataset} by more than "
            f"noise (Cochran's Q = {result.q:.1f}, {format_p('p', result.p)}, limit {HOLM_LEVEL / tests:.2g}). "
            f"The worst is {worst.name}: {describe_change(comparison, 'interval')}; {stated_rows(comparison)}."
        ),
        docs=SECTION,
        description=f"Is the change the same in every {kind}?",
        dataset=worst.dataset if kind == "window" else "",
        unit=metric.unit,
        direction=metric.direction,
        method=f"Cochran's Q over the {kind}s",
        n=sum(s.comparison.n for s in subgroups),
    )
