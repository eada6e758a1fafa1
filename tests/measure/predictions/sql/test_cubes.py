"""Tables by slices, features, windows and groups, independent of the plan that computes them."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from msgspec.structs import replace

from ghmlops.core.paired.aggregates import WINDOW
from ghmlops.core.policy.regression import Changed, Regression
from ghmlops.core.predictions import judgement as regression
from ghmlops.core.predictions.contract.checks import not_measured
from ghmlops.core.predictions.judgement import judge_observations
from ghmlops.measure.predictions import reading
from ghmlops.measure.predictions.sql import scores, summing
from prediction_artifacts import BINARY, rows, values

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.paired.aggregates import CellTable
    from ghmlops.core.predictions.observation import Observation

    Read = Callable[..., Observation]

N = 1200


def table_by_key(table: CellTable) -> dict[Any, Any]:
    """Return the sums and counts of a table by key, independent of the order of its entries."""
    counts, cells = table.counts, dict[Any, Any]()
    for index, key in enumerate(table.keys):
        cells[key] = {
            kind: tuple(getattr(c, f)[index] for f in ("n", "a", "d", "dd")) for kind, c in table.sums.items()
        }
        if counts is not None:
            entries = np.flatnonzero(counts.cell == index)
            cells[key]["counts"] = sorted(
                zip(
                    counts.label[entries],
                    counts.baseline[entries],
                    counts.candidate[entries],
                    counts.n[entries],
                    strict=True,
                )
            )
    return cells | {
        "rest": (table.small_cells, table.small_rows, sorted(table.missing_cells, key=str), table.new_cells)
    }


def test_one_code_per_attribute_gives_the_same_tables(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shared code and separate codes give the same windows, crossed slices, and small, missing and new cells."""
    policy = replace(
        BINARY,
        slices=(("device",), ("device", "country"), ("user",)),
        time="t",
        window="1d",
        minimum_rows=15,
        features=("f",),
    )
    more = {"f": np.random.default_rng(3).normal(size=N)}
    first, second = rows(N, 1) | more, rows(N, 2) | more
    indices = np.flatnonzero(np.array(first["device"]) != "tablet")
    second = {k: pa.array(v).take(pa.array(indices)) for k, v in second.items()}
    first["user"] = np.where(np.arange(N) > 900, -1, first["user"])
    shared = read(first, second, policy)
    monkeypatch.setattr(reading, "has_too_many_combinations", lambda _: True)
    single = read(first, second, policy)
    assert set(shared.tables) == set(single.tables)
    for columns, table in shared.tables.items():
        assert_same_cells(table_by_key(table), table_by_key(single.tables[columns]))
    assert shared.facts.pairs == single.facts.pairs
    assert shared.changes == single.changes


def assert_same_cells(first: dict[Any, Any], second: dict[Any, Any]) -> None:
    assert set(first) == set(second)
    for key, cell in first.items():
        if key == "rest":
            assert cell == second[key]
            continue
        for kind, numbers in cell.items():
            if kind == "counts":
                assert numbers == second[key][kind]
            else:
                assert numbers == pytest.approx(second[key][kind], rel=1e-9, abs=1e-12, nan_ok=True)


def test_slice_column_of_one_side_applies_to_the_pairs(read: Read) -> None:
    """A slice column that only one side has gives the same tables as one that both sides have."""
    policy = replace(BINARY, slices=(("device",), ("country",), ("device", "country")), minimum_rows=1)
    first, second = rows(N, 1), rows(N, 2)
    del second["device"], first["country"]
    result, plain = read(first, second, policy), read(rows(N, 1), rows(N, 2), policy)
    for columns in (("device",), ("country",), ("device", "country")):
        assert_same_cells(table_by_key(result.tables[columns]), table_by_key(plain.tables[columns]))
    assert result.facts.pairs
    assert result.facts.pairs.slice_conflicts == {}


def test_time_of_the_candidate_alone_defines_the_windows(read: Read) -> None:
    """If only the candidate has the time, windows and the count of rows without a window come from it."""
    policy = replace(BINARY, time="t", window="1d", slices=(("device",),), minimum_rows=1)
    first, second = rows(N, 1), rows(N, 2)
    del first["t"]
    second["t"] = pa.array([None, *second["t"].to_pylist()[1:]], second["t"].type)
    result = read(first, second, policy)
    assert len(result.tables[WINDOW,].keys) == 14
    assert result.facts.pairs
    assert result.facts.pairs.windows_without_time == 1


