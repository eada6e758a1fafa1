"""One conformance suite over the table of metrics: what every metric must do, whichever way it compares."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from scipy import special

from ghmlops.core import metrics
from ghmlops.core.metrics import METRIC_IDS, metrics_of
from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Counts, Grid, Groups, MetricComparison
from ghmlops.core.paired.counted_sums import cells_from_decisions
from ghmlops.core.paired.metric import Metric
from ghmlops.core.policy.regression import Regression, Task
from paired_rows import Rows, binary, cells, compare, counts, grid, multiclass, valued, values

TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression", "ranking", "embedding")
ENGINE_TASKS: tuple[Task, ...] = ("label-sets", "text")
"""Tasks whose row values only an engine computes; `measure/predictions/sql/row_values` tests them on files."""
POLICIES = {task: Regression(task=task, key=("id",), top=2) for task in TASKS}
ALL_METRICS = [(task, metric) for task in TASKS for metric in metrics_of(POLICIES[task])]
FIELDS = ("n", "baseline", "candidate", "low", "high", "loss", "loss_low", "loss_high", "p", "error")
TAIL = 0.01


def parametrize_metrics(selection: list[tuple[Task, Metric]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("task", "metric"), selection, ids=[f"{task}-{metric.id}" for task, metric in selection]
    )


METRICS = parametrize_metrics(ALL_METRICS)

NO_AGGREGATES = {"error-quantile": "a quantile follows from no sums, and the values of a regression are not binned"}
"""Metric ids that compare rows only, with the reason why they have no aggregates."""
ONE_CELL_ONLY = {
    "auc": "compares the columns of one cell",
    "average-precision": "compares the columns of one cell",
    "ece": "compares the columns of one cell",
    "calibration-slope": "compares the columns of one cell",
    "error-quantile": "compares the columns of one cell",
}
"""Metric ids that are not vectorised over cells, with the reason."""
JUDGED = [(task, metric) for task, metric in ALL_METRICS if not metric.paired_only]
PAIRED_ONLY = [(task, metric) for task, metric in ALL_METRICS if metric.paired_only]
BINNED = [(task, metric) for task, metric in ALL_METRICS if metric.compare_grid is not None]
SUMMED = [pair for pair in ALL_METRICS if pair[1].id not in NO_AGGREGATES and pair not in BINNED]
VECTORISED = [pair for pair in ALL_METRICS if pair[1].id not in ONE_CELL_ONLY]


@lru_cache
def rows_of(task: str, n: int = 800, degraded: float = 0.35) -> Rows:
    """Return random paired rows; the candidate answers at random in the fraction `degraded` of them."""
    rng = np.random.default_rng(n)
    is_random = rng.random(n) < degraded
    if task == "binary":
        signal = rng.normal(-1.0, 2.0, n)
        scores = special.expit(signal)
        return binary(rng.random(n) < scores, scores, np.where(is_random, rng.random(n), scores))
    if task == "multiclass":
        vectors = rng.dirichlet([0.4] * 4, n)
        label = np.sum(np.cumsum(vectors, axis=1) < rng.random((n, 1)), axis=1)
        return multiclass(label, vectors, np.where(is_random[:, None], rng.dirichlet([0.4] * 4, n), vectors))
    if task == "regression":
        label = rng.normal(50.0, 4.0, n)
        first = label + rng.normal(0.2, 1.0, n)
        return valued(label, first, np.where(is_random, first + rng.normal(3.0, 5.0, n), first))
    if task == "ranking":
        first = rng.beta(3, 2, n)
        return valued(np.zeros(n), first, np.where(is_random, first * rng.random(n), first))
    return valued(np.zeros(n), np.zeros(n), np.where(is_random, rng.random(n), 0.0))


def assert_equal(first: MetricComparison, second: MetricComparison, rel: float = 1e-9) -> None:
    for name in FIELDS:
        assert getattr(second, name) == pytest.approx(getattr(first, name), rel=rel, abs=1e-12, nan_ok=True), name


def test_every_file_is_in_the_table_once() -> None:
    """A metric is one file and its id in the table, under the tasks that it belongs to."""
    files = {path.stem for path in Path(metrics.__file__).parent.glob("*.py")} - {"__init__"}
    policies = {
        task: Regression(task=task, key=("id",), label="y", score="s", top=2) for task in (*TASKS, *ENGINE_TASKS)
    }
    others = [(task, m) for task in ENGINE_TASKS for m in metrics_of(policies[task])]
    assert files == {metric.id.replace("-", "_") for _, metric in (*ALL_METRICS, *others)}
    assert {task: tuple(m.id for m in metrics_of(policy)) for task, policy in policies.items()} == METRIC_IDS
    assert {m.id: m.tasks for _, m in (*ALL_METRICS, *others)} == {
        id_: tuple(task for task, ids in METRIC_IDS.items() if id_ in ids) for ids in METRIC_IDS.values() for id_ in ids
    }


@METRICS
def test_a_metric_compares_in_exactly_one_exact_way(task: str, metric: Metric) -> None:
    """From one value of a row, from several, from counts, or from columns; bins only stand in for columns."""
    assert task in metric.tasks
    ways = [metric.compare, metric.compare_rows, metric.compare_counts, metric.compare_columns]
    assert sum(way is not None for way in ways) == 1
    assert (metric.compare is not None) == (bool(metric.row) != (metric.decision_value is not None))
    assert (metric.compare_rows is not None) == bool(metric.rows)
    assert metric.compare_grid is None or metric.compare_columns is not None


@METRICS
@pytest.mark.parametrize("grouped", [False, True])
def test_no_rows_and_one_row_show_no_loss(task: str, metric: Metric, grouped: bool) -> None:
    """An empty or single-row cell: p is not small, and no lower limit except that of a counted rate is above 0."""
    for size in (0, 1):
        rows = rows_of(task).select(np.arange(size))
        rows = replace(rows, group=np.zeros(size, dtype=np.int64)) if grouped else rows
        comparison = compare(metric, rows)
        assert comparison.n[0] == size
        assert not comparison.p[0] < 0.05
        assert metric.paired_only or not comparison.loss_low[0] > 0
        assert size or np.isnan([comparison.loss[0], comparison.loss_high[0]]).all()


@METRICS
@pytest.mark.parametrize("grouped", [False, True])
def test_an_artifact_against_itself_has_exactly_no_loss(task: str, metric: Metric, grouped: bool) -> None:
    """Equal sides: change and loss are exactly 0, the limits contain 0, and p is not small."""
    rows = rows_of(task)
    rows = replace(rows, candidate=rows.baseline, group=np.arange(800) // 10 if grouped else None)
    comparison = compare(metric, rows)
    assert (comparison.candidate[0] - comparison.baseline[0], comparison.loss[0]) == (0.0, 0.0)
    assert comparison.loss_low[0] <= 0.0 <= comparison.loss_high[0]
    assert not comparison.p[0] < 0.05


@parametrize_metrics(JUDGED)
def test_a_degraded_candidate_is_a_loss(task: str, metric: Metric) -> None:
    """Random answers are a significant loss; with the sides exchanged, a significant gain, or a move all the same."""
    rows = rows_of(task, 3000)
    worse, better = compare(metric, rows), compare(metric, rows.swapped())
    assert worse.loss[0] > 0 < worse.loss_low[0]
    assert worse.p[0] < 1e-3
    assert bool(better.loss_high[0] < 0) is (metric.direction is not Direction.TARGET)
    assert bool(better.loss_low[0] > 0) is (metric.direction is Direction.TARGET)


@parametrize_metrics(PAIRED_ONLY)
def test_a_rate_of_the_pair_lies_within_its_limits_and_has_no_test(task: str, metric: Metric) -> None:
    """Changed answers are a rate above 0 within its limits; the baseline is 0 and there is no p-value."""
    comparison = compare(metric, rows_of(task, 3000))
    assert comparison.baseline[0] == 0.0
    assert comparison.candidate[0] == comparison.loss[0] > 0
    assert comparison.low[0] < comparison.candidate[0] < comparison.high[0]
    assert (comparison.loss_low[0], comparison.loss_high[0]) == (comparison.low[0], comparison.high[0])
    assert np.isnan(comparison.p[0])


@METRICS
def test_clusters_of_one_row_are_independent_rows(task: str, metric: Metric) -> None:
    """The standard error is the same; the limits are too, except that independent proportions have exact ones."""
    rows = rows_of(task, degraded=0.1)
    independent, single = compare(metric, rows), compare(metric, replace(rows, group=np.arange(800)))
    assert single.candidate[0] == pytest.approx(independent.candidate[0], rel=1e-12)
    # McNemar's and the sign-flip test, DeLong's scaling within a class, and exact binomial limits differ slightly.
    assert single.error[0] == pytest.approx(independent.error[0], rel=0.003)
    assert single.p[0] == pytest.approx(independent.p[0], abs=0.02, nan_ok=True)
    width = independent.high[0] - independent.low[0]
    limits = [independent.low[0], independent.high[0]]
    assert [single.low[0], single.high[0]] == pytest.approx(limits, abs=0.12 * width)


@METRICS
def test_copies_of_a_row_in_one_cluster_add_no_information(task: str, metric: Metric) -> None:
    """Twenty copies of each row in a cluster have about the standard error of the rows."""
    rows = rows_of(task, 400, degraded=0.2)
    once = compare(metric, rows)
    copies = np.repeat(np.arange(400), 20)
    many = compare(metric, replace(rows.select(copies), group=copies))
    assert many.candidate[0] == pytest.approx(once.candidate[0], rel=0.02)
    # The slope of a quantile function that rises in steps depends on their width.
    assert many.error[0] == pytest.approx(once.error[0], rel=0.3 if metric.id == "error-quantile" else 0.06)


@METRICS
@pytest.mark.parametrize("grouped", [False, True])
def test_the_order_of_rows_does_not_matter(task: str, metric: Metric, grouped: bool) -> None:
    """Shuffled rows give the same comparison."""
    rows = rows_of(task)
    rows = replace(rows, group=np.arange(800) // 7) if grouped else rows
    shuffled = rows.select(np.random.default_rng(4).permutation(800))
    assert_equal(compare(metric, rows), compare(metric, shuffled))


def test_each_metric_has_aggregates_or_a_reason_why_not() -> None:
    """The additivity tests below cover every metric but those listed, and a listed metric compares columns only."""
    covered = {metric.id for _, metric in [*SUMMED, *BINNED]}
    assert covered | set(NO_AGGREGATES) == {metric.id for _, metric in ALL_METRICS}
    assert not covered & set(NO_AGGREGATES)
    for _, metric in ALL_METRICS:
        rows_only = metric.compare_columns is not None and metric.compare_grid is None
        assert rows_only is (metric.id in NO_AGGREGATES)


@pytest.mark.parametrize("grouped", [False, True])
@parametrize_metrics(SUMMED)
def test_added_aggregates_are_those_of_all_rows(task: str, metric: Metric, grouped: bool) -> None:
    """Added sums, and counts, of two parts compare as those of all rows."""
    rows = rows_of(task)
    rows = replace(rows, group=np.arange(800) // 7) if grouped else rows
    parts = [rows.select(np.arange(0, 300)), rows.select(np.arange(300, 800))]
    if metric.compare_counts is not None:
        joined = concatenate_counts([counts(part) for part in parts])
        comparison = metric.compare_counts(joined, TAIL)
    elif metric.decision_value is not None:
        assert metric.compare is not None
        joined = concatenate_counts([counts(part) for part in parts])
        comparison = metric.compare(cells_from_decisions(joined, metric.decision_value, labelled=True), TAIL)
    else:
        templates = metric.rows or (metric.row,)
        kinds = tuple(add_cells([part_sums(sql, metric, rows, part) for part in parts]) for sql in templates)
        comparison = compare_sums(metric, kinds)
    assert_equal(compare(metric, rows), comparison)


@parametrize_metrics(BINNED)
def test_added_bins_are_those_of_all_rows(task: str, metric: Metric) -> None:
    """Added counts of the binned scores of two parts compare as those of all rows; clusters have no binned form."""
    assert metric.compare_grid is not None
    rows = rows_of(task)
    parts = [grid(rows.select(np.arange(0, 300))), grid(rows.select(np.arange(300, 800)))]
    joint = ("joint_label", "joint_baseline", "joint_candidate", "joint_n")
    tables: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in joint}
    joined = Grid(
        baseline=parts[0].baseline + parts[1].baseline,
        candidate=parts[0].candidate + parts[1].candidate,
        **tables,
    )
    assert_equal(metric.compare_grid(grid(rows), TAIL), metric.compare_grid(joined, TAIL))


def compare_sums(metric: Metric, kinds: tuple[Cells, ...]) -> MetricComparison:
    if metric.compare_rows is not None:
        return metric.compare_rows(kinds, TAIL)
    assert metric.compare is not None
    return metric.compare(kinds[0], TAIL)


def part_sums(sql: str, metric: Metric, rows: Rows, part: Rows) -> Cells:
    """Return one kind of sums of some rows; the constants in the SQL are those of all rows, as an engine's are."""
    sql = sql.replace("{y0}", repr(float(rows.label.mean())))
    first, second = (
        values(sql.replace("{p0}", repr(float(all_rows.p.mean()))), metric, part, part_side)
        for all_rows, part_side in ((rows.baseline, part.baseline), (rows.candidate, part.candidate))
    )
    return cells(first, second, part.group)


