"""Slice search: finds undeclared slices with a regression among all values of single columns and all pairs of them.

The searched slices are one family of tests, separate from the declared slices. They are exploratory, so they warn and
never fail. A slice must be worse than the rest of all rows, and the result is pruned so that every regression is
reported once (`search_pruning`).
"""

from __future__ import annotations

from collections.abc import Sequence, Set

import msgspec

from ghmlops.core.details.regression import SubgroupRow
from ghmlops.core.model import Direction, Finding, Outcome
from ghmlops.core.predictions.constants import FALSE_DISCOVERY_LEVEL, MAX_TABLE_ROWS, SEARCH_LEVEL
from ghmlops.core.predictions.findings import DOCS, allowed, describe_change, metric_finding, stated_rows
from ghmlops.core.predictions.subgroup import Subgroup, SubgroupKey
from ghmlops.core.predictions.subgroups.family import FamilyResult, SubgroupTest, also_named, run_tests, subgroup_row
from ghmlops.core.predictions.subgroups.search_pruning import excess_loss, index_subgroups, p_worse_than_rest, prune
from ghmlops.core.predictions.subgroups.spread import Spreads
from ghmlops.core.text.p_value import format_p

SECTION = f"{DOCS}#slice-search"
_DESCRIPTION = "Is there a slice, not declared, in which the candidate is worse?"


class _WorseSlice(msgspec.Struct, frozen=True, kw_only=True):
    """A slice that survived the pruning, with the tests of the metrics in which it is worse, largest loss first."""

    tests: Sequence[SubgroupTest]

    @property
    def key(self) -> SubgroupKey:
        return self.tests[0].subgroup.key

    @property
    def significant(self) -> bool:
        """True if Holm's method confirms at least one metric; otherwise the slice is only suspected."""
        return any(test.holm <= SEARCH_LEVEL for test in self.tests)


def search_slices(  # noqa: PLR0913  (the parts of one search)
    subgroups: Sequence[Subgroup],
    *,
    max_findings: int,
    minimum: int,
    overall: Sequence[Subgroup] = (),
    reported_keys: Set[SubgroupKey] = frozenset(),
    spreads: Spreads | None = None,
) -> FamilyResult:
    """Search for the slices with the largest regression.

    Args:
        subgroups: All values of every column and of every pair of columns with at least `minimum` rows, one entry per
            tested metric and data set. Behaviour metrics and those without a margin are not searched.
        max_findings: Largest number of slices with a finding.
        minimum: Smallest number of rows of a searched slice, for the reason of the summary.
        overall: The same metrics over all rows of each data set. A slice must be worse than the rest of these rows, so
            that a regression of all rows alike is not reported as one of every slice.
        reported_keys: Keys of declared slices that have a finding already; these are counted, not reported again.
        spreads: Spread of each family, by which test statistics are divided; None: 1.

    Returns:
        A warning `search-<metric>` per slice that Holm's method confirms at `SEARCH_LEVEL`, largest excess loss first,
        `search-summary`, and the rows of the table `searched`. Slices that only the false discovery rate flags are
        counted in the summary.
    """
    quality = [
        s
        for s in subgroups
        if s.comparison.metric.direction is not Direction.TARGET and s.comparison.margin is not None
    ]
    index = index_subgroups([*quality, *overall])
    tests = run_tests(quality, p_worse_than_rest(quality, index), spreads)
    flagged_tests = [test for test in tests if test.outcome is not Outcome.PASS]
    worse = _group_by_slice(prune(flagged_tests, index))
    significant = [entry for entry in worse if entry.significant]
    new = [entry for entry in significant if entry.key not in reported_keys]
    findings = [_slice_finding(entry, len(tests)) for entry in new[:max_findings]]
    findings.append(_summary(tests, (worse, significant, new), (max_findings, minimum)))
    return FamilyResult(
        findings=findings,
        table=_table(tests, flagged_tests, significant),
        flagged_keys=frozenset(entry.key for entry in new[:max_findings]),
    )


