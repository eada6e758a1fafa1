"""One conformance suite over the table of metrics, and what is particular to some."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from statsmodels.regression.linear_model import OLS  # type: ignore[import-untyped]

from ghmlops.core import metrics
from ghmlops.core.judge import ALPHA
from ghmlops.core.metric import Metric
from ghmlops.core.metrics import TABLE, metrics_of
from ghmlops.core.metrics.accuracy import ACCURACY
from ghmlops.core.metrics.auc import AUC
from ghmlops.core.metrics.bias import BIAS
from ghmlops.core.metrics.churn import CHURN
from ghmlops.core.metrics.ece import ECE
from ghmlops.core.metrics.log_loss import LOG_LOSS
from ghmlops.core.metrics.mae import MAE
from ghmlops.core.metrics.negative_flips import NEGATIVE_FLIPS
from ghmlops.core.metrics.positive_rate import POSITIVE_RATE
from ghmlops.core.metrics.rmse import RMSE
from ghmlops.core.model import Direction
from ghmlops.core.paired import Cells, Columns, Compared, Floats, Groups

METRICS = [metric for task in TABLE for metric in metrics_of(task)]
BY_SUMS = [m for m in METRICS if m.compare]
BY_COLUMNS = [m for m in METRICS if m.compare_columns]


def cells(baseline: Floats, candidate: Floats, group: np.ndarray | None = None) -> Cells:
    change = candidate - baseline
    groups = None
    if group is not None:
        size = int(group.max()) + 1
        sums = [np.bincount(group, weights=w, minlength=size).astype(float) for w in (baseline, change, change**2)]
        groups = Groups(
            cell=np.zeros(size, dtype=np.int64),
            n=np.bincount(group).astype(float),
            a=sums[0],
            d=sums[1],
            dd=sums[2],
        )
    n, products = np.array([float(len(change))]), (baseline * baseline, baseline * change, change * change)
    aa, ad, dd = (np.array([x.sum()]) for x in products)
    return Cells(n=n, a=np.array([baseline.sum()]), d=np.array([change.sum()]), aa=aa, ad=ad, dd=dd, groups=groups)


def shares(n: int = 2000) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(n)
    first = (rng.random(n) < 0.8).astype(float)
    return first, np.where(rng.random(n) < 0.1, 1 - first, first)


def compare(metric: Metric, data: Cells) -> Compared:
    assert metric.compare
    return metric.compare(data, metric.tail(ALPHA))


def test_every_file_is_in_the_table_once() -> None:
    """A metric is one file and its id in the table, under the task that it belongs to."""
    files = {path.stem for path in Path(metrics.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == {metric.id.replace("-", "_") for metric in METRICS}
    assert {task: tuple(m.id for m in metrics_of(task)) for task in TABLE} == TABLE
    assert all(m.task == task for task in TABLE for m in metrics_of(task))


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.id)
def test_a_metric_is_either_sums_or_columns_and_only_sums_are_hunted(metric: Metric) -> None:
    """Slices and windows come from sums; a metric over columns has no row's value."""
    assert (metric.compare is None) != (metric.compare_columns is None)
    assert bool(metric.row) == (metric.compare is not None)
    assert not (metric.hunted and metric.compare is None)


@pytest.mark.parametrize("metric", BY_SUMS, ids=lambda m: m.id)
@pytest.mark.parametrize("grouped", [False, True])
def test_no_rows_and_one_row_say_nothing_and_raise_nothing(metric: Metric, grouped: bool) -> None:
    """An empty or single-row cell has no shown loss: p is not small and the limits, if known, hold 0 or are NaN."""
    for size in (0, 1):
        values = np.ones(size)
        group = np.zeros(size, dtype=np.int64) if grouped and size else None
        found = compare(metric, cells(values, values, group))
        assert not found.p[0] < 0.05
        assert not found.loss_low[0] > 0


@pytest.mark.parametrize("metric", BY_SUMS, ids=lambda m: m.id)
def test_an_artifact_against_itself_is_no_loss(metric: Metric) -> None:
    """Equal sides: change and loss are exactly 0, and no harm is shown."""
    values = shares()[0]
    found = compare(metric, cells(values, values))
    assert (found.candidate[0] - found.baseline[0], found.loss[0]) == (0.0, 0.0)
    assert not found.p[0] < 0.05


@pytest.mark.parametrize("metric", BY_COLUMNS, ids=lambda m: m.id)
def test_columns_against_themselves_are_no_loss(metric: Metric) -> None:
    """As above, for the metrics over columns, in clusters too."""
    rng = np.random.default_rng(1)
    scores = rng.random(300)
    for group in (None, np.repeat(np.arange(30), 10).astype(np.uint64)):
        columns = Columns(positive=rng.random(300) < scores, baseline=scores, candidate=scores, group=group)
        assert metric.compare_columns
        found = metric.compare_columns(columns, 0.01)
        assert (found.loss[0], found.loss_low[0], found.loss_high[0]) == (0.0, 0.0, 0.0)


def test_harm_points_the_right_way() -> None:
    """Lost accuracy, risen loss and any move of the positive rate are positive losses with small p."""
    better = np.r_[np.ones(900), np.zeros(100)]
    worse = np.r_[np.ones(800), np.zeros(200)]
    for metric, first, second in (
        (ACCURACY, better, worse),
        (LOG_LOSS, worse + 1.0, better + 1.1),
        (POSITIVE_RATE, better, worse),
        (POSITIVE_RATE, worse, better),
    ):
        found = compare(metric, cells(first, second))
        assert found.loss[0] > 0 < found.loss_low[0]
        assert found.p[0] < 1e-6
    assert compare(ACCURACY, cells(worse, better)).loss_high[0] < 0


