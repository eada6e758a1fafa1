"""The reader of the section `regression`: tasks, data sets, renamed columns, custom metrics."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.metrics import metric_ids
from ghmlops.core.model import Direction
from ghmlops.core.policy.regression import Changed, CustomMetric, Dataset, Drift, Regression
from ghmlops.core.policyfile.document import read_policy

BINARY = "task: binary, key: [id], label: y, score: s"
FORECAST = "task: regression, key: [id], label: y, prediction: p"


def section(text: str) -> Regression:
    regression = read_policy(f"version: 1\nservice: x\nregression: {{{text}}}\n").regression
    assert regression is not None
    return regression


def test_every_key_has_its_field() -> None:
    """Everything beyond the simple case lands in its field."""
    regression = section(
        BINARY + ", datasets: {eu: {baseline: a.parquet, candidate: [b.parquet, c.parquet], noise: n.parquet}, "
        "us: {baseline: 'artifact:p@main', candidate: d/, labels: l.parquet}}, baseline: {score: p, device: dev}, "
        "slices: [device], features: [age], search: 3, drift: {psi: 0.1, ks: 0.2}, tolerance: {s: 1e-4}, "
        "changed-rows: {rows: 5, show: [device], mask: [device], hash: [id]}, "
        "metrics: {cost: {sql: 'abs(prediction - label)', direction: lower, margin: 2.5, unit: EUR}}"
    )
    assert regression.datasets == (
        Dataset(name="eu", baseline=("a.parquet",), candidate=("b.parquet", "c.parquet"), noise=("n.parquet",)),
        Dataset(name="us", baseline=("artifact:p@main",), candidate=("d/",), labels=("l.parquet",)),
    )
    assert (regression.features, regression.search, regression.tolerance) == (("age",), 3, {"s": 1e-4})
    assert regression.drift == Drift(psi=0.1, ks=0.2)
    assert regression.changed == Changed(rows=5, show=("device",), mask=("device",), hash=("id",))
    cost = CustomMetric(name="cost", sql="abs(prediction - label)", direction=Direction.LOWER, margin=2.5, unit="EUR")
    assert regression.metrics == (cost,)


def test_a_column_is_renamed_by_its_role_or_by_its_name() -> None:
    """`baseline: {score: p}` and `{device: dev}`; the other side keeps the policy's names."""
    regression = section(BINARY + ", slices: [device], baseline: {score: p, device: dev}, candidate: {y: truth}")
    names = {
        (role, c): regression.column(role, c) for role in ("baseline", "candidate") for c in ("s", "device", "y", "id")
    }
    renamed = {key: name for key, name in names.items() if name != key[1]}
    assert renamed == {("baseline", "s"): "p", ("baseline", "device"): "dev", ("candidate", "y"): "truth"}


def test_rows_may_have_weights() -> None:
    """`weight` names a column, which may have another name on one side; the error quantile has no weighted value."""
    regression = section(FORECAST + ", weight: w, margins: {mae: 2%}, baseline: {weight: n}")
    assert [regression.column(role, "w") for role in ("baseline", "candidate")] == ["n", "w"]
    assert "error-quantile" not in metric_ids(regression)
    assert "error-quantile" in metric_ids(section(FORECAST))