def _group_by_slice(tests: Sequence[SubgroupTest]) -> list[_WorseSlice]:
    """Group the metrics of each slice; slices and their metrics are ordered by their excess loss, largest first."""
    by_key: dict[SubgroupKey, list[SubgroupTest]] = {}
    for test in sorted(tests, key=lambda test: -excess_loss(test.subgroup.comparison)):
        by_key.setdefault(test.subgroup.key, []).append(test)
    return [_WorseSlice(tests=group) for group in by_key.values()]


def _slice_finding(entry: _WorseSlice, test_count: int) -> Finding:
    worst = next(test for test in entry.tests if test.holm <= SEARCH_LEVEL)
    subgroup, comparison = worst.subgroup, worst.subgroup.comparison
    size = ""
    if comparison.metric.unit == "ratio":
        size = f" by about {comparison.n * (comparison.loss - (comparison.margin or 0.0)):,.0f} rows"
    reason = (
        f"{subgroup.name}: {describe_change(comparison, 'smallest loss')}, more than the {allowed(comparison)} "
        f"allowed{size}; {stated_rows(comparison)}; found by the slice search, {format_p('Holm p', worst.holm)} over "
        f"{test_count:,} tests{also_named(entry.tests, worst)}."
    )
    return msgspec.structs.replace(
        metric_finding(comparison, Outcome.WARN, reason),
        id=f"search-{comparison.metric.id}",
        dataset=subgroup.dataset,
        slice=dict(subgroup.slice),
        docs=SECTION,
        description=_DESCRIPTION,
        method=(
            f"{comparison.method}; Holm at {SEARCH_LEVEL:g} over all searched slices; the estimate of a slice chosen "
            "by search is biased towards a larger loss"
        ),
    )


def _summary(
    tests: Sequence[SubgroupTest],
    stages: tuple[Sequence[_WorseSlice], Sequence[_WorseSlice], Sequence[_WorseSlice]],
    limits: tuple[int, int],
) -> Finding:
    worse, significant, new = stages
    max_findings, minimum = limits
    count = len({test.subgroup.key for test in tests})
    searched = f"{count:,} searched slices of at least {minimum:,} rows"
    suspected = len(worse) - len(significant)
    more = f"; {suspected:,} more are suspected (false discovery rate {FALSE_DISCOVERY_LEVEL:g})" if suspected else ""
    if not count:
        # Nobody declares the searched slices: small ones are no fault of the policy.
        outcome, reason = Outcome.PASS, f"No slice has {minimum:,} rows, so none was searched"
    elif significant:
        declared, text = len(significant) - len(new), ""
        if declared:
            text += f"; {declared:,} of them are declared slices, reported above"
        if len(new) > max_findings:
            text += f"; the {max_findings} with the largest excess loss are listed"
        outcome = Outcome.WARN
        reason = f"Of {searched}, {len(significant):,} are worse than the rest{text}{more}"
    else:
        outcome, reason = Outcome.PASS, f"Of {searched}, none is significantly worse than the rest{more}"
    return Finding(
        id="search-summary",
        metric="slices",
        outcome=outcome,
        reason=f"{reason}.",
        docs=SECTION,
        description=_DESCRIPTION,
        method=f"Holm at {SEARCH_LEVEL:g} warns, over {len(tests):,} tests",
        n=count,
    )


def _table(
    tests: Sequence[SubgroupTest], flagged_tests: Sequence[SubgroupTest], significant: Sequence[_WorseSlice]
) -> list[SubgroupRow]:
    """Return the rows of all significant slices and of the smallest p-values, in the order of the tests.

    A flagged slice that the pruning removed has no outcome, because another slice explains its regression.
    """
    warned_ids = {id(test) for entry in significant for test in entry.tests}
    flagged_ids = {id(test) for test in flagged_tests}
    places_left = max(MAX_TABLE_ROWS - len(warned_ids), 0)
    selection = [test for test in tests if id(test) in warned_ids][:MAX_TABLE_ROWS]
    selection += [test for test in tests if id(test) not in warned_ids][:places_left]
    order = {id(test): i for i, test in enumerate(tests)}
    rows = []
    for test in sorted(selection, key=lambda test: order[id(test)]):
        outcome = Outcome.WARN if id(test) in warned_ids else None if id(test) in flagged_ids else Outcome.PASS
        rows.append(subgroup_row(test, outcome))
    return rows