def concatenate_counts(parts: list[Counts]) -> Counts:
    names = ("cell", "label", "baseline", "candidate", "n")
    group = None if parts[0].group is None else np.concatenate([part.group for part in parts if part.group is not None])
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return Counts(cells=1, classes=parts[0].classes, group=group, **joined)


def add_cells(parts: list[Cells]) -> Cells:
    """Return added sums; the cluster that is in both parts (rows 294 to 300) is added up too."""
    sums = {name: sum(getattr(part, name) for part in parts) for name in ("n", "a", "d", "aa", "ad", "dd")}
    groups = [part.groups for part in parts if part.groups is not None]
    if not groups:
        return Cells(**sums)
    first = len(groups[0].n)
    index = np.concatenate([np.arange(first), first - 1 + np.arange(len(groups[1].n))])
    clusters = {
        name: np.bincount(index, weights=np.concatenate([getattr(g, name) for g in groups])).astype(float)
        for name in ("n", "a", "d", "dd")
    }
    return Cells(**sums, groups=Groups(cell=np.zeros(index.max() + 1, dtype=np.int64), **clusters))


def test_each_metric_is_vectorised_or_compares_columns() -> None:
    """The list of metrics that compare one cell at a time is exactly that of the metrics over columns."""
    assert {metric.id for _, metric in ALL_METRICS if metric.compare_columns is not None} == set(ONE_CELL_ONLY)


