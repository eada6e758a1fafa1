"""Hunting for harm where averages hide it: slices and windows, with the chance of false alarms held over all of them.

A family (all slices together, all windows together) is tested as one: Holm at `BLOCK` fails, Benjamini-Hochberg at
`NOTE` warns, and both only where the estimate is beyond the margin too. A place never has to prove that it is equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
from scipy import special

from ghmlops.core import judge
from ghmlops.core.judge import Comparison, Ruling, tidy
from ghmlops.core.model import Direction, Finding, Outcome
from ghmlops.core.stats import cochran, multiplicity

BLOCK = 0.01
NOTE = 0.05
MOST_FINDINGS = 50
"""Places written out a family, the worst first; the summary counts the rest."""
MOST_LISTED = 200
"""Rows of the table in the evidence's details."""
DOCS = f"{judge.DOCS}#slices-and-windows"
Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One metric in one slice or window. `slice` is empty for a window, `window` is None for a slice."""

    slice: Mapping[str, Value]
    window: str | None
    found: Comparison

    @property
    def name(self) -> str:
        """How a sentence names it: `device = tablet, country = FR`, or `window 2025-03-01`."""
        return name_place(self.slice, self.window)

    @property
    def key(self) -> tuple[object, ...]:
        """The same for every metric of one slice or window."""
        return (*self.slice.items(), self.window)


def name_place(where: Mapping[str, Value], window: str | None) -> str:
    """Name a slice or a window for a sentence."""
    if window is not None:
        return f"window {window}"
    return ", ".join(f"{column} = {'null' if v is None else v}" for column, v in where.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """A place with its p-value and the two adjusted ones."""

    place: Place
    p: float
    holm: float
    bh: float

    @property
    def outcome(self) -> Outcome:
        """fail or warn for shown harm beyond the margin, else pass."""
        found = self.place.found
        if found.margin is None or not found.loss > found.margin:
            return Outcome.PASS
        if self.holm <= BLOCK:
            return Outcome.FAIL
        return Outcome.WARN if self.bh <= NOTE else Outcome.PASS


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What one hunt found: findings, and the table for people."""

    findings: list[Finding]
    table: list[dict[str, object]]


def harm_p(found: Comparison) -> float:
    """Return the p-value that is hunted with.

    Quality: against "no harm". Behaviour (any move is one) is no harm by itself, so its move must be shown to be larger
    than the margin: the normal tail beyond it.
    """
    if found.metric.direction is not Direction.TARGET:
        return found.p
    if not (found.error > 0 and found.margin is not None):
        return 0.0 if found.error == 0 and found.margin is not None and found.loss > found.margin else 1.0
    return float(special.ndtr((found.margin - found.loss) / found.error))


def correct(places: Sequence[Place]) -> list[Tested]:
    """Test a family as one, the smallest p first. A place whose p is undefined counts as a test and shows nothing."""
    raw = np.array([harm_p(place.found) for place in places], dtype=np.float64)
    p = np.where(np.isfinite(raw), raw, 1.0)
    holm, bh = multiplicity.holm(p), multiplicity.benjamini_hochberg(p)
    tested = [
        Tested(place=place, p=float(p[i]), holm=float(holm[i]), bh=float(bh[i])) for i, place in enumerate(places)
    ]
    return sorted(tested, key=lambda t: (t.p, -t.place.found.loss, t.place.name, t.place.found.metric.id))


def hunt(places: Sequence[Place], kind: Literal["slice", "window"], minimum: int) -> Family:
    """Judge a family.

    Args:
        places: every place with at least `minimum` rows, all hunted metrics.
        kind: names the findings.
        minimum: for the sentences.

    Returns:
        A finding for each of the worst places that fail or warn, and one summary.
    """
    tested = correct(places)
    bad: dict[object, list[Tested]] = {}
    for one in tested:
        if one.outcome is not Outcome.PASS:
            bad.setdefault(one.place.key, []).append(one)
    ranked = sorted(bad.values(), key=lambda ones: -max(o.outcome.severity for o in ones))
    findings = [_place_finding(ones, kind) for ones in ranked[:MOST_FINDINGS]]
    findings.append(_summary(tested, ranked, kind, minimum))
    return Family(findings=findings, table=[_listed(one, kind) for one in tested[:MOST_LISTED]])


def _place_finding(ones: Sequence[Tested], kind: str) -> Finding:
    """Write one place down by its worst metric; the others are named."""
    worst = max(ones, key=lambda one: (one.outcome.severity, -one.p))
    others = [one.place.found.metric.title for one in ones if one is not worst]
    place = worst.place
    corrected = (
        f"Holm p = {worst.holm:.2g} over all {kind}s, loss beyond the margin of "
        f"{judge.amount(place.found.metric, place.found.margin or 0.0)}"
        if worst.outcome is Outcome.FAIL
        else f"false-discovery q = {worst.bh:.2g}, not shown at Holm p = {worst.holm:.2g}"
    )
    clause = corrected + (f"; also {' and '.join(others)}" if others else "")
    written = judge.finding(place.found, Ruling(worst.outcome, clause), where=f"{place.name}: ")
    return msgspec.structs.replace(
        written,
        id=f"{kind}-{place.found.metric.id}",
        slice=dict(place.slice),
        window=place.window,
        docs=DOCS,
        method=f"{place.found.method}; Holm at {BLOCK:g} fails, Benjamini-Hochberg at {NOTE:g} warns",
    )


