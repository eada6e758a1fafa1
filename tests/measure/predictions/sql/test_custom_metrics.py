"""Custom metrics: an SQL expression over one row; everything else is rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from msgspec.structs import replace

from ghmlops.core.errors import DataError, PolicyError
from ghmlops.core.model import Direction, Outcome
from ghmlops.core.policy.regression import CustomMetric, Regression
from ghmlops.core.predictions.comparison import compare_overall
from ghmlops.core.predictions.judgement import judge_observations
from prediction_artifacts import BINARY, rows, values

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ghmlops.core.predictions.observation import Observation
    from ghmlops.core.predictions.ruling import Comparison

    Read = Callable[..., Observation]

N = 400


def policy(*expressions: str, base: Regression = BINARY, margin: float | None = None) -> Regression:
    metrics = [
        CustomMetric(name=f"own-{i}", sql=sql, direction=Direction.LOWER, margin=margin)
        for i, sql in enumerate(expressions)
    ]
    return replace(base, metrics=tuple(metrics))


def by_id(observation: Observation, rules: Regression) -> dict[str, Comparison]:
    return {c.metric.id: c for c in compare_overall(observation, rules)}


def test_metric_is_the_mean_of_its_expression(read: Read) -> None:
    """The expression reads score, decision, label and columns of its side; rows with a null value do not count."""
    first, second = rows(N, 1), rows(N, 2)
    first["amount"], second["amount"] = np.arange(N) * 1.0, np.arange(N) * 2.0
    rules = policy(
        "abs(score - label) * amount",
        "CASE WHEN device IN ('phone', 'tablet') THEN prediction END",
        'CASE WHEN "user" < 3 AND NOT prediction = label THEN 1 ELSE 0 END',
        "greatest(least(ln(score), -0.5), -pow(2, 3)) / 2 + round(s, 1)",
    )
    result = read(first, second, rules)
    comparisons = by_id(result, rules)
    for side, name in ((first, "baseline"), (second, "candidate")):
        decisions = (side["s"] >= 0.5).astype(int)
        device = np.array(side["device"]) != "desktop"
        expected = [
            (np.abs(side["s"] - side["y"]) * side["amount"]).mean(),
            decisions[device].mean(),
            ((side["user"] < 3) & (decisions != side["y"])).mean(),
            (np.maximum(np.minimum(np.log(side["s"]), -0.5), -8) / 2 + np.round(side["s"], 1)).mean(),
        ]
        assert expected == pytest.approx([getattr(comparisons[f"own-{i}"], name) for i in range(4)], abs=1e-9)
    assert comparisons["own-1"].n == (np.array(first["device"]) != "desktop").sum()


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_metric_may_have_an_internal_name(task: str, read: Read) -> None:
    """A metric with the name of an internal column or placeholder does not change the other metrics."""
    base, sides = BINARY, (rows(N, 1), rows(N, 2))
    if task == "regression":
        base = Regression(task="regression", key=("id",), label="y", prediction="p")
        sides = values(N, 1), values(N, 2)
    names = ("y", "s", "p", "t", "r", "d", "z", "y0", "p0", "distance", "ndcg", "n")
    metrics = tuple(CustomMetric(name=name, sql="label + 1", direction=Direction.LOWER) for name in names)
    rules = replace(base, metrics=metrics)
    plain, custom = by_id(read(*sides, base), base), by_id(read(*sides, rules), rules)
    figures = [{n: (c.n, c.baseline, c.candidate, c.low, c.high) for n, c in side.items()} for side in (plain, custom)]
    assert {name: value for name, value in figures[1].items() if name in plain} == figures[0]
    expected = np.mean(np.asarray(sides[0]["y"]) + 1.0)
    assert [custom[name].baseline for name in names] == pytest.approx([expected] * len(names), abs=1e-9)


def test_metric_with_a_margin_is_judged_and_tested_in_slices(read: Read) -> None:
    """A metric with a margin has a finding over all rows and rows in the table of slices."""
    rules = replace(policy("abs(score - label)", margin=0.001), slices=(("device",),), minimum_rows=10)
    judged = judge_observations([read(rows(N, 1), rows(N, 2, noise=2.0), rules)], rules)
    assert Outcome.FAIL is next(f.outcome for f in judged.findings if f.id == "own-0" or f.metric == "own-0")
    assert any(row.metric == "own-0" for row in judged.details.slices)


def test_regression_and_ranking_have_custom_metrics(read: Read) -> None:
    """The value is the mean over rows in a regression, and the mean over the queries' means in a ranking."""
    base = Regression(task="regression", key=("id",), label="y", prediction="p")
    rules = policy("abs(prediction - label) * 2 + 0 * score", base=base)
    first, second = values(N, 1), values(N, 2)
    comparisons = by_id(read(first, second, rules), rules)
    assert 2 * np.abs(second["p"] - second["y"]).mean() == pytest.approx(comparisons["own-0"].candidate, abs=1e-9)
    base = Regression(task="ranking", key=("id",), label="y", score="s", query="q")
    rules = policy("score * label", base=base)
    query = {"q": np.repeat(np.arange(N // 10), 10)}
    first, second = rows(N, 1) | query, rows(N, 2) | query
    comparisons = by_id(read(first, second, rules), rules)
    useful = first["y"].reshape(-1, 10).sum(axis=1) > 0
    expected = (second["s"] * second["y"]).reshape(-1, 10).mean(axis=1)[useful].mean()
    assert expected == pytest.approx(comparisons["own-0"].candidate, abs=1e-9)


def test_infinite_value_is_inconclusive(read: Read) -> None:
    """If the value of a row is infinite, the metric is undefined and its outcome is inconclusive."""
    rules = policy("1e308 * 10 * score", margin=0.1)
    judged = judge_observations([read(rows(N, 1), rows(N, 2), rules)], rules)
    assert next(f.outcome for f in judged.findings if f.metric == "own-0") is Outcome.INCONCLUSIVE


HOSTILE = [
    "(SELECT 1)",
    "(SELECT max(content) FROM read_text('{file}'))",
    "EXISTS (SELECT * FROM read_csv('{file}'))",
    "score IN (SELECT 1)",
    "read_text('{file}')",
    "read_blob('{file}')",
    "read_parquet('{file}')",
    "1 FROM read_csv('{file}')",
    "1; COPY (SELECT 1) TO '{file}'",
    "1; ATTACH '{file}'",
    "1; PRAGMA database_list",
    "1; CREATE MACRO f() AS 1",
    "1; SET enable_external_access = true",
    "COPY pairs TO '{file}'",
    "getenv('HOME')",
    "current_setting('memory_limit')",
    "query('SELECT 1')",
    "1 UNION SELECT 2",
    "1 WHERE 1 = 1",
    "score, label",
    "*",
    "COLUMNS(*)",
    "count(*)",
    "sum(score) OVER ()",
    "random()",
    "uuid()",
    "now()",
    "current_date",
    "$1",
    "?",
    ":x",
    "pairs.sa",
    "CAST(score AS my_type)",
    "CAST(score AS JSON)",
    "score AS x",
    "x -> x",
    "score[1]",
    "[score]",
    "{{'a': 1}}",
    "regexp_extract(device, '(a+)+$')",
    "repeat(device, 1000000000)",
    "list_sum(range(1000000000))",
    "1 -- comment\n; DROP TABLE pairs",
    "'",
    "(",
    "",
    "  ",
    "DROP TABLE pairs",
    "score COLLATE nocase",
    "now",
]


@pytest.mark.parametrize("sql", HOSTILE)
def test_everything_except_an_expression_is_rejected(sql: str, tmp_path: Path, read: Read) -> None:
    """Queries, files, statements, settings, aggregates and unknown functions are errors of one line without effect."""
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    rules = policy(sql.format(file=secret))
    with pytest.raises((PolicyError, DataError)) as excinfo:
        read(rows(20, 1), rows(20, 2), rules)
    assert "\n" not in excinfo.value.message
    assert "own-0" in excinfo.value.message or '"now"' in excinfo.value.message
    assert secret.read_text() == "a\n1\n"


@pytest.mark.parametrize(
    "sql",
    ["(" * 900 + "1" + ")" * 900, "-" * 1500 + "1", "1" + " + 1" * 450, "NOT " * 400 + "true", "x" * 5000, "1" * 5000],
)
def test_deep_and_long_expressions_are_rejected(sql: str, read: Read) -> None:
    """Deep nesting is an error of one line before it exhausts the stack."""
    with pytest.raises(PolicyError) as excinfo:
        read(rows(20, 1), rows(20, 2), policy(sql))
    assert "\n" not in excinfo.value.message


def test_columns_and_types_that_do_not_fit_are_errors(read: Read) -> None:
    """A missing column (with the nearest name), a wrong type and a failing cast are errors of one line."""
    with pytest.raises(DataError, match='reads "scor"') as excinfo:
        read(rows(20, 1), rows(20, 2), policy("scor * 2"))
    assert "score" in excinfo.value.hint
    with pytest.raises(PolicyError, match="`own-0`: the SQL does not fit") as policy_error:
        read(rows(20, 1), rows(20, 2), policy("abs(t)"))
    assert "\n" not in policy_error.value.message
    with pytest.raises(DataError, match="a value cannot be used") as excinfo:
        read(rows(20, 1), rows(20, 2), policy("CAST(device AS DOUBLE)"))
    assert "\n" not in excinfo.value.message


def test_column_of_one_side_with_a_hostile_name(read: Read) -> None:
    """The value of the other side is used, and any name is quoted."""
    first = rows(N, 1) | {'a"b; DROP TABLE pairs --': np.arange(N)}
    rules = policy('"a""b; DROP TABLE pairs --" * score')
    second = rows(N, 2)
    comparisons = by_id(read(first, second, rules), rules)
    assert (np.arange(N) * second["s"]).mean() == pytest.approx(comparisons["own-0"].candidate, abs=1e-9)


@pytest.mark.parametrize(("nulls", "outcome"), [(0, Outcome.PASS), (10, Outcome.PASS), (200, Outcome.INCONCLUSIVE)])
def test_an_expression_that_is_null_for_many_rows_is_not_judged(read: Read, nulls: int, outcome: Outcome) -> None:
    """Rows that are null on the candidate's side only are counted in the reason; more than 1 % are inconclusive."""
    size = 1000
    first = rows(size, 1) | {"cost": np.ones(size)}
    second = rows(size, 1) | {"cost": np.where(np.arange(size) < nulls, 0.0, 1.0)}
    rules = policy("CASE WHEN cost > 0 THEN 1 / cost END", margin=0.01)
    judged = judge_observations([read(first, second, rules)], rules)
    finding = next(f for f in judged.findings if f.id == "regression-own-0")
    assert (finding.outcome, finding.n) == (outcome, size - nulls)
    assert (f"{nulls} of 1,000" in finding.reason) == bool(nulls)
    assert any(f"{nulls} of 1,000" in item.why for item in judged.not_measured) == bool(nulls)