def test_clusters_agree_with_statsmodels() -> None:
    """The cluster-robust standard error is that of OLS on a constant with clustered covariance."""
    first, second = shares()
    group = np.random.default_rng(3).integers(0, 60, len(first))
    found = compare(ACCURACY, cells(first, second, group))
    fitted = OLS(second - first, np.ones(len(first))).fit(cov_type="cluster", cov_kwds={"groups": group})
    assert float(fitted.bse[0]) == pytest.approx(found.error[0], rel=1e-9)


def test_clusters_widen_what_rows_would_show() -> None:
    """Fifty copies of each row in a cluster show no more than the rows once."""
    first, second = shares(300)
    once = compare(ACCURACY, cells(first, second))
    group = np.repeat(np.arange(300), 50)
    many = compare(ACCURACY, cells(np.repeat(first, 50), np.repeat(second, 50), group))
    assert once.error[0] == pytest.approx(many.error[0], rel=0.01)
    assert once.p[0] == pytest.approx(many.p[0], abs=0.02)


def test_flips_are_counted_from_the_same_sums() -> None:
    """Churn is all that changed, negative flips what was right and is wrong, with exact limits."""
    first, second = shares()
    churn, flips = compare(CHURN, cells(first, second)), compare(NEGATIVE_FLIPS, cells(first, second))
    assert float(np.mean(first != second)) == pytest.approx(churn.candidate[0], abs=1e-12)
    assert float(np.mean((first == 1) & (second == 0))) == pytest.approx(flips.candidate[0], abs=1e-12)
    assert flips.low[0] < flips.candidate[0] < flips.high[0]


@pytest.mark.parametrize("metric", [CHURN, NEGATIVE_FLIPS], ids=lambda m: m.id)
def test_flips_in_clusters_have_wider_limits_and_none_seen_is_bounded_by_the_clusters(metric: Metric) -> None:
    """Clusters widen the limits; without any flip the bound counts clusters, not rows."""
    first, second = shares(1000)
    group = np.repeat(np.arange(20), 50)
    alone, together = compare(metric, cells(first, second)), compare(metric, cells(first, second, group))
    assert together.high[0] >= alone.high[0]
    assert together.low[0] <= alone.low[0]
    none = compare(metric, cells(first, first, group))
    assert pytest.approx(none.high[0], rel=1e-9) == 1 - 0.01 ** (1 / 20)


def test_rmse_slopes_agree_with_a_bootstrap() -> None:
    """The delta method's error is that of resampled rows, within the resampling's own noise."""
    rng = np.random.default_rng(9)
    first, second = rng.normal(size=3000) ** 2, (rng.normal(size=3000) * 1.2) ** 2
    second = 0.7 * first + 0.3 * second
    found = compare(RMSE, cells(first, second))
    draws = rng.integers(0, 3000, (800, 3000))
    spread = np.std(np.sqrt(second[draws].mean(axis=1)) - np.sqrt(first[draws].mean(axis=1)))
    assert spread == pytest.approx(found.error[0], rel=0.12)


def test_rmse_from_or_to_no_error_at_all_is_defined() -> None:
    """A side without any error is compared, not undefined."""
    errors, none = np.abs(np.random.default_rng(1).normal(size=500)), np.zeros(500)
    assert compare(RMSE, cells(none, errors)).loss_low[0] > 0
    assert compare(RMSE, cells(errors, none)).loss_high[0] < 0


def test_bias_harms_by_its_size_whichever_its_sign() -> None:
    """Moving towards 0 is a gain from either side; moving away is a loss, through 0 as well."""
    noise = np.random.default_rng(2).normal(size=2000)
    for before, after, harm in ((1.0, 0.1, False), (-1.0, 0.1, False), (0.1, -1.0, True), (-0.2, -1.0, True)):
        found = compare(BIAS, cells(noise + before, noise + after))
        assert bool(found.loss_low[0] > 0 and found.p[0] < 0.01) is harm
        assert bool(found.loss_high[0] < 0) is not harm


def test_ece_uses_fifteen_equal_bins_the_last_closed() -> None:
    """Two bins by hand: scores 0.03 and 1.0 against their outcomes."""
    positive = np.array([False, False, True, True])
    columns = Columns(positive=positive, baseline=np.array([0.03, 0.05, 1.0, 1.0]), candidate=np.full(4, 0.5))
    assert ECE.compare_columns
    found = ECE.compare_columns(columns, 0.01)
    assert pytest.approx((found.baseline[0], found.candidate[0]), abs=1e-12) == (0.08 / 4, 0.0)


def test_one_class_leaves_the_area_undefined() -> None:
    """AUC on positives alone is NaN, not a number."""
    columns = Columns(positive=np.ones(50, dtype=bool), baseline=np.linspace(0, 1, 50), candidate=np.linspace(1, 0, 50))
    assert AUC.compare_columns
    found = AUC.compare_columns(columns, 0.01)
    assert np.isnan([found.baseline[0], found.loss[0], found.loss_high[0]]).all()


def test_default_margins_are_those_of_the_design() -> None:
    """0.5 pt, 0.005, 1 % of the baseline's, 0.01, 1 pt either way, 5 % of the label's deviation, none."""
    found = {m.id: m.limit(0.4, 10.0, None) for m in METRICS}
    assert found["accuracy"] == found["auc"] == 0.005
    assert found["log-loss"] == found["rmse"] == found["mae"] == pytest.approx(0.004)
    assert found["ece"] == found["positive-rate"] == 0.01
    assert found["bias"] == found["mean-prediction"] == 0.5
    assert found["churn"] is found["negative-flips"] is None
    assert MAE.limit(0.4, 10.0, 0.1) == pytest.approx(0.04)
    assert POSITIVE_RATE.direction is Direction.TARGET