def _summary(tested: Sequence[Tested], ranked: Sequence[Sequence[Tested]], kind: str, minimum: int) -> Finding:
    names = {one.place.key for one in tested}
    failed = sum(1 for ones in ranked if any(o.outcome is Outcome.FAIL for o in ones))
    outcome = Outcome.FAIL if failed else Outcome.WARN if ranked else Outcome.PASS
    metrics = list(dict.fromkeys(one.place.found.metric.title for one in tested))
    looked = f"{len(names):,} {kind}{'' if len(names) == 1 else 's'} of at least {minimum:,} rows"
    if not names:
        outcome, said = Outcome.WARN, f"no {kind} has {minimum:,} rows, so none was looked at"
    elif not ranked:
        said = f"{looked}: none shown to be worse ({', '.join(metrics)})"
    else:
        left = len(ranked) - MOST_FINDINGS
        more = f"; the worst {MOST_FINDINGS} are listed" if left > 0 else ""
        said = f"{looked}: {failed:,} failed, {len(ranked) - failed:,} to look at{more}"
    return Finding(
        id=f"{kind}s-summary",
        metric=f"{kind}s",
        outcome=outcome,
        reason=said[0].upper() + said[1:] + ".",
        docs=DOCS,
        description=f"Is the candidate worse in any {kind}?",
        method=f"Holm at {BLOCK:g} fails, Benjamini-Hochberg at {NOTE:g} warns, over {len(tested):,} tests",
        n=len(names),
    )


def uneven(places: Sequence[Place]) -> list[Finding]:
    """Ask, for each quality metric, whether the change is the same in every window (Cochran's Q).

    Some window must be beyond the margin too: a change that differs from window to window without harm is no finding.
    """
    metrics = {place.found.metric.id: place.found.metric for place in places}
    quality = [m for m in metrics.values() if m.direction is not Direction.TARGET]
    findings = []
    for metric in quality:
        own = [place for place in places if place.found.metric.id == metric.id]
        result = cochran.heterogeneity(
            np.array([p.found.change for p in own]), np.array([_smoothed_error(p.found) for p in own])
        )
        worst = max(own, key=lambda p: p.found.loss if np.isfinite(p.found.loss) else -np.inf)
        beyond = worst.found.margin is not None and worst.found.loss > worst.found.margin
        if not (result.p < BLOCK / len(quality) and beyond):
            continue
        findings.append(
            Finding(
                id="windows-uneven",
                metric=metric.id,
                outcome=Outcome.WARN,
                reason=(
                    f"The change of {metric.title} differs between {len(own):,} windows more than noise explains "
                    f"(Cochran's Q = {result.q:.1f}, p = {result.p:.2g}); the worst is {worst.name}: "
                    f"{judge.sentence(worst.found)}."
                ),
                docs=DOCS,
                description="Is the change the same in every window?",
                unit=metric.unit,
                direction=metric.direction,
                method="Cochran's Q over the windows",
                n=sum(place.found.n for place in own),
            )
        )
    return findings


def _smoothed_error(found: Comparison) -> float:
    """Return the standard error; for shares never below that of one discordant pair, which windows without any have."""
    floor = 1.0 / found.n if found.metric.unit == "ratio" and found.n else 0.0
    return max(found.error, floor)


def missing(
    lost: Sequence[tuple[Mapping[str, Value], str | None, int]], kind: Literal["slice", "window"]
) -> list[Finding]:
    """Report places of the baseline, with at least the minimum of rows, that the candidate has no row of."""
    return [
        Finding(
            id=f"{kind}-missing",
            metric="rows",
            outcome=Outcome.FAIL,
            reason=(f"{name_place(where, window)}: the baseline has {rows:,} rows, the candidate none."),
            docs=DOCS,
            description=f"Does the candidate answer for every {kind} of the baseline?",
            slice=dict(where),
            window=window,
            baseline=float(rows),
            candidate=0.0,
            n=rows,
        )
        for where, window, rows in lost[:MOST_FINDINGS]
    ]


def _listed(one: Tested, kind: str) -> dict[str, object]:
    found = one.place.found
    return {
        kind: one.place.name.removeprefix("window "),
        "metric": found.metric.id,
        "rows": found.n,
        "baseline": tidy(found.baseline),
        "candidate": tidy(found.candidate),
        "change": tidy(found.change),
        "low": tidy(found.low),
        "high": tidy(found.high),
        "p": _short(one.p),
        "holm": _short(one.holm),
        "bh": _short(one.bh),
        "outcome": one.outcome.value,
    }


def _short(p: float) -> float:
    return float(f"{p:.3g}")