@parametrize_metrics(VECTORISED)
def test_several_cells_at_once_are_each_cell_alone(task: str, metric: Metric) -> None:
    """Every cell of a vectorised comparison has the values that it has by itself."""
    rows = rows_of(task)
    in_first = np.arange(800) % 3 == 0
    parts = [rows.select(np.flatnonzero(in_first)), rows.select(np.flatnonzero(~in_first))]
    if metric.compare_counts is not None or metric.decision_value is not None:
        both = msgspec.structs.replace(counts(rows), cells=2, cell=(~in_first).astype(np.int64))
        alone = [msgspec.structs.replace(counts(part), cells=1) for part in parts]
        together = compare_count_table(metric, both)
        expected = [compare_count_table(metric, part) for part in alone]
    else:
        templates = metric.rows or (metric.row,)
        sums = [[part_sums(sql, metric, rows, part) for part in parts] for sql in templates]
        together = compare_sums(metric, tuple(stack_cells(kind) for kind in sums))
        expected = [compare_sums(metric, tuple(kind[i] for kind in sums)) for i in range(2)]
    for index, comparison in enumerate(expected):
        assert [getattr(together, f)[index] for f in FIELDS] == pytest.approx(
            [getattr(comparison, f)[0] for f in FIELDS], rel=1e-9, nan_ok=True
        )


