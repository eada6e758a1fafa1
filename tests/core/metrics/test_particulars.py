"""What is particular to some metrics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ghmlops.core.metrics import error_quantile, metrics_of, ndcg, pinball, recall_at_k, top_k_accuracy
from ghmlops.core.metrics.accuracy import ACCURACY
from ghmlops.core.metrics.bias import BIAS
from ghmlops.core.metrics.calibration_slope import CALIBRATION_SLOPE
from ghmlops.core.metrics.churn import CHURN
from ghmlops.core.metrics.cosine_distance import COSINE_DISTANCE
from ghmlops.core.metrics.ece import ECE
from ghmlops.core.metrics.f1 import F1
from ghmlops.core.metrics.mae import MAE
from ghmlops.core.metrics.negative_flips import NEGATIVE_FLIPS
from ghmlops.core.metrics.positive_flips import POSITIVE_FLIPS
from ghmlops.core.metrics.positive_rate import POSITIVE_RATE
from ghmlops.core.metrics.precision import PRECISION
from ghmlops.core.metrics.r2 import R2
from ghmlops.core.metrics.recall import RECALL
from ghmlops.core.metrics.rmse import RMSE
from ghmlops.core.metrics.spread_ratio import SPREAD_RATIO
from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Columns, Compared, Floats
from ghmlops.core.paired.metric import Metric
from ghmlops.core.policy.regression import Regression
from paired_rows import binary, cells, compare, counts, multiclass, sums, valued

POLICY = Regression(task="regression", key=("id",), at=7, top=3, quantile=0.9, error_quantile=0.95)


def decisions(n: int = 2000) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(n)
    label: Floats = (rng.random(n) < 0.4).astype(np.float64)
    first = np.where(rng.random(n) < 0.8, label, 1 - label)
    return label, first, np.where(rng.random(n) < 0.1, 1 - first, first)


def by_sums(metric: Metric, baseline: Floats, candidate: Floats) -> Compared:
    assert metric.compare
    return metric.compare(cells(baseline, candidate), 0.01)


def test_flips_are_counted_with_exact_limits() -> None:
    """Churn is all that changed, flips what was right and is wrong or the other way: their difference is a loss."""
    label, first, second = decisions()
    rows = binary(label, first, second)
    churn, lost, won = (compare(m, rows) for m in (CHURN, NEGATIVE_FLIPS, POSITIVE_FLIPS))
    assert float(np.mean(first != second)) == pytest.approx(churn.candidate[0], abs=1e-12)
    assert float(np.mean((first == label) & (second != label))) == pytest.approx(lost.candidate[0], abs=1e-12)
    assert lost.low[0] < lost.candidate[0] < lost.high[0]
    assert churn.candidate[0] == pytest.approx(lost.candidate[0] + won.candidate[0], abs=1e-12)
    assert compare(ACCURACY, rows).loss[0] == pytest.approx(lost.candidate[0] - won.candidate[0], abs=1e-12)


def test_churn_between_wrong_classes_is_churn_but_no_flip() -> None:
    """From one wrong class to another: churn counts it, flips do not. Rows without a label count for churn alone."""
    vectors = [np.eye(3)[k] for k in (np.ones(40, dtype=int), np.full(40, 2))]
    rows = multiclass(np.zeros(40, dtype=np.int64), vectors[0], vectors[1])
    assert [compare(m, rows).candidate[0] for m in (CHURN, NEGATIVE_FLIPS, POSITIVE_FLIPS)] == [1.0, 0.0, 0.0]
    late = replace(counts(rows), label=np.full(40, -1))
    assert CHURN.compare_counts
    assert CHURN.compare_counts(late, 0.01).n[0] == 40


@pytest.mark.parametrize("metric", [CHURN, NEGATIVE_FLIPS], ids=lambda m: m.id)
def test_flips_in_clusters_have_wider_limits_and_none_seen_is_bounded_by_the_clusters(metric: Metric) -> None:
    """Clusters widen the limits; without any flip the bound counts clusters, not rows."""
    label, first, second = decisions(1000)
    rows, group = binary(label, first, second), np.repeat(np.arange(20), 50)
    alone, together = compare(metric, rows), compare(metric, replace(rows, group=group))
    assert together.high[0] >= alone.high[0]
    assert together.low[0] <= alone.low[0]
    none = compare(metric, replace(binary(label, first, first), group=group))
    assert pytest.approx(none.high[0], rel=1e-9) == 1 - 0.01 ** (1 / 20)


def test_no_changed_row_in_clusters_is_bounded_by_the_clusters() -> None:
    """Accuracy without any change: the limit is that of as many rows as there are clusters, never a point."""
    label, first, _ = decisions(1000)
    rows = binary(label, first, first)
    found = compare(ACCURACY, replace(rows, group=np.repeat(np.arange(20), 50)))
    assert found.loss_high[0] == pytest.approx(compare(ACCURACY, rows.of(np.arange(20))).loss_high[0], rel=1e-9)
    assert compare(ACCURACY, rows).loss_high[0] < found.loss_high[0]


def test_a_mean_of_recalls_with_a_class_of_few_rows_is_not_certain() -> None:
    """Nothing changed, and one class has four rows: the interval is as wide as one of these rows makes it."""
    label = np.r_[np.zeros(4000), np.ones(4)]
    found = compare(RECALL, binary(label, label, label))
    assert found.loss[0] == 0.0
    assert found.loss_high[0] > 0.25


def test_what_is_undefined_is_nan_and_never_a_number_to_pass_with() -> None:
    """No row called positive: precision is NaN, F1 0. No positive row: recall and F1 are NaN. R2 of one label too."""
    label, first, _ = decisions(200)
    silent = binary(label, first, np.zeros(200))
    assert np.isnan([compare(PRECISION, silent).loss[0], compare(PRECISION, silent).loss_high[0]]).all()
    assert compare(F1, silent).candidate[0] == 0.0
    for metric in (RECALL, F1):
        found = compare(metric, binary(np.zeros(200), first, first))
        assert np.isnan([found.baseline[0], found.loss[0], found.loss_high[0], found.p[0]]).all()
    flat = compare(R2, valued(np.full(50, 3.0), first[:50], 1 - first[:50]))
    assert np.isnan([flat.baseline[0], flat.loss[0], flat.loss_high[0]]).all()


def test_rmse_from_or_to_no_error_at_all_is_defined() -> None:
    """A side without any error is compared, not undefined."""
    errors, none = np.abs(np.random.default_rng(1).normal(size=500)), np.zeros(500)
    assert by_sums(RMSE, none, errors).loss_low[0] > 0
    assert by_sums(RMSE, errors, none).loss_high[0] < 0


def test_bias_harms_by_its_size_whichever_its_sign() -> None:
    """Moving towards 0 is a gain from either side; moving away is a loss, through 0 as well."""
    noise = np.random.default_rng(2).normal(size=2000)
    for before, after, harm in ((1.0, 0.1, False), (-1.0, 0.1, False), (0.1, -1.0, True), (-0.2, -1.0, True)):
        found = by_sums(BIAS, noise + before, noise + after)
        assert bool(found.loss_low[0] > 0 and found.p[0] < 0.01) is harm
        assert bool(found.loss_high[0] < 0) is not harm


@pytest.mark.parametrize(("before", "after", "harm"), [(0.4, 1.1, False), (1.0, 2.2, True), (1.0, 0.5, True)])
def test_a_calibration_slope_harms_by_its_distance_from_1(before: float, after: float, harm: bool) -> None:
    """Too sure and not sure enough are both harm; getting nearer to 1 is a gain, whichever side it comes from."""
    rng = np.random.default_rng(5)
    signal = rng.normal(-0.5, 1.2, 8000)
    label = (rng.random(8000) < 1 / (1 + np.exp(-signal))) * 1.0
    sides = [1 / (1 + np.exp(-signal / slope)) for slope in (before, after)]
    found = compare(CALIBRATION_SLOPE, binary(label, sides[0], sides[1]))
    assert [found.baseline[0], found.candidate[0]] == pytest.approx([before, after], rel=0.1)
    assert bool(found.loss_low[0] > 0 and found.p[0] < 0.01) is harm
    assert bool(found.loss_high[0] < 0) is not harm


def test_ece_uses_fifteen_equal_bins_the_last_closed() -> None:
    """Two bins by hand: scores 0.03 and 1.0 against their outcomes."""
    found = compare(ECE, binary(np.array([0, 0, 1, 1]), np.array([0.03, 0.05, 1.0, 1.0]), np.full(4, 0.5)))
    assert pytest.approx((found.baseline[0], found.candidate[0]), abs=1e-12) == (0.08 / 4, 0.0)


def test_the_spread_is_exact_far_from_0_and_in_a_slice_far_from_the_others() -> None:
    """A million above 0, and 50 deviations from the mean of all rows: the ratio is exact, its error a little more."""
    rng = np.random.default_rng(6)
    first = rng.normal(0.0, 1.0, 4000)
    second = 1.05 * first + 0.2 * rng.normal(size=4000)
    near = compare(SPREAD_RATIO, valued(first, first, second))
    far = compare(SPREAD_RATIO, valued(first, first + 1e6, second + 1e6))
    fields = ("candidate", "low", "high", "error", "p")
    assert [getattr(far, f)[0] for f in fields] == pytest.approx([getattr(near, f)[0] for f in fields], rel=1e-6)
    assert SPREAD_RATIO.compare_rows
    sql = [s.replace("{p0}", "50.0") for s in SPREAD_RATIO.rows]
    own = valued(first, first, second)
    found = SPREAD_RATIO.compare_rows(tuple(sums(one, SPREAD_RATIO, own) for one in sql), 0.01)
    assert [getattr(found, f)[0] for f in fields] == pytest.approx([getattr(near, f)[0] for f in fields], rel=0.1)


def test_titles_and_rows_carry_what_the_policy_names() -> None:
    """k and quantiles are in the title and in the SQL, where they belong."""
    found = {m.id: m for m in (b.bind(POLICY) for b in (ndcg, recall_at_k, pinball, error_quantile, top_k_accuracy))}
    assert [m.title for m in found.values()] == [
        "NDCG@7",
        "recall@7",
        "pinball loss at 0.9",
        "0.95 quantile of the absolute error",
        "top-3 accuracy",
    ]
    assert "<= 3" in found["top-k-accuracy"].row
    assert "0.9 *" in found["pinball"].row


def test_a_cosine_distance_is_a_rate_of_the_pair() -> None:
    """The mean distance with limits that hold it, no p-value, and never below 0."""
    distance = np.random.default_rng(3).beta(0.2, 8, 40)
    found = by_sums(COSINE_DISTANCE, np.zeros(40), distance)
    assert found.candidate[0] == pytest.approx(distance.mean())
    assert 0 <= found.low[0] < found.candidate[0] < found.high[0]
    assert np.isnan(found.p[0])
    assert COSINE_DISTANCE.paired_only


def test_one_class_leaves_areas_and_slopes_undefined_by_columns() -> None:
    """AUC, average precision and slope on positives alone are NaN."""
    rows = Columns(label=np.ones(50), baseline=np.linspace(0, 1, 50), candidate=np.linspace(1, 0, 50))
    for metric in metrics_of(Regression(task="binary", key=("id",))):
        if metric.compare_columns and metric is not ECE:
            found = metric.compare_columns(rows, 0.01)
            assert np.isnan([found.baseline[0], found.loss[0], found.loss_high[0]]).all()


def test_a_margin_of_the_policy_is_in_the_unit_of_the_default() -> None:
    """A share of the baseline's for losses; any move of the positive rate is harm."""
    assert MAE.limit(0.4, 10.0, 0.1) == pytest.approx(0.04)
    assert POSITIVE_RATE.direction is Direction.TARGET
