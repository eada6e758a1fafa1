# ruff: noqa: S608  (every name in the SQL is ours)
"""Aggregates the paired rows: cubes, tables of every grouping set, agreement and scores.

Imported while the engine reads: see `reading.DEFERRED_MODULES`.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.metrics import metrics_of
from ghmlops.core.model import finite
from ghmlops.core.paired.attributes import WINDOW
from ghmlops.core.predictions.observation import SCORE_DISTANCE, Observation
from ghmlops.measure.predictions.layout import CLASS_TASKS
from ghmlops.measure.predictions.sql.changed_rows import read_changed_rows
from ghmlops.measure.predictions.sql.cubes import add_groups, count_entries, read_cube
from ghmlops.measure.predictions.sql.distributions import probability_distribution, read_score_distribution
from ghmlops.measure.predictions.sql.facts import column_changes, count_pair_facts, measure_agreement
from ghmlops.measure.predictions.sql.ranking import rank_queries, read_query_ranks
from ghmlops.measure.predictions.sql.row_values.sums import RowSource, kinds_of
from ghmlops.measure.predictions.sql.scores import (
    build_grid,
    count_groups,
    read_binned_scores,
    read_columns,
    read_joint_bins,
    read_row_bins,
)
from ghmlops.measure.predictions.sql.staging import attribute_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ghmlops.core.paired.aggregates import CellTable, Columns, Grid, ScorePairs
    from ghmlops.core.policy.regression import Regression
    from ghmlops.core.predictions.behaviour.distribution import Distribution
    from ghmlops.core.predictions.contract.facts import Facts, PairFacts
    from ghmlops.measure.predictions.layout import Layout
    from ghmlops.measure.predictions.sql.cubes import CodedCube
    from ghmlops.measure.predictions.sql.scores import BinnedScores, JointBins
    from ghmlops.measure.predictions.sql.staging import StagedViews

MAX_EXACT_ROWS = 250_000
"""Number of labelled rows of a binary task up to which scores are read individually; beyond, they are binned."""
MAX_EXACT_ROWS_REGRESSION = 2_000_000
"""The same for a regression; beyond, the scores are not read, because no metric of a regression uses bins."""
MAX_ROWS_READ = 4_000_000
"""Number of rows of both artifacts of a binary task up to which scores are read to be counted, in at most 0.1 GB."""
MAX_TIED_SHARE = 0.25
"""Share of the rows in one bin of a side above which bins hide the order of the scores, as with rare events."""
MAX_ENTRIES = 2_000_000
"""Number of entries of a cube above which decisions are counted only as right and wrong."""
MAX_SEARCHED_ATTRIBUTES = 12
"""Number of attributes whose pairs are searched for regressions."""
TOLERANCE, SINGLE_TOLERANCE = 1e-9, 1e-6
"""Scores that differ by less are unchanged: absolute up to 1, relative above. The second applies if one side has single
precision."""
CENTRE_UNIT = 1e-7
"""Share of the span of the values to which the centre of their sums is rounded. The standard deviation of n values is
at least their span / sqrt(2 n), so that the variance around the centre is wrong by less than 1e-7 for 10 million rows.
"""
GroupingSet = tuple[str, ...]
"""Attributes by which rows are grouped; empty for all rows."""


class _Scores(msgspec.Struct, frozen=True, kw_only=True):
    """What was read of the scores; None: not needed, or too many rows."""

    columns: Columns | None = None
    grid: Grid | None = None
    ranks: ScorePairs | None = None


class _Bins(msgspec.Struct, frozen=True, kw_only=True):
    """The usable scores of a binary task in bins."""

    baseline: BinnedScores
    candidate: BinnedScores
    joint: JointBins | None = None
    """None: so few rows that the scores are read."""
    grid: Grid | None = None
    """None: few labelled rows, or none."""
    is_coarse: bool = False
    """The grid cannot decide the verdict."""


def grouping_sets(policy: Regression, layout: Layout) -> tuple[GroupingSet, ...]:
    """Return all grouping sets: declared slices, windows, and attributes and pairs of attributes of the search."""
    declared = [tuple(dict.fromkeys(columns)) for columns in policy.slices] + [(WINDOW,)] * bool(policy.window)
    attributes = layout.attributes[:MAX_SEARCHED_ATTRIBUTES] if policy.search else ()
    searched = [*((column,) for column in attributes), *itertools.combinations(attributes, 2)]
    unique = dict.fromkeys(declared)
    declared_sets = {frozenset(columns) for columns in unique}
    return (*unique, *(columns for columns in searched if frozenset(columns) not in declared_sets))


def sum_up(
    views: StagedViews,
    facts: Facts,
    repeated_roles: tuple[str, ...],
    progress: Callable[[str], None],
    *,
    score_distance: bool,
) -> Observation:
    """Aggregate the pairs.

    Args:
        views: the staged artifacts, with the view `pairs`.
        facts: the facts of the artifacts.
        repeated_roles: roles in which keys repeat.
        progress: called with a message about each step.
        score_distance: also sum the absolute differences of the scores.
    """
    session, policy = views.session, views.layout.policy
    default_tolerance = SINGLE_TOLERANCE if views.layout.schema.single_precision else TOLERANCE
    tolerance = policy.tolerance.get(views.layout.score, default_tolerance)
    classes = (len(policy.classes) or 2) if policy.task in CLASS_TASKS else 0
    weighted = bool(policy.weight)
    rows = RowSource(table="pairs", classes=classes, means=_centring_means(views), weighted=weighted)
    progress("summing up")
    # The engine counts for one thread while the other one reads its results and rolls up the tables.
    with session.helper_thread("counts") as worker:
        pending_agreement = worker.submit(measure_agreement, views, tolerance)
        pending_bins = worker.submit(_count_in_bins, views, facts) if policy.task == "binary" else None
        if policy.task == "ranking":
            rank_queries(views)
            documents = read_cube(views, rows, ((), ()))
            source = RowSource(table="queries", classes=0, weighted=weighted)
        else:
            documents, source = None, rows
        has_distance = score_distance and policy.task in ("binary", "regression")
        coded, cube_of = _read_cubes(views, source, score_distance=has_distance)
        tables = _roll_up(views, source, cube_of)
        agreement, bins = pending_agreement.result(), pending_bins.result() if pending_bins else None
    pairs = count_pair_facts(views, documents or coded, agreement, repeated_roles, tolerance)
    facts = msgspec.structs.replace(facts, pairs=pairs)
    if not pairs.usable:
        return Observation(facts=facts)
    scores: tuple[Distribution, ...] = ()
    if bins is not None:
        sides = pairs.paired + pairs.removed, pairs.paired + pairs.added
        scores = (probability_distribution(views, (bins.baseline, bins.candidate), sides),)
    elif policy.task in ("regression", "ranking") or (policy.task == "text" and policy.score):
        scores = (read_score_distribution(views),)
    read = _read_scores(views, pairs, coded, bins, progress)
    return Observation(
        facts=facts,
        tables=tables,
        columns=read.columns,
        grid=read.grid,
        ranks=read_query_ranks(session, weighted=weighted) if policy.task == "ranking" else read.ranks,
        scores=scores,
        changes=column_changes(views, documents or coded, agreement, pairs),
        changed_rows=read_changed_rows(views, repeated_roles) if policy.changed.rows else [],
    )


def _count_in_bins(views: StagedViews, facts: Facts) -> _Bins:
    """Count the scores in bins: here if the rows fit into memory and have no weights, otherwise in the engine.

    If bins suffice, the metrics are compared, too, because the other thread has more to do.
    """
    from ghmlops.core.predictions.comparison import compare_binned
    from ghmlops.core.predictions.judgement import needs_rows

    session, policy = views.session, views.layout.policy
    weighted, sizes = bool(policy.weight), (facts.baseline.rows, facts.candidate.rows)
    rows = None if weighted or sum(sizes) > MAX_ROWS_READ else read_row_bins(session)
    sides = rows.by_side() if rows else read_binned_scores(session, weighted=weighted)
    if min(sizes) <= MAX_EXACT_ROWS:
        return _Bins(baseline=sides[0], candidate=sides[1])
    joint = rows.joint() if rows else read_joint_bins(session, weighted=weighted)
    has_grid = joint.n[joint.label >= 0].sum() > MAX_EXACT_ROWS
    grid = build_grid(sides, joint) if has_grid else None
    is_coarse = grid is not None and (bool(policy.group) or needs_rows(grid, policy))
    if grid is not None and not is_coarse:
        compare_binned(grid, policy)
    return _Bins(baseline=sides[0], candidate=sides[1], joint=joint, grid=grid, is_coarse=is_coarse)


def _read_cubes(
    views: StagedViews, source: RowSource, *, score_distance: bool
) -> tuple[CodedCube, dict[GroupingSet, CodedCube]]:
    """Return the finest cube (of all rows, if attributes do not share one code), and the cube of each grouping set."""
    policy, layout = views.layout.policy, views.layout
    kinds = kinds_of(metrics_of(policy)) + ((SCORE_DISTANCE,) if score_distance else ())
    sets, attributes = grouping_sets(policy, layout), tuple(attribute_names(layout))
    single_cube = views.plan.single_cube
    if single_cube and not _must_collapse(views, attributes):
        coded = read_cube(views, source, (attributes, kinds))
        return coded, dict.fromkeys(((), *sets), coded)
    coded = read_cube(views, source, ((), kinds))
    shared = read_cube(views, source, (attributes, kinds), collapsed=True) if single_cube else None
    return coded, {(): coded} | {
        columns: shared or read_cube(views, source, (columns, kinds), collapsed=_must_collapse(views, columns))
        for columns in sets
    }


def _roll_up(
    views: StagedViews, source: RowSource, cube_of: Mapping[GroupingSet, CodedCube]
) -> dict[GroupingSet, CellTable]:
    """Return the table of each grouping set, with the sums of groups if rows depend on each other."""
    policy = views.layout.policy
    tables = {
        columns: coded.cube.roll_up(columns, policy.minimum_rows if columns else 0)
        for columns, coded in cube_of.items()
    }
    if not policy.group:
        return tables
    return {
        columns: add_groups(views, source, cube_of[columns], (table, tuple(table.sums)))
        for columns, table in tables.items()
    }


def _must_collapse(views: StagedViews, columns: GroupingSet) -> bool:
    """Return True if cells and classes are so many that each cell counts only right and wrong decisions."""
    # With two classes, right and wrong are no fewer than the classes.
    many_classes = views.layout.policy.task == "multiclass" and len(views.layout.policy.classes) > 2
    return many_classes and count_entries(views, columns) > MAX_ENTRIES


def _read_scores(
    views: StagedViews,
    pairs: PairFacts,
    coded: CodedCube,
    bins: _Bins | None,
    progress: Callable[[str], None],
) -> _Scores:
    """Return the scores themselves if they are few or if bins cannot decide a verdict, otherwise bins."""
    session, policy = views.session, views.layout.policy
    if policy.task not in ("binary", "regression"):
        return _Scores()
    grouped, weighted = bool(policy.group), bool(policy.weight)
    progress("reading scores")
    limit = MAX_EXACT_ROWS if policy.task == "binary" else MAX_EXACT_ROWS_REGRESSION
    codes = coded.codes if views.plan.single_cube else {}
    columns: Columns | None = None
    ranks: ScorePairs | None = None
    if pairs.usable <= limit:
        columns, ranks = read_columns(session, grouped=grouped, codes=codes, only_labelled=False, weighted=weighted)
        return _Scores(columns=columns if pairs.labelled else None, ranks=ranks)
    if 0 < pairs.labelled <= limit:
        columns, _ = read_columns(session, grouped=grouped, codes=codes, weighted=weighted)
    if bins is None or bins.joint is None:
        return _Scores(columns=columns)
    if bins.is_coarse:
        progress("reading scores again, because bins are too coarse for the verdict")
        columns, ranks = read_columns(session, grouped=grouped, codes={}, weighted=weighted)
    if ranks is None or pairs.labelled < pairs.usable:
        ranks = _read_ranks(views, bins.joint, pairs)
    return _Scores(columns=columns, grid=bins.grid, ranks=ranks)


def _read_ranks(views: StagedViews, joint: JointBins, pairs: PairFacts) -> ScorePairs | None:
    """Return the scores of all usable rows in bins, or themselves if most of them are in a few bins."""
    session, policy = views.session, views.layout.policy
    grouped, weighted = bool(policy.group), bool(policy.weight)
    if joint.largest_share() <= MAX_TIED_SHARE:
        return joint.scores(count_groups(session) if grouped else None)
    if pairs.usable > MAX_EXACT_ROWS_REGRESSION:
        return None
    _, ranks = read_columns(session, grouped=grouped, codes={}, only_labelled=False, weighted=weighted)
    return ranks


def _rounded_centre(mean: float, span: float) -> float:
    """Return a mean, rounded to a unit of at most `CENTRE_UNIT` of the span of the values; to 6 digits without one."""
    if not 0 < span < math.inf:
        return float(f"{mean:.6g}")
    return round(mean, -math.floor(math.log10(CENTRE_UNIT * span)))


def _centring_means(views: StagedViews) -> dict[bool, dict[str, float]]:
    """Return the means on which the sums of a regression are centred, by whether only labelled rows count.

    `y0` is that of the label, `p0a` and `p0b` those of the sides' predictions. They are rounded, so that every engine
    uses the same ones, but by far less than the values vary: the variance of R2 is taken around them, and labels near
    1e6 may vary by 1. Empty for other tasks.
    """
    if views.layout.policy.task != "regression":
        return {}
    labelled, weighted = " AND y IS NOT NULL", bool(views.layout.policy.weight)

    def mean_sql(name: str, rows: str) -> str:
        mean = f"avg({name}) FILTER (WHERE {rows})"
        if not weighted:
            return mean
        # The weight of rows without the value must not count.
        return f"sum(w * {name}) FILTER (WHERE {rows}) / sum(w) FILTER (WHERE {rows} AND {name} IS NOT NULL)"

    means = {"y0": mean_sql("y", "ok")}
    means |= {f"p0{s}{only}": mean_sql(f"p{s}", f"ok{labelled * only}") for s in "ab" for only in (0, 1)}
    ranges: dict[str, str] = {}
    for name in means:
        value = f"{name[0]}{name[2:3]}"  # `y`, `pa` or `pb`
        ranges |= {f"{name}_{end}": f"{end}({value}) FILTER (WHERE ok)" for end in ("min", "max")}
    columns = ", ".join(f"{sql} AS {name}" for name, sql in (means | ranges).items())
    row = {name: finite(value) or 0.0 for name, value in views.session.row(f"SELECT {columns} FROM pairs").items()}
    mean = {name: _rounded_centre(row[name], row[f"{name}_max"] - row[f"{name}_min"]) for name in means}
    return {bool(only): {"y0": mean["y0"], "p0a": mean[f"p0a{only}"], "p0b": mean[f"p0b{only}"]} for only in (0, 1)}
