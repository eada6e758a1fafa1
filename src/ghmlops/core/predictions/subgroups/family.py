"""Tests a family of subgroups for regressions, with control of the false alarms over the whole family.

A family is all slices together, all windows together, or all classes together, over all data sets and metrics. A
subgroup fails by Holm's method at `HOLM_LEVEL` and warns by that of Benjamini and Hochberg at `FALSE_DISCOVERY_LEVEL`,
in both cases only if the estimated loss exceeds the margin too. A subgroup never has to prove that it is equal.

Sources: Holm (1979), Scandinavian Journal of Statistics 6; Benjamini and Hochberg (1995), JRSS B 57.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from ghmlops.core.details.regression import SubgroupRow
from ghmlops.core.model import Direction, Finding, Outcome
from ghmlops.core.predictions.constants import FALSE_DISCOVERY_LEVEL, HOLM_LEVEL, MAX_FINDINGS, MAX_TABLE_ROWS
from ghmlops.core.predictions.findings import (
    DOCS,
    allowed,
    describe_change,
    distance_interval,
    metric_finding,
    stated_rows,
)
from ghmlops.core.predictions.ruling import Comparison, evidence_number
from ghmlops.core.predictions.subgroup import Subgroup, SubgroupKey, Value, subgroup_name
from ghmlops.core.predictions.subgroups.onset import Onset, find_onset
from ghmlops.core.predictions.subgroups.spread import Spreads, family_of, widen
from ghmlops.core.stats import multiplicity, special
from ghmlops.core.text.p_value import format_p

SECTION = f"{DOCS}#slices-and-windows"
CORRECTION = f"Holm at {HOLM_LEVEL:g} fails, Benjamini-Hochberg at {FALSE_DISCOVERY_LEVEL:g} warns"
Kind = Literal["slice", "window", "class"]
PLURAL = {"slice": "slices", "window": "windows", "class": "classes"}


class SubgroupTest(msgspec.Struct, frozen=True, kw_only=True):
    """The test of one metric in one subgroup, with its p-value before and after correction for multiple tests."""

    subgroup: Subgroup
    p: float
    holm: float
    """Adjusted by Holm's method."""
    bh: float
    """Adjusted by the method of Benjamini and Hochberg."""
    outcome: Outcome
    """Fail or warn for a regression beyond the margin, otherwise pass."""


class FamilyResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a family: its findings, and the rows of its table with the smallest p-values first."""

    findings: list[Finding]
    table: list[SubgroupRow]
    flagged_keys: frozenset[SubgroupKey] = frozenset()
    """Keys of the subgroups that fail or warn."""
    onset: Onset | None = None
    """For windows that fail or warn: since when the worst metric is worse, in its data set."""

    @property
    def since(self) -> str | None:
        """Start of the first window of the regression."""
        return None if self.onset is None else self.onset.since


def regression_p_values(comparisons: Sequence[Comparison]) -> NDArray[np.float64]:
    """Return the p-value of each comparison against "no regression", shape (len(comparisons),); 1 if undefined.

    Quality metrics are tested against "not worse". A move of a behaviour metric (positive rate, mean prediction) is no
    regression by itself, so it is tested against "moved by no more than the margin", with a normal tail.
    """
    fields = [(c.p, c.loss, c.error, np.nan if c.margin is None else c.margin) for c in comparisons]
    p, loss, error, margin = np.array(fields, dtype=np.float64).reshape(-1, 4).T
    is_behaviour = np.array([c.metric.direction is Direction.TARGET for c in comparisons], dtype=np.bool_)
    with np.errstate(divide="ignore", invalid="ignore"):
        p_beyond_margin = special.ndtr(np.where(error > 0, (margin - loss) / error, np.nan))
    # Without sampling error the move is known exactly.
    p_exact = np.where((error == 0) & (loss > margin), 0.0, 1.0)
    result = np.where(is_behaviour, np.where(error > 0, p_beyond_margin, p_exact), p)
    return np.asarray(np.where(np.isfinite(result), result, 1.0), dtype=np.float64)


def run_tests(
    subgroups: Sequence[Subgroup], second_p: NDArray[np.float64] | float = 0.0, spreads: Spreads | None = None
) -> list[SubgroupTest]:
    """Test all subgroups as one family and return the tests, smallest p-value first, then largest loss first.

    A subgroup whose p-value is undefined counts as a test and passes.

    Args:
        subgroups: One entry per metric and subgroup.
        second_p: p-values of a second claim that must hold as well, shape (len(subgroups),): the larger one counts.
        spreads: Spread of each family, by which test statistics are divided; None: 1.
    """
    p = np.maximum(regression_p_values([subgroup.comparison for subgroup in subgroups]), second_p)
    p = widen(p, subgroups, spreads or {})
    holm, bh = multiplicity.holm(p), multiplicity.benjamini_hochberg(p)
    comparisons = [subgroup.comparison for subgroup in subgroups]
    fields = [(c.loss, math.inf if c.margin is None else c.margin) for c in comparisons]
    loss, margin = np.array(fields, dtype=np.float64).reshape(-1, 2).T
    level = np.where(loss > margin, np.where(holm <= HOLM_LEVEL, 2, np.where(bh <= FALSE_DISCOVERY_LEVEL, 1, 0)), 0)
    outcomes = (Outcome.PASS, Outcome.WARN, Outcome.FAIL)
    return [
        SubgroupTest(
            subgroup=subgroups[i], p=float(p[i]), holm=float(holm[i]), bh=float(bh[i]), outcome=outcomes[level[i]]
        )
        for i in np.lexsort((-loss, p))
    ]


def judge_family(
    subgroups: Sequence[Subgroup], kind: Kind, minimum: int, spreads: Spreads | None = None
) -> FamilyResult:
    """Judge a family: the subgroups of all data sets together.

    Args:
        subgroups: Every subgroup with at least `minimum` rows, one entry per tested metric.
        kind: Kind of the subgroups; it names the findings.
        minimum: Smallest number of rows of a tested subgroup, for the reason of the summary.
        spreads: Spread of each family, by which test statistics are divided; None: 1.

    Returns:
        A finding per subgroup that fails or warns, at most `MAX_FINDINGS`, and a summary; for windows also the onset.
    """
    tests = run_tests(subgroups, spreads=spreads)
    by_key: dict[SubgroupKey, list[SubgroupTest]] = {}
    for test in tests:
        if test.outcome is not Outcome.PASS:
            by_key.setdefault(test.subgroup.key, []).append(test)
    ranked = sorted(by_key.values(), key=lambda group: -max(test.outcome.severity for test in group))
    findings = [_subgroup_finding(group, kind) for group in ranked[:MAX_FINDINGS]]
    onset = find_onset(subgroups, _worst(ranked[0]).subgroup) if ranked and kind == "window" else None
    summary = _summary(tests, ranked, (kind, minimum, onset))
    findings.append(msgspec.structs.replace(summary, method=summary.method + describe_spreads(subgroups, spreads)))
    table = [subgroup_row(test, test.outcome) for test in tests[:MAX_TABLE_ROWS]]
    return FamilyResult(findings=findings, table=table, flagged_keys=frozenset(by_key), onset=onset)


def describe_spreads(subgroups: Sequence[Subgroup], spreads: Spreads | None) -> str:
    """Return the part of a method that states by what the test statistics were divided; empty if by nothing."""
    used = {family: spreads[family] for family in map(family_of, subgroups) if spreads and family in spreads}
    if not used:
        return ""
    low, high = min(used.values()).scale, max(used.values()).scale
    size = f"{low:.1f}" if f"{low:.1f}" == f"{high:.1f}" else f"{low:.1f} to {high:.1f}"
    return f"; changes vary {size} times as much between the subgroups as sampling explains, and are divided by that"


def _worst(tests: Sequence[SubgroupTest]) -> SubgroupTest:
    return max(tests, key=lambda test: (test.outcome.severity, -test.p))


def _subgroup_finding(tests: Sequence[SubgroupTest], kind: str) -> Finding:
    """Return the finding on one subgroup: its worst metric in numbers, the other flagged metrics by name."""
    worst = _worst(tests)
    subgroup, comparison = worst.subgroup, worst.subgroup.comparison
    if worst.outcome is Outcome.FAIL:
        change = describe_change(comparison, "smallest loss")
        significance = f"{format_p('Holm p', worst.holm)} over all {PLURAL[kind]}"
    else:
        change = describe_change(comparison, "interval")
        significance = f"Benjamini-Hochberg q = {worst.bh:.2g}, not confirmed by {format_p('Holm p', worst.holm)}"
    reason = (
        f"{subgroup.name}: {change}, more than the {allowed(comparison)} allowed; {stated_rows(comparison)}; "
        f"{significance}{also_named(tests, worst)}."
    )
    return msgspec.structs.replace(
        metric_finding(comparison, worst.outcome, reason),
        id=f"{kind}-{comparison.metric.id}",
        dataset=subgroup.dataset,
        slice=dict(subgroup.slice),
        window=subgroup.window,
        docs=SECTION,
        method=f"{comparison.method}; {CORRECTION}",
    )


def also_named(tests: Sequence[SubgroupTest], worst: SubgroupTest) -> str:
    """Return a clause that names the metrics of the tests other than the worst: "; also log loss and MAE"."""
    titles = [test.subgroup.comparison.metric.title for test in tests if test is not worst]
    return f"; also {' and '.join(titles)}" if titles else ""


def _summary(
    tests: Sequence[SubgroupTest],
    ranked: Sequence[Sequence[SubgroupTest]],
    context: tuple[Kind, int, Onset | None],
) -> Finding:
    kind, minimum, onset = context
    count = len({test.subgroup.key for test in tests})
    failed = sum(1 for group in ranked if any(test.outcome is Outcome.FAIL for test in group))
    tested = f"{count:,} {kind if count == 1 else PLURAL[kind]} of at least {minimum:,} rows"
    if not count:
        # Nobody declares classes as a family: small ones are no fault of the policy.
        outcome = Outcome.PASS if kind == "class" else Outcome.WARN
        reason = f"No {kind} has {minimum:,} rows, so none was tested."
    elif not ranked:
        outcome = Outcome.PASS
        titles = dict.fromkeys(test.subgroup.comparison.metric.title for test in tests)
        reason = f"No regression was found in {tested} ({', '.join(titles)})."
    else:
        outcome = Outcome.FAIL if failed else Outcome.WARN
        truncated = f"; the worst {MAX_FINDINGS} are listed" if len(ranked) > MAX_FINDINGS else ""
        since = f"; {onset.sentence}" if onset else ""
        reason = f"Of {tested}, {failed:,} failed and {len(ranked) - failed:,} warned{truncated}{since}."
    return Finding(
        id=f"{PLURAL[kind]}-summary",
        metric=PLURAL[kind],
        outcome=outcome,
        reason=reason,
        docs=SECTION,
        description=f"Is the candidate worse in any {kind}?",
        method=f"{CORRECTION}, over {len(tests):,} tests",
        n=count,
    )


def missing_subgroups(
    missing: Sequence[tuple[Mapping[str, Value], str | None, int]], kind: Literal["slice", "window"], dataset: str = ""
) -> list[Finding]:
    """Return a finding per subgroup of the baseline in which the candidate has no row, at most `MAX_FINDINGS`.

    Args:
        missing: Slice, window and number of baseline rows of each; only those with at least the minimum of rows.
        kind: Kind of the subgroups.
        dataset: Name of the data set.
    """
    listed_entries, omitted = missing[:MAX_FINDINGS], len(missing) - MAX_FINDINGS
    findings = []
    for number, (slice_values, window, rows) in enumerate(listed_entries, start=1):
        name = subgroup_name(slice_values, window, dataset)
        reason = f"{name}: the baseline has {rows:,} rows and the candidate has none."
        if omitted > 0 and number == len(listed_entries):
            reason += f" {omitted:,} more {PLURAL[kind]} are missing as well."
        findings.append(
            Finding(
                id=f"{kind}-missing",
                metric="rows",
                outcome=Outcome.FAIL,
                reason=reason,
                docs=SECTION,
                description=f"Does the candidate have rows in every {kind} of the baseline?",
                dataset=dataset,
                slice=dict(slice_values),
                window=window,
                baseline=float(rows),
                candidate=0.0,
                n=rows,
            )
        )
    return findings


def subgroup_row(test: SubgroupTest, outcome: Outcome | None) -> SubgroupRow:
    """Return the table row of a tested subgroup; `outcome` is None if another subgroup explains its regression."""
    comparison = test.subgroup.comparison
    return SubgroupRow(
        subgroup=test.subgroup.label,
        dataset=test.subgroup.dataset,
        metric=comparison.metric.id,
        rows=comparison.n,
        baseline=evidence_number(comparison.baseline),
        candidate=evidence_number(comparison.candidate),
        change=evidence_number(comparison.change),
        low=evidence_number(comparison.low),
        high=evidence_number(comparison.high),
        p=_round_p(test.p),
        holm=_round_p(test.holm),
        bh=_round_p(test.bh),
        outcome=outcome,
        loss=distance_interval(comparison),
    )


def _round_p(p: float) -> float:
    return float(f"{p:.3g}")