@pytest.mark.parametrize(
    ("window", "starts"),
    [
        ("1h", ["2024-12-31T23:00:00Z", "2025-01-01T00:00:00Z"]),
        ("1d", ["2024-12-31", "2025-01-01"]),
        ("1w", ["2024-12-30"]),
        ("1mo", ["2024-12-01", "2025-01-01"]),
    ],
)
def test_windows_do_not_depend_on_zone_and_unit(window: str, starts: list[str], read: Read) -> None:
    """The same times in other zones and units are in the same windows, which are in UTC."""
    moments = [datetime(2024, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2025, 1, 1, 0, 0, 1, tzinfo=UTC)] * (N // 2)
    policy = replace(BINARY, time="t", window=window, minimum_rows=1)
    types = (pa.timestamp("ms", tz="Asia/Tokyo"), pa.timestamp("ns", tz="UTC"), pa.timestamp("us", tz="-08:00"))
    for time_type in types:
        time = {"t": pa.array(moments, pa.timestamp("us", tz="UTC")).cast(time_type)}
        result = read(rows(N, 1) | time, rows(N, 2) | time, policy)
        assert [key[0] for key in result.tables[WINDOW,].keys] == starts


def test_dates_before_1970_have_windows(read: Read) -> None:
    """A date is the start of its day; weeks before the epoch start on Monday too."""
    policy = replace(BINARY, time="t", window="1w", minimum_rows=1)
    days = pa.array([datetime(1969, 12, 30, tzinfo=UTC).date()] * N)
    result = read(rows(N, 1) | {"t": days}, rows(N, 2) | {"t": days}, policy)
    assert [key[0] for key in result.tables[WINDOW,].keys] == ["1969-12-29"]


def test_groups_of_one_side_apply_to_the_pairs(read: Read) -> None:
    """A group column of the candidate alone gives the same clusters; rows without a group are their own cluster."""
    policy = replace(BINARY, group="user", slices=(("device",),), minimum_rows=10)
    first, second = rows(N, 1), rows(N, 2)
    plain = judge_observations([read(first, second, policy)], policy)
    without_user = {k: v for k, v in first.items() if k != "user"}
    result = read(without_user, second, policy)
    judgement = judge_observations([result], policy)
    assert [(f.id, f.metric, f.change) for f in plain.findings] == [
        (f.id, f.metric, f.change) for f in judgement.findings
    ]
    users = [None if i < 7 else int(u) for i, u in enumerate(second["user"])]
    partial = read(without_user, second | {"user": users}, policy)
    assert partial.facts.pairs
    assert partial.facts.pairs.ungrouped == 7
    assert partial.columns
    assert partial.columns.group is not None
    assert len(np.unique(partial.columns.group)) == len(set(users)) - 1 + 7


def test_features_are_counted_in_the_same_bins_on_both_sides(read: Read) -> None:
    """Every row is in a bin or missing: heavy tails, constants, NaN, infinities, integers, booleans, many texts."""
    rng = np.random.default_rng(9)
    tail = rng.standard_cauchy(N) * 1e6
    odd = rng.normal(size=N)
    odd[:3] = np.nan, np.inf, -np.inf
    more = {
        "tail": tail,
        "constant": np.full(N, 7.5),
        "odd": odd,
        "null": pa.array([None] * N, pa.float64()),
        "integer": rng.integers(-5, 5, N),
        "flag": rng.random(N) < 0.2,
        "words": [f"w{i}" for i in range(N)],
        "big": np.full(N, 1e300),
    }
    policy = replace(BINARY, features=tuple(more), search=3, minimum_rows=20)
    other = more | {"tail": tail * 2, "words": [f"w{i % 1100}" for i in range(N)]}
    result = read(rows(N, 1) | more, rows(N, 2) | other, policy)
    features = {d.column: d for d in result.features}
    assert set(features) == set(more)
    for d in features.values():
        assert (d.baseline.sum() + d.missing[0], d.candidate.sum() + d.missing[1]) == (N, N)
    assert (features["odd"].missing, features["null"].missing) == ((3, 3), (N, N))
    assert features["words"].values is not None
    assert "(others)" in features["words"].values
    for name in ("tail", "odd", "integer"):
        edges = features[name].edges
        assert edges is not None
        assert np.all(np.diff(edges) > 0)
        finite = np.asarray(more[name], dtype=float)
        finite = np.sort(finite[np.isfinite(finite)])
        below = np.searchsorted(finite, edges[1:-1], side="left")
        assert below == pytest.approx(np.cumsum(features[name].baseline)[:-1], abs=2)
    searched = {columns for columns in result.tables if len(columns) == 1}
    assert {(name,) for name in more if name != "words"} == searched
    assert any("words" in n.why for n in not_measured(result.facts, group=False, windows=False))
    assert len(result.tables["tail",].keys) == 4
    judged = judge_observations([result], policy)
    assert judged.details.drift


def test_search_uses_all_columns_and_their_pairs(read: Read) -> None:
    """Each grouping set occurs once; declared columns are not binned; a feature of one side is reported."""
    policy = replace(BINARY, slices=(("device",), ("country", "device")), features=("user", "f", "g"), minimum_rows=5)
    more = {"f": np.arange(N) % 7, "g": np.arange(N) * 1.5}
    result = read(rows(N, 1) | more, rows(N, 2) | {"f": more["f"]}, policy)
    names = ("device", "country", "user", "f")
    grouping_sets = {frozenset(c) for c in result.tables if c}
    assert grouping_sets == {frozenset((n,)) for n in names} | {frozenset(p) for p in itertools.combinations(names, 2)}
    assert len(grouping_sets) == len([c for c in result.tables if c])
    assert '"g" (baseline)' in next(
        f.reason for f in judge_observations([result], policy).findings if f.id == "contract-rows"
    )
    plain = replace(policy, slices=(("f",),), features=("f",))
    result = read(rows(N, 1) | more, rows(N, 2) | more, plain)
    assert {key[0] for key in result.tables["f",].keys} == set(range(7))


def test_slice_with_too_many_values_is_only_counted(read: Read) -> None:
    """If every row is a separate slice, no slice is large enough, and only their number is reported."""
    policy = replace(BINARY, slices=(("each",), ("device",)), minimum_rows=50)
    each = {"each": [f"value {i}" for i in range(N)]}
    result = read(rows(N, 1) | each, rows(N, 2) | each, policy)
    table = result.tables["each",]
    assert (table.keys, table.small_cells, table.small_rows) == ([], N, N)
    assert len(result.tables["device",].keys) == 3


def test_changed_rows_are_ordered_and_redacted(read: Read) -> None:
    """Flipped decisions come first, then the largest changes; values of masked and hashed columns are redacted."""
    from hashlib import sha256

    first, second = rows(N, 1), rows(N, 2)
    policy = replace(
        BINARY, changed=Changed(rows=9, show=("device", "country", "user"), mask=("country", "y"), hash=("user",))
    )
    result = read(first, second | {"y": second["y"]}, policy)
    flipped = (first["s"] >= 0.5) != (second["s"] >= 0.5)
    order = np.lexsort((-np.abs(second["s"] - first["s"]), ~flipped))[:9]
    assert [row["id"] for row in result.changed_rows] == [str(i) for i in order]
    for row, i in zip(result.changed_rows, order, strict=True):
        assert (row["device"], row["country"], row["label"]) == (first["device"][i], "***", "***")
        assert row["user"] == sha256(str(first["user"][i]).encode()).hexdigest()[:12]
        assert (row["baseline"], row["candidate"]) == (first["s"][i], second["s"][i])
        assert (row["baseline decision"], row["candidate decision"]) == tuple(
            str(int(side["s"][i] >= 0.5)) for side in (first, second)
        )
    assert read(first, first, policy).changed_rows == []


def test_changed_rows_have_class_names_and_labels_of_a_file(read: Read) -> None:
    """Rows have the class names of the policy, the label of the file, and a column of the candidate partial."""
    first, second = ({k: v for k, v in rows(N, seed).items() if k != "y"} for seed in (1, 2))
    label = rows(N, 1)["y"]
    labels = {"id": np.arange(N), "y": ["yes" if v else "no" for v in label]}
    second["note"] = [f"n{i}" for i in range(N)]
    policy = replace(BINARY, classes=("no", "yes"), changed=Changed(rows=3, show=("note",)))
    for row in read(first, second, policy, labels).changed_rows:
        i = int(row["id"])
        assert (row["label"], row["note"]) == ("yes" if label[i] else "no", f"n{i}")
        assert row["candidate decision"] == ("yes" if second["s"][i] >= 0.5 else "no")


def test_unknown_column_to_redact_is_an_error(read: Read) -> None:
    """A typing error in `mask` would reveal the column, so it is an error with the nearest name."""
    from ghmlops.core.errors import DataError, PolicyError

    policy = replace(BINARY, changed=Changed(rows=3, show=("device",), mask=("devices",)))
    with pytest.raises(PolicyError, match='"devices", which is not among') as excinfo:
        read(rows(N, 1), rows(N, 2), policy)
    assert "device" in excinfo.value.hint
    with pytest.raises(DataError, match='no column "nope"'):
        read(rows(N, 1), rows(N, 2), replace(BINARY, changed=Changed(rows=3, show=("nope",))))


@pytest.mark.parametrize("noise", [0.1, 3.0])
def test_bins_give_the_outcomes_of_exact_scores(noise: float, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limit of exact rows the outcomes are the same, and the values differ by less than 2e-3."""
    first, second = rows(6000, 1), rows(6000, 2, noise=noise)
    exact = judge_observations([read(first, second)], BINARY)
    monkeypatch.setattr(summing, "MAX_EXACT_ROWS", 10)
    monkeypatch.setattr(regression, "needs_rows", lambda *_: False)
    result = read(first, second)
    assert (result.columns, result.grid is None) == (None, False)
    binned = judge_observations([result], BINARY)
    outcomes = [{f.metric: f.outcome for f in j.findings} for j in (exact, binned)]
    assert outcomes[0] == outcomes[1]
    for exact_row, binned_row in zip(exact.details.metrics, binned.details.metrics, strict=True):
        assert exact_row.candidate == pytest.approx(binned_row.candidate, abs=2e-3), exact_row.metric


def test_scores_are_read_if_bins_cannot_decide(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the verdict depends on the error of the bins, the scores are read too, without cells."""
    monkeypatch.setattr(summing, "MAX_EXACT_ROWS", 10)
    monkeypatch.setattr(regression, "needs_rows", lambda *_: True)
    calls = []

    def record(*args: Any, **kwargs: Any) -> Any:
        calls.append(kwargs)
        return scores.read_columns(*args, **kwargs)

    monkeypatch.setattr(summing, "read_columns", record)
    result = read(rows(N, 1), rows(N, 2))
    assert result.columns
    assert result.grid
    assert [k["codes"] for k in calls] == [{}]
    assert len(result.columns.label) == N


def test_regression_with_too_many_rows_lists_what_is_not_measured(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quantile, which needs the rows, is listed as not measured; other metrics are measured."""
    monkeypatch.setattr(summing, "MAX_EXACT_ROWS_REGRESSION", 10)
    policy = Regression(task="regression", key=("id",), label="y", prediction="p")
    judged = judge_observations([read(values(N, 1), values(N, 2), policy)], policy)
    assert {"rmse", "mae"} < {row.metric for row in judged.details.metrics}
    assert any("too many rows" in n.why for n in judged.not_measured)


def test_conflicting_times_are_counted_without_slice_conflicts(read: Read) -> None:
    """A time that differs within the same day, and a time that one side lacks, are conflicts of the time only."""
    policy = replace(BINARY, time="t", window="1d", slices=(("device",),), minimum_rows=1)
    second = rows(N, 2)
    times = second["t"].to_pylist()
    times[4], times[5] = times[4] + timedelta(seconds=1), None
    result = read(rows(N, 1), second | {"t": pa.array(times, second["t"].type)}, policy)
    assert result.facts.pairs
    assert (result.facts.pairs.time_conflicts, result.facts.pairs.slice_conflicts) == (2, {"device": 0})


@pytest.mark.parametrize("task", ["regression", "ranking", "embedding", "multiclass"])
def test_every_task_supports_slices_groups_and_changed_rows(task: str, read: Read) -> None:
    """Every task can be judged with slices, windows, groups, features and changed rows together."""
    base = rows(N, 1)
    attributes = {"device": base["device"], "t": base["t"], "user": base["user"], "f": np.arange(N) % 50}
    sides = []
    for seed in (1, 2):
        score = rows(N, seed)["s"]
        vector = [[1 - x, x] for x in score]
        content = {"s": score, "p": score, "v": vector, "y": base["y"], "q": np.arange(N) // 12, "id": np.arange(N)}
        sides.append(content | attributes)
    policy = Regression(
        task=task,  # type: ignore[arg-type]
        key=("id",),
        label="" if task == "embedding" else "y",
        score="v" if task in ("embedding", "multiclass") else "s",
        prediction="p" if task == "regression" else "",
        query="q" if task == "ranking" else "",
        classes=("0", "1") if task == "multiclass" else (),
        slices=(("device",), ("device", "f"), ("f", "device")),
        features=("f",),
        time="t",
        window="1w",
        group="user",
        minimum_rows=5,
        changed=Changed(rows=4, show=("device",)),
    )
    result = read(*sides, policy)
    judged = judge_observations([result], policy)
    assert result.facts.pairs
    assert result.facts.pairs.usable == N
    assert {(), (WINDOW,), ("device",), ("f",), ("device", "f"), ("f", "device")} == set(result.tables)
    distances = [abs(float(row["change"])) for row in result.changed_rows]
    assert len(distances) == 4
    if task != "multiclass":  # its flipped decisions come first
        assert distances == sorted(distances, reverse=True)
    assert judged.details.metrics
    read(sides[0], sides[0], policy)