def compare_count_table(metric: Metric, table: Counts) -> MetricComparison:
    if metric.compare_counts is not None:
        return metric.compare_counts(table, TAIL)
    assert metric.compare is not None
    assert metric.decision_value is not None
    return metric.compare(cells_from_decisions(table, metric.decision_value, labelled=metric.needs_label), TAIL)


def stack_cells(parts: list[Cells]) -> Cells:
    names = ("n", "a", "d", "aa", "ad", "dd")
    n, a, d, aa, ad, dd = (np.concatenate([getattr(part, name) for part in parts]) for name in names)
    return Cells(n=n, a=a, d=d, aa=aa, ad=ad, dd=dd)


def test_default_margins_are_those_of_the_documentation() -> None:
    """Each margin in the unit of its metric, for a baseline of 0.4 and a label deviation of 10; others have none."""
    limits = {m.id: m.limit(0.4, 10.0, None) for _, m in ALL_METRICS}
    expected = {
        "accuracy": 0.005,
        "auc": 0.005,
        "average-precision": 0.005,
        "ndcg": 0.005,
        "log-loss": 0.004,
        "brier": 0.004,
        "rmse": 0.004,
        "mae": 0.004,
        "pinball": 0.004,
        "ece": 0.01,
        "positive-rate": 0.01,
        "bias": 0.5,
        "mean-prediction": 0.5,
        "spread-ratio": 0.05,
    }
    assert {id_: limit for id_, limit in limits.items() if limit is not None} == pytest.approx(expected)