def test_one_data_set_has_no_name() -> None:
    """`artifacts` and `labels` are the only data set."""
    regression = section(BINARY + ", artifacts: {baseline: a, candidate: b}, labels: l.parquet")
    assert regression.datasets == (Dataset(baseline=("a",), candidate=("b",), labels=("l.parquet",)),)
    assert section(BINARY).datasets == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("task: ranking, key: [id], label: y, score: s", "needs the key `query`"),
        ("task: multiclass, key: [id], label: y, score: v", "needs the key `classes`"),
        ("task: multiclass, key: [id], label: y, score: v, classes: [a, b, a]", "names one twice"),
        (BINARY + ", gain: exponential", "does not read `gain`"),
        ("task: ranking, key: [id], label: y, score: s, query: q, gain: cubic", '"cubic" is not valid'),
        ("task: embedding, key: [id]", "needs the key `score`"),
        ("task: regression, key: [id], label: y, prediction: p, threshold: 0.3", "does not read `threshold`"),
        (BINARY + ", artifacts: {baseline: a}, datasets: {x: {baseline: a, candidate: b}}", "are both given"),
        (BINARY + ", datasets: {x: {baseline: a}}", "needs the key `candidate`"),
        (BINARY + ", datasets: {'../x': {baseline: a, candidate: b}}", "cannot name a data set"),
        (BINARY + ", labels: l, datasets: {x: {baseline: a, candidate: b}}", "`labels` beside `datasets`"),
        (BINARY + ", baseline: {scor: p}", "`scor` is not a column that the policy uses"),
        (BINARY + ", metrics: {auc: {sql: '1', direction: lower}}", "is a built-in metric"),
        (BINARY + ", metrics: {cost: {sql: '1', direction: down}}", '"down" is not valid'),
        (BINARY + ", metrics: {cost: {sql: '1', direction: lower, margin: -1}}", "a number of 0 or more"),
        (BINARY + ", tolerance: {s: nan}", "a number of 0 or more"),
        (BINARY + ", margins: {ndcg: 1%}", "not a metric of task `binary`"),
        (BINARY + ", drift: {kl: 1}", "unknown key `kl`"),
        (BINARY + ", time: t, window: 1d, time-zone: Europe/Berln", '"Europe/Berln" is not a time zone'),
        (BINARY + ", time: t, time-zone: Europe/Berlin", "needs the key `window`"),
        (BINARY + ", time: t, time-unit: seconds", '"seconds" is not valid'),
        (BINARY + ", time-unit: s", "needs the key `time`"),
        (BINARY.replace("score: s", "score: [a, b, c]"), "3 columns of scores for 2 classes"),
        (BINARY.replace("score: s", "score: [a, a]"), "names a column twice"),
        (BINARY.replace("score: s", "score: [a, b], baseline: {score: p}"), "names several columns"),
        (BINARY.replace("score: s", "prediction: f, threshold: 0.4"), "`threshold` needs the key `score`"),
        (BINARY.replace("score: s", "prediction: f, margins: {auc: 0.01}"), "needs the key `score`"),
        ("task: multiclass, key: [id], label: y, score: [a, b], classes: [a, b, c]", "2 columns of scores"),
        ("task: ranking, key: [id], label: y, score: [a, b], query: q", "reads one column of scores"),
        ("task: embedding, key: [id], score: [a, b]", "reads one column of scores"),
        (BINARY + ", weight: id", "has another role"),
        (BINARY + ", weight: s", "has another role"),
        (FORECAST + ", weight: w, margins: {error-quantile: 5%}", "`error-quantile` is not defined for weighted rows"),
        (FORECAST + ", weight: w, error-quantile: 0.8", "`error-quantile` is not defined for weighted rows"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(text: str, message: str) -> None:
    """File, line and key are named, and nothing is guessed."""
    with pytest.raises(PolicyError) as caught:
        section(text)
    assert message in caught.value.message
    assert caught.value.message.startswith(".github/ghmlops.yml:3: ")
    assert "\n" not in caught.value.message


def test_classes_may_have_no_scores_or_one_column_each() -> None:
    """`prediction` alone, and a list of columns."""
    assert section(BINARY.replace("score: s", "prediction: f")).has_scores is False
    several = section("task: multiclass, key: [id], label: y, score: [a, b], classes: [x, y]")
    assert (several.score, several.scores, several.has_scores) == ("", ("a", "b"), True)
    assert section(BINARY).scores == ()


def test_time_has_a_unit_and_windows_have_a_zone() -> None:
    """Both are optional."""
    regression = section(BINARY + ", time: t, window: 1d, time-unit: ms, time-zone: Europe/Berlin")
    assert (regression.time_unit, regression.time_zone) == ("ms", "Europe/Berlin")


def test_a_custom_metric_may_have_a_margin() -> None:
    """The margin of a custom metric is read like that of a built-in one."""
    regression = section(BINARY + ", metrics: {cost: {sql: '1', direction: lower}}, margins: {cost: 10%}")
    assert regression.margins == {"cost": 0.1}


def test_predict_makes_both_sides() -> None:
    """Labels and noise may stand beside it; the time limit is in seconds, 30 minutes by default."""
    regression = section(BINARY + ", predict: 'python p.py', predict-timeout: 20m, artifacts: {labels: l.parquet}")
    assert (regression.predict, regression.predict_timeout) == ("python p.py", 1200.0)
    assert regression.datasets == (Dataset(labels=("l.parquet",)),)
    assert section(BINARY + ", predict: 'python p.py'").predict_timeout == 1800.0


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("predict: p, artifacts: {candidate: c.parquet}", "regression.predict"),
        ("predict: p, datasets: {eu: {baseline: b, candidate: c}}", "regression.predict"),
        ("predict-timeout: 20m", "regression.predict-timeout"),
        ("predict: ''", "regression.predict"),
        ("predict: [a]", "regression.predict"),
        ("predict: 'serve {port}'", "regression.predict"),
        ("predict: p, predict-timeout: soon", "regression.predict-timeout"),
    ],
)
def test_a_predict_that_cannot_run_is_refused(text: str, fact: str) -> None:
    """Files beside it, a time limit alone, no text, and a port that it never has are errors at their key."""
    with pytest.raises(PolicyError) as error:
        section(f"{BINARY}, {text}")
    assert f"`{fact}`" in error.value.message
