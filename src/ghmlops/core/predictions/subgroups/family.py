"""Hunting for harm where averages hide it: slices and windows, with the chance of false alarms held over all of them.

A family (all slices together, all windows together) is tested as one: Holm at `BLOCK` fails, Benjamini-Hochberg at
`NOTE` warns, and both only where the estimate is beyond the margin too. A place never has to prove that it is equal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import special

from ghmlops.core.details.regression import SubgroupRow
from ghmlops.core.model import Direction, Finding, Outcome
from ghmlops.core.predictions import ruling as judge
from ghmlops.core.predictions.findings import allowed, describe_change, metric_finding
from ghmlops.core.predictions.place import Place, Value, name_place
from ghmlops.core.predictions.ruling import Comparison, tidy
from ghmlops.core.predictions.subgroups.onset import Onset, onset
from ghmlops.core.stats import multiplicity

BLOCK = 0.01
NOTE = 0.05
MOST_FINDINGS = 50
"""Places written out a family, the worst first; the summary counts the rest."""
MOST_LISTED = 200
"""Rows of the table in the evidence's details."""
DOCS = f"{judge.DOCS}#slices-and-windows"
Kind = Literal["slice", "window", "class"]
PLURAL = {"slice": "slices", "window": "windows", "class": "classes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """A place with its p-value and the two adjusted ones."""

    place: Place
    p: float
    holm: float
    bh: float
    outcome: Outcome
    """fail or warn for shown harm beyond the margin, else pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What one hunt found: findings, and the table for people."""

    findings: list[Finding]
    table: list[SubgroupRow]
    bad: frozenset[tuple[object, ...]] = frozenset()
    """`Place.key` of every place that fails or warns."""
    onset: Onset | None = None
    """Of the worst metric and data set, where windows fail or warn."""

    @property
    def since(self) -> str | None:
        """Start of the first bad window."""
        return None if self.onset is None else self.onset.since


def harm_p(found: Sequence[Comparison]) -> NDArray[np.float64]:
    """Return the p-values that are hunted with, shape (len(found),); 1 where it is undefined.

    Quality: against "no harm". Behaviour (any move is one) is no harm by itself, so its move must be shown to be larger
    than the margin: the normal tail beyond it.
    """
    fields = [(f.p, f.loss, f.error, np.nan if f.margin is None else f.margin) for f in found]
    p, loss, error, margin = np.array(fields, dtype=np.float64).reshape(-1, 4).T
    target = np.array([f.metric.direction is Direction.TARGET for f in found], dtype=np.bool_)
    with np.errstate(divide="ignore", invalid="ignore"):
        beyond = special.ndtr(np.where(error > 0, (margin - loss) / error, np.nan))
    exact = np.where((error == 0) & (loss > margin), 0.0, 1.0)  # without any spread the move is what it is
    hunted = np.where(target, np.where(error > 0, beyond, exact), p)
    return np.asarray(np.where(np.isfinite(hunted), hunted, 1.0), dtype=np.float64)


def correct(places: Sequence[Place], at_least: NDArray[np.float64] | float = 0.0) -> list[Tested]:
    """Test a family as one, the smallest p first. A place whose p is undefined counts as a test and shows nothing.

    `at_least` are the p-values of a second claim that has to hold too, shape (len(places),).
    """
    p = np.maximum(harm_p([place.found for place in places]), at_least)
    holm, bh = multiplicity.holm(p), multiplicity.benjamini_hochberg(p)
    fields = [(f.loss, math.inf if f.margin is None else f.margin) for f in (place.found for place in places)]
    loss, margin = np.array(fields, dtype=np.float64).reshape(-1, 2).T
    level = np.where(loss > margin, np.where(holm <= BLOCK, 2, np.where(bh <= NOTE, 1, 0)), 0)
    outcomes = (Outcome.PASS, Outcome.WARN, Outcome.FAIL)
    return [
        Tested(place=places[i], p=float(p[i]), holm=float(holm[i]), bh=float(bh[i]), outcome=outcomes[level[i]])
        for i in np.lexsort((-loss, p))
    ]


def hunt(places: Sequence[Place], kind: Kind, minimum: int) -> Family:
    """Judge a family: the places of all data sets together.

    Args:
        places: every place with at least `minimum` rows, all hunted metrics.
        kind: names the findings.
        minimum: for the sentences.

    Returns:
        A finding for each of the worst places that fail or warn, and one summary; for windows also since when.
    """
    tested = correct(places)
    bad: dict[tuple[object, ...], list[Tested]] = {}
    for one in tested:
        if one.outcome is not Outcome.PASS:
            bad.setdefault(one.place.key, []).append(one)
    ranked = sorted(bad.values(), key=lambda ones: -max(o.outcome.severity for o in ones))
    findings = [_place_finding(ones, kind) for ones in ranked[:MOST_FINDINGS]]
    since = onset(places, _worst(ranked[0]).place) if ranked and kind == "window" else None
    findings.append(_summary(tested, ranked, (kind, minimum, since)))
    table = [subgroup_row(one, one.outcome) for one in tested[:MOST_LISTED]]
    return Family(findings=findings, table=table, bad=frozenset(bad), onset=since)


def _worst(ones: Sequence[Tested]) -> Tested:
    return max(ones, key=lambda one: (one.outcome.severity, -one.p))


def _place_finding(ones: Sequence[Tested], kind: str) -> Finding:
    """Write one place down by its worst metric; the others are named."""
    worst = _worst(ones)
    others = [one.place.found.metric.title for one in ones if one is not worst]
    place = worst.place
    failed = worst.outcome is Outcome.FAIL
    change = describe_change(place.found, "smallest loss" if failed else "interval")
    evidence = (
        f"Holm p = {worst.holm:.2g} over all {PLURAL[kind]}"
        if failed
        else f"Benjamini-Hochberg q = {worst.bh:.2g}, not confirmed by Holm p = {worst.holm:.2g}"
    )
    also = f"; also {' and '.join(others)}" if others else ""
    rows = f"{place.found.n:,} rows"
    reason = f"{place.name}: {change}, more than the {allowed(place.found)} allowed; {rows}; {evidence}{also}."
    written = metric_finding(place.found, worst.outcome, reason)
    return msgspec.structs.replace(
        written,
        id=f"{kind}-{place.found.metric.id}",
        dataset=place.dataset,
        slice=dict(place.slice),
        window=place.window,
        docs=DOCS,
        method=f"{place.found.method}; Holm at {BLOCK:g} fails, Benjamini-Hochberg at {NOTE:g} warns",
    )


def _summary(
    tested: Sequence[Tested], ranked: Sequence[Sequence[Tested]], about: tuple[str, int, Onset | None]
) -> Finding:
    kind, minimum, since = about
    names = {one.place.key for one in tested}
    failed = sum(1 for ones in ranked if any(o.outcome is Outcome.FAIL for o in ones))
    outcome = Outcome.FAIL if failed else Outcome.WARN if ranked else Outcome.PASS
    metrics = list(dict.fromkeys(one.place.found.metric.title for one in tested))
    looked = f"{len(names):,} {kind if len(names) == 1 else PLURAL[kind]} of at least {minimum:,} rows"
    if not names:
        outcome, said = Outcome.WARN, f"no {kind} has {minimum:,} rows, so none was looked at"
    elif not ranked:
        said = f"{looked}: none shown to be worse ({', '.join(metrics)})"
    else:
        left = len(ranked) - MOST_FINDINGS
        more = f"; the worst {MOST_FINDINGS} are listed" if left > 0 else ""
        said = f"{looked}: {failed:,} failed, {len(ranked) - failed:,} to look at{more}{_when(since)}"
    return Finding(
        id=f"{PLURAL[kind]}-summary",
        metric=PLURAL[kind],
        outcome=outcome,
        reason=said[0].upper() + said[1:] + ".",
        docs=DOCS,
        description=f"Is the candidate worse in any {kind}?",
        method=f"Holm at {BLOCK:g} fails, Benjamini-Hochberg at {NOTE:g} warns, over {len(tested):,} tests",
        n=len(names),
    )


def _when(since: Onset | None) -> str:
    if since is None:
        return ""
    where = f" of data set {since.dataset}" if since.dataset else ""
    return f"; {since.metric}{where} is worse {since.when}"


def missing(
    lost: Sequence[tuple[Mapping[str, Value], str | None, int]], kind: Literal["slice", "window"], dataset: str = ""
) -> list[Finding]:
    """Report places of the baseline, with at least the minimum of rows, that the candidate has no row of.

    At most `MOST_FINDINGS`; the last one says how many more there are.
    """
    left = len(lost) - MOST_FINDINGS
    shown = lost[:MOST_FINDINGS]
    more = [
        f" So it is with {left:,} more {kind}s." if left > 0 and i == len(shown) - 1 else "" for i in range(len(shown))
    ]
    return [
        Finding(
            id=f"{kind}-missing",
            metric="rows",
            outcome=Outcome.FAIL,
            reason=f"{name_place(where, window, dataset)}: the baseline has {rows:,} rows, the candidate none.{also}",
            docs=DOCS,
            description=f"Does the candidate answer for every {kind} of the baseline?",
            dataset=dataset,
            slice=dict(where),
            window=window,
            baseline=float(rows),
            candidate=0.0,
            n=rows,
        )
        for (where, window, rows), also in zip(shown, more, strict=True)
    ]


def subgroup_row(one: Tested, outcome: Outcome | None) -> SubgroupRow:
    """Return the row of a tested subgroup; `outcome` is None if a more specific subgroup explains its regression."""
    found = one.place.found
    return SubgroupRow(
        subgroup=one.place.label,
        dataset=one.place.dataset,
        metric=found.metric.id,
        rows=found.n,
        baseline=tidy(found.baseline),
        candidate=tidy(found.candidate),
        change=tidy(found.change),
        low=tidy(found.low),
        high=tidy(found.high),
        p=_short(one.p),
        holm=_short(one.holm),
        bh=_short(one.bh),
        outcome=outcome,
    )


def _short(p: float) -> float:
    return float(f"{p:.3g}")