def test_parameters_of_the_policy_are_in_titles_and_sql() -> None:
    """k and quantiles appear in the title and in the SQL template."""
    policies = (
        Regression(task="ranking", key=("id",), at=7),
        Regression(task="regression", key=("id",), quantile=0.9, error_quantile=0.95),
        Regression(task="multiclass", key=("id",), top=3),
    )
    by_id = {metric.id: metric for policy in policies for metric in metrics_of(policy)}
    titles = {
        "ndcg": "NDCG@7",
        "recall-at-k": "recall@7",
        "pinball": "pinball loss at 0.9",
        "error-quantile": "0.95 quantile of the absolute error",
        "top-k-accuracy": "top-3 accuracy",
    }
    assert {id_: by_id[id_].title for id_ in titles} == titles
    assert "<= 3" in by_id["top-k-accuracy"].row
    assert "0.9 *" in by_id["pinball"].row


def test_subgroup_metrics_have_margins_and_come_from_aggregates() -> None:
    """Slices and windows are rolled up from aggregates, and a subgroup fails only beyond a margin."""
    tested = {task: [m for m in metrics_of(POLICIES[task]) if m.in_subgroups] for task in TASKS}
    assert all(m.margin is not None and (m.compare or m.compare_rows) for group in tested.values() for m in group)
    assert {task: [m.id for m in group] for task, group in tested.items()} == {
        "binary": ["accuracy", "log-loss", "positive-rate"],
        "multiclass": ["accuracy", "log-loss"],
        "regression": ["rmse", "mae", "bias", "spread-ratio", "mean-prediction"],
        "ranking": ["ndcg"],
        "embedding": [],
    }


WEIGHTED = [pair for pair in ALL_METRICS if pair[1].id not in metrics.UNWEIGHTED_METRICS]


@parametrize_metrics(WEIGHTED)
@pytest.mark.parametrize("grouped", [False, True])
def test_equal_weights_change_nothing(task: str, metric: Metric, grouped: bool) -> None:
    """Every number of rows that all weigh 0.3 is that of rows without weights; so it is in bins."""
    rows = rows_of(task)
    rows = replace(rows, group=np.arange(800) // 10) if grouped else rows
    weighted = replace(rows, weight=np.full(800, 0.3))
    assert_equal(compare(metric, rows), compare(metric, weighted), rel=1e-11)
    if metric.compare_grid is not None and not grouped:
        assert_equal(metric.compare_grid(grid(rows), TAIL), metric.compare_grid(grid(weighted), TAIL), rel=1e-11)


@parametrize_metrics(WEIGHTED)
def test_a_whole_weight_is_as_many_equal_rows(task: str, metric: Metric) -> None:
    """Values of rows with weights 1 to 4 are those of rows repeated as often; the interval is wider."""
    rows = rows_of(task)
    times = np.random.default_rng(2).integers(1, 5, 800)
    weighted, repeated = (
        replace(rows, weight=times.astype(np.float64)),
        rows.select(np.repeat(np.arange(800), times)),
    )
    first, second = compare(metric, weighted), compare(metric, repeated)
    for name in ("baseline", "candidate", "loss"):
        assert getattr(first, name) == pytest.approx(getattr(second, name), rel=1e-11, abs=1e-12), name
    assert first.n[0] == 800
    assert first.high[0] - first.low[0] > second.high[0] - second.low[0]
    if metric.compare_grid is not None:
        binned = metric.compare_grid(grid(weighted), TAIL)
        assert binned.n[0] == 800
        for name in ("baseline", "candidate", "low", "high"):
            assert getattr(binned, name) == pytest.approx(getattr(first, name), abs=2e-3), name


@parametrize_metrics(WEIGHTED)
def test_results_do_not_depend_on_the_scale_of_the_weights(task: str, metric: Metric) -> None:
    """Weights that are multiplied by a constant give the same comparison."""
    weight = np.random.default_rng(3).lognormal(0.0, 1.0, 800)
    first, second = (compare(metric, replace(rows_of(task), weight=weight * scale)) for scale in (1.0, 2.0**-20))
    assert_equal(first, second)
