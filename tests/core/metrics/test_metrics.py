"""One conformance suite over the table of metrics: what every one of them must do, whichever way it compares."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from scipy import special

from ghmlops.core import metrics
from ghmlops.core.metrics import TABLE, metrics_of
from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Compared, Counts, Groups, decided_cells
from ghmlops.core.paired.metric import Metric
from ghmlops.core.policy.regression import Regression, Task
from paired_rows import Rows, binary, cells, compare, counts, multiclass, valued, values

TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression", "ranking", "embedding")
POLICIES = {task: Regression(task=task, key=("id",), top=2) for task in TASKS}
EVERY = [(task, metric) for task in TASKS for metric in metrics_of(POLICIES[task])]
METRICS = pytest.mark.parametrize(("task", "metric"), EVERY, ids=[f"{task}-{metric.id}" for task, metric in EVERY])
FIELDS = ("n", "baseline", "candidate", "low", "high", "loss", "loss_low", "loss_high", "p", "error")


@lru_cache
def rows_of(task: str, n: int = 800, harm: float = 0.35) -> Rows:
    """Draw paired rows; the candidate answers at random in a share `harm` of them."""
    rng = np.random.default_rng(n)
    replaced = rng.random(n) < harm
    if task == "binary":
        signal = rng.normal(-1.0, 2.0, n)
        scores = special.expit(signal)
        return binary(rng.random(n) < scores, scores, np.where(replaced, rng.random(n), scores))
    if task == "multiclass":
        vectors = rng.dirichlet([0.4] * 4, n)
        label = np.sum(np.cumsum(vectors, axis=1) < rng.random((n, 1)), axis=1)
        return multiclass(label, vectors, np.where(replaced[:, None], rng.dirichlet([0.4] * 4, n), vectors))
    if task == "regression":
        label = rng.normal(50.0, 4.0, n)
        first = label + rng.normal(0.2, 1.0, n)
        return valued(label, first, np.where(replaced, first + rng.normal(3.0, 5.0, n), first))
    if task == "ranking":
        first = rng.beta(3, 2, n)
        return valued(np.zeros(n), first, np.where(replaced, first * rng.random(n), first))
    return valued(np.zeros(n), np.zeros(n), np.where(replaced, rng.random(n), 0.0))


def same(first: Compared, second: Compared, rel: float = 1e-9) -> None:
    for name in FIELDS:
        assert getattr(second, name) == pytest.approx(getattr(first, name), rel=rel, abs=1e-12, nan_ok=True), name


def test_every_file_is_in_the_table_once() -> None:
    """A metric is one file and its id in the table, under the tasks that it belongs to."""
    files = {path.stem for path in Path(metrics.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == {metric.id.replace("-", "_") for _, metric in EVERY}
    assert {task: tuple(m.id for m in metrics_of(POLICIES[task])) for task in TASKS} == TABLE
    assert {m.id: m.tasks for _, m in EVERY} == {
        id_: tuple(task for task, ids in TABLE.items() if id_ in ids) for ids in TABLE.values() for id_ in ids
    }


@METRICS
def test_a_metric_compares_in_exactly_one_exact_way(task: str, metric: Metric) -> None:
    """From a row's value, from several, from counts, or from columns; bins only stand in for columns."""
    assert task in metric.tasks
    ways = [metric.compare, metric.compare_rows, metric.compare_counts, metric.compare_columns]
    assert sum(way is not None for way in ways) == 1
    assert (metric.compare is not None) == (bool(metric.row) != (metric.decided is not None))
    assert (metric.compare_rows is not None) == bool(metric.rows)
    assert metric.compare_grid is None or metric.compare_columns is not None


@METRICS
@pytest.mark.parametrize("grouped", [False, True])
def test_no_rows_and_one_row_say_nothing_and_raise_nothing(task: str, metric: Metric, grouped: bool) -> None:
    """An empty or single-row cell shows no loss: p is not small, no lower limit above 0 but of a counted rate."""
    for size in (0, 1):
        rows = rows_of(task).of(np.arange(size))
        rows = replace(rows, group=np.zeros(size, dtype=np.int64)) if grouped else rows
        found = compare(metric, rows)
        assert found.n[0] == size
        assert not found.p[0] < 0.05
        assert metric.paired_only or not found.loss_low[0] > 0
        assert size or np.isnan([found.baseline[0], found.loss[0], found.loss_high[0]])[1:].all()


@METRICS
@pytest.mark.parametrize("grouped", [False, True])
def test_an_artifact_against_itself_is_exactly_no_loss(task: str, metric: Metric, grouped: bool) -> None:
    """Equal sides: change and loss are exactly 0, the limits hold 0, and no harm is shown."""
    rows = rows_of(task)
    rows = replace(rows, candidate=rows.baseline, group=np.arange(800) // 10 if grouped else None)
    found = compare(metric, rows)
    assert (found.candidate[0] - found.baseline[0], found.loss[0]) == (0.0, 0.0)
    assert found.loss_low[0] <= 0.0 <= found.loss_high[0]
    assert not found.p[0] < 0.05


@METRICS
def test_harm_points_the_right_way(task: str, metric: Metric) -> None:
    """Rows answered at random are a shown loss; with the sides exchanged, a shown gain, or a move all the same."""
    rows = rows_of(task, 3000)
    worse, better = compare(metric, rows), compare(metric, rows.swapped())
    if metric.paired_only:
        assert worse.loss[0] > 0
        assert worse.low[0] < worse.candidate[0] < worse.high[0]
        return
    assert worse.loss[0] > 0 < worse.loss_low[0]
    assert worse.p[0] < 1e-3
    assert bool(better.loss_high[0] < 0) is (metric.direction is not Direction.TARGET)
    assert bool(better.loss_low[0] > 0) is (metric.direction is Direction.TARGET)


@METRICS
def test_clusters_of_one_row_are_no_clusters(task: str, metric: Metric) -> None:
    """The standard error is the same, and so are the limits, but for the better ones that shares have without them."""
    rows = rows_of(task, harm=0.1)
    alone, single = compare(metric, rows), compare(metric, replace(rows, group=np.arange(800)))
    assert single.candidate[0] == pytest.approx(alone.candidate[0], rel=1e-12)
    # McNemar's and the sign-flip test, DeLong's scaling within a class, and exact binomial limits differ a little
    assert single.error[0] == pytest.approx(alone.error[0], rel=0.003)
    assert single.p[0] == pytest.approx(alone.p[0], abs=0.02, nan_ok=True)
    reach = alone.high[0] - alone.low[0]
    assert [single.low[0], single.high[0]] == pytest.approx([alone.low[0], alone.high[0]], abs=0.12 * reach)


@METRICS
def test_clusters_widen_what_rows_would_show(task: str, metric: Metric) -> None:
    """Twenty copies of each row in a cluster show about what the rows show once."""
    rows = rows_of(task, 400, harm=0.2)
    once = compare(metric, rows)
    many = compare(metric, replace(rows.of(np.repeat(np.arange(400), 20)), group=np.repeat(np.arange(400), 20)))
    assert many.candidate[0] == pytest.approx(once.candidate[0], rel=0.02)
    # the slope of a quantile function that rises in steps depends on how wide they are
    assert many.error[0] == pytest.approx(once.error[0], rel=0.3 if metric.id == "error-quantile" else 0.06)


@METRICS
@pytest.mark.parametrize("grouped", [False, True])
def test_the_order_of_rows_does_not_matter(task: str, metric: Metric, grouped: bool) -> None:
    """Shuffled rows give the same comparison."""
    rows = rows_of(task)
    rows = replace(rows, group=np.arange(800) // 7) if grouped else rows
    same(compare(metric, rows), compare(metric, rows.of(np.random.default_rng(4).permutation(800))))


@pytest.mark.parametrize("grouped", [False, True])
@METRICS
def test_added_aggregates_are_those_of_all_rows(task: str, metric: Metric, grouped: bool) -> None:
    """Sums, and counts, of two halves compare as those of the whole."""
    if metric.compare_columns is not None:
        return  # rows are not summed up; bins are, and are tested with the metrics that have them
    rows = rows_of(task)
    rows = replace(rows, group=np.arange(800) // 7) if grouped else rows
    halves = [rows.of(np.arange(0, 300)), rows.of(np.arange(300, 800))]
    if metric.compare_counts is not None:
        joined = together([counts(half) for half in halves])
        same(compare(metric, rows), metric.compare_counts(joined, 0.01))
    elif metric.decided is not None:
        assert metric.compare is not None
        joined = together([counts(half) for half in halves])
        same(compare(metric, rows), metric.compare(decided_cells(joined, metric.decided, labelled=True), 0.01))
    else:
        kinds = [added([kind_of(sql, metric, rows, half) for half in halves]) for sql in metric.rows or (metric.row,)]
        found = metric.compare_rows(tuple(kinds), 0.01) if metric.compare_rows else metric.compare(kinds[0], 0.01)  # type: ignore[misc]
        same(compare(metric, rows), found)


def kind_of(sql: str, metric: Metric, rows: Rows, half: Rows) -> Cells:
    """Sum one kind of row value of some rows; the constants are those of all rows, as an engine's are."""
    sql = sql.replace("{y0}", repr(float(rows.label.mean())))
    first, second = (
        values(sql.replace("{p0}", repr(float(whole.p.mean()))), metric, half, part)
        for whole, part in ((rows.baseline, half.baseline), (rows.candidate, half.candidate))
    )
    return cells(first, second, half.group)


def together(parts: list[Counts]) -> Counts:
    names = ("cell", "label", "baseline", "candidate", "n")
    group = None if parts[0].group is None else np.concatenate([part.group for part in parts if part.group is not None])
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return Counts(cells=1, classes=parts[0].classes, group=group, **joined)


def added(parts: list[Cells]) -> Cells:
    """Add sums; a cluster that is in both halves is added up too (rows 294 to 300 are one)."""
    sums = {name: sum(getattr(part, name) for part in parts) for name in ("n", "a", "d", "aa", "ad", "dd")}
    groups = [part.groups for part in parts if part.groups is not None]
    if not groups:
        return Cells(**sums)
    first = len(groups[0].n)
    place = np.concatenate([np.arange(first), first - 1 + np.arange(len(groups[1].n))])
    clusters = {
        name: np.bincount(place, weights=np.concatenate([getattr(g, name) for g in groups])).astype(float)
        for name in ("n", "a", "d", "dd")
    }
    return Cells(**sums, groups=Groups(cell=np.zeros(place.max() + 1, dtype=np.int64), **clusters))


@pytest.mark.parametrize("task", TASKS)
def test_several_cells_at_once_are_each_cell_alone(task: Task) -> None:
    """A comparison of many cells is vectorised: every cell has what it would have by itself."""
    rows = rows_of(task)
    half = np.arange(800) % 3 == 0
    parts = [rows.of(np.flatnonzero(half)), rows.of(np.flatnonzero(~half))]
    for metric in metrics_of(POLICIES[task]):
        if metric.compare_counts is None:
            continue
        both = replace(counts(rows), cells=2, cell=(~half).astype(np.int64))
        found = metric.compare_counts(both, 0.01)
        for place, part in enumerate(parts):
            alone = compare(metric, part)
            assert [getattr(found, f)[place] for f in FIELDS] == pytest.approx(
                [getattr(alone, f)[0] for f in FIELDS], rel=1e-9, nan_ok=True
            )


def test_default_margins_are_those_of_the_design_and_the_rest_is_shown() -> None:
    """0.5 pt, 0.005, 1 % of the baseline's, 0.01, 1 pt either way, 5 % of a deviation; others where a policy asks."""
    found = {m.id: m.limit(0.4, 10.0, None) for _, m in EVERY}
    judged = {
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
    assert {id_: limit for id_, limit in found.items() if limit is not None} == pytest.approx(judged)


def test_hunted_metrics_are_judged_and_come_from_aggregates() -> None:
    """Slices and windows are cut from aggregates, and a place fails only beyond a margin."""
    hunted = {task: [m for m in metrics_of(POLICIES[task]) if m.hunted] for task in TASKS}
    assert all(m.margin is not None and (m.compare or m.compare_rows) for ones in hunted.values() for m in ones)
    assert {task: [m.id for m in ones] for task, ones in hunted.items()} == {
        "binary": ["accuracy", "log-loss", "positive-rate"],
        "multiclass": ["accuracy", "log-loss"],
        "regression": ["rmse", "mae", "bias", "spread-ratio", "mean-prediction"],
        "ranking": ["ndcg"],
        "embedding": [],
    }
