"""How rows are cut: slices, features, windows, groups, and the plans by which that is counted."""

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
from prediction_artifacts import BINARY, START, rows, values

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.paired.aggregates import CellTable
    from ghmlops.core.predictions.observation import Observation

    Read = Callable[..., Observation]

N = 1200


def told(table: CellTable) -> dict[Any, Any]:
    """A table by key, whatever the order of its entries."""
    counts, found = table.counts, dict[Any, Any]()
    for place, key in enumerate(table.keys):
        found[key] = {
            kind: tuple(getattr(c, f)[place] for f in ("n", "a", "d", "dd")) for kind, c in table.sums.items()
        }
        if counts is not None:
            chosen = np.flatnonzero(counts.cell == place)
            found[key]["counts"] = sorted(
                zip(
                    counts.label[chosen],
                    counts.baseline[chosen],
                    counts.candidate[chosen],
                    counts.n[chosen],
                    strict=True,
                )
            )
    return found | {
        "rest": (table.small_cells, table.small_rows, sorted(table.missing_cells, key=str), table.new_cells)
    }


def test_attributes_that_are_too_many_together_are_counted_one_by_one(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both plans give the same tables: windows, crossed slices, small, lost and new cells."""
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
    kept = np.flatnonzero(np.array(first["device"]) != "tablet")
    second = {k: pa.array(v).take(pa.array(kept)) for k, v in second.items()}
    first["user"] = np.where(np.arange(N) > 900, -1, first["user"])
    shared = read(first, second, policy)
    monkeypatch.setattr(reading, "has_too_many_combinations", lambda _: True)
    single = read(first, second, policy)
    assert set(shared.tables) == set(single.tables)
    for cut, table in shared.tables.items():
        assert _alike(told(table), told(single.tables[cut]))
    assert shared.facts.pairs == single.facts.pairs
    assert shared.changes == single.changes


def _alike(one: dict[Any, Any], other: dict[Any, Any]) -> bool:
    assert set(one) == set(other)
    for key, value in one.items():
        if key == "rest":
            assert value == other[key]
            continue
        for kind, numbers in value.items():
            if kind == "counts":
                assert numbers == other[key][kind]
            else:
                assert numbers == pytest.approx(other[key][kind], rel=1e-9, abs=1e-12, nan_ok=True)
    return True


def test_a_slice_column_of_one_side_cuts_both(read: Read) -> None:
    """Only the baseline has it, or only the candidate: the pairs are cut by it all the same."""
    policy = replace(BINARY, slices=(("device",), ("country",), ("device", "country")), minimum_rows=1)
    first, second = rows(N, 1), rows(N, 2)
    del second["device"], first["country"]
    seen, plain = read(first, second, policy), read(rows(N, 1), rows(N, 2), policy)
    for cut in (("device",), ("country",), ("device", "country")):
        assert _alike(told(seen.tables[cut]), told(plain.tables[cut]))
    assert seen.facts.pairs
    assert seen.facts.pairs.slice_conflicts == {}


def test_the_time_of_the_candidate_alone_makes_windows(read: Read) -> None:
    """And how many rows have none is counted from it."""
    policy = replace(BINARY, time="t", window="1d", slices=(("device",),), minimum_rows=1)
    first, second = rows(N, 1), rows(N, 2)
    del first["t"]
    second["t"] = pa.array([None, *second["t"].to_pylist()[1:]], second["t"].type)
    seen = read(first, second, policy)
    assert len(seen.tables[WINDOW,].keys) == 14
    assert seen.facts.pairs
    assert seen.facts.pairs.windows_without_time == 1


@pytest.mark.parametrize(
    ("window", "starts"),
    [
        ("1h", ["2024-12-31T23:00:00Z", "2025-01-01T00:00:00Z"]),
        ("1d", ["2024-12-31", "2025-01-01"]),
        ("1w", ["2024-12-30"]),
        ("1mo", ["2024-12-01", "2025-01-01"]),
    ],
)
def test_windows_of_times_in_zones_units_and_dates(window: str, starts: list[str], read: Read) -> None:
    """The same moments in another zone, in seconds or nanoseconds, before 1970 too, fall in the same windows of UTC."""
    moments = [datetime(2024, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2025, 1, 1, 0, 0, 1, tzinfo=UTC)] * (N // 2)
    policy = replace(BINARY, time="t", window=window, minimum_rows=1)
    types = (pa.timestamp("ms", tz="Asia/Tokyo"), pa.timestamp("ns", tz="UTC"), pa.timestamp("us", tz="-08:00"))
    for given in types:
        time = {"t": pa.array(moments, pa.timestamp("us", tz="UTC")).cast(given)}
        seen = read(rows(N, 1) | time, rows(N, 2) | time, policy)
        assert [key[0] for key in seen.tables[WINDOW,].keys] == starts


def test_old_times_and_dates_have_windows(read: Read) -> None:
    """Before the epoch; a date is the day's first moment."""
    policy = replace(BINARY, time="t", window="1w", minimum_rows=1)
    days = pa.array([datetime(1969, 12, 30, tzinfo=UTC).date()] * N)
    seen = read(rows(N, 1) | {"t": days}, rows(N, 2) | {"t": days}, policy)
    assert [key[0] for key in seen.tables[WINDOW,].keys] == ["1969-12-29"]


def test_groups_of_one_side_are_the_groups_of_the_pairs(read: Read) -> None:
    """Only the candidate knows the user: clusters are the same as if both did; rows without one stand alone."""
    policy = replace(BINARY, group="user", slices=(("device",),), minimum_rows=10)
    first, second = rows(N, 1), rows(N, 2)
    plain = judge_observations([read(first, second, policy)], policy)
    less = {k: v for k, v in first.items() if k != "user"}
    seen = read(less, second, policy)
    found = judge_observations([seen], policy)
    assert [(f.id, f.metric, f.change) for f in plain.findings] == [(f.id, f.metric, f.change) for f in found.findings]
    users = [None if i < 7 else int(u) for i, u in enumerate(second["user"])]
    alone = read(less, second | {"user": users}, policy)
    assert alone.facts.pairs
    assert alone.facts.pairs.ungrouped == 7
    assert alone.columns
    assert alone.columns.group is not None
    assert len(np.unique(alone.columns.group)) == len(set(users)) - 1 + 7


def test_features_are_counted_in_the_same_bins_on_both_sides(read: Read) -> None:
    """Heavy tails, constants, NaN and infinities, integers, booleans, text of many values: nothing is lost."""
    own = np.random.default_rng(9)
    tail = own.standard_cauchy(N) * 1e6
    odd = own.normal(size=N)
    odd[:3] = np.nan, np.inf, -np.inf
    more = {
        "tail": tail,
        "constant": np.full(N, 7.5),
        "odd": odd,
        "null": pa.array([None] * N, pa.float64()),
        "whole": own.integers(-5, 5, N),
        "flag": own.random(N) < 0.2,
        "words": [f"w{i}" for i in range(N)],
        "big": np.full(N, 1e300),
    }
    policy = replace(BINARY, features=tuple(more), search=3, minimum_rows=20)
    other = more | {"tail": tail * 2, "words": [f"w{i % 1100}" for i in range(N)]}
    seen = read(rows(N, 1) | more, rows(N, 2) | other, policy)
    found = {d.column: d for d in seen.features}
    assert set(found) == set(more)
    for d in found.values():
        assert (d.baseline.sum() + d.missing[0], d.candidate.sum() + d.missing[1]) == (N, N)
    assert (found["odd"].missing, found["null"].missing) == ((3, 3), (N, N))
    assert found["words"].values is not None
    assert "(others)" in found["words"].values
    for name in ("tail", "odd", "whole"):
        edges = found[name].edges
        assert edges is not None
        assert np.all(np.diff(edges) > 0)
        kept = np.asarray(more[name], dtype=float)
        kept = np.sort(kept[np.isfinite(kept)])
        below = np.searchsorted(kept, edges[1:-1], side="left")
        assert below == pytest.approx(np.cumsum(found[name].baseline)[:-1], abs=2)
    searched = {cut for cut in seen.tables if len(cut) == 1}
    assert {(name,) for name in more if name != "words"} == searched
    assert any("words" in n.why for n in not_measured(seen.facts, group=False, windows=False))
    assert len(seen.tables["tail",].keys) == 4
    judged = judge_observations([seen], policy)
    assert judged.details["drift"]


def test_the_search_cuts_by_all_columns_and_their_pairs(read: Read) -> None:
    """Declared columns stay as they are, features are binned; no cut twice; one side's feature is said."""
    policy = replace(BINARY, slices=(("device",), ("country", "device")), features=("user", "f", "g"), minimum_rows=5)
    more = {"f": np.arange(N) % 7, "g": np.arange(N) * 1.5}
    seen = read(rows(N, 1) | more, rows(N, 2) | {"f": more["f"]}, policy)
    names = ("device", "country", "user", "f")
    cuts = {frozenset(c) for c in seen.tables if c}
    assert cuts == {frozenset((n,)) for n in names} | {frozenset(p) for p in itertools.combinations(names, 2)}
    assert len(cuts) == len([c for c in seen.tables if c])
    assert '"g" (baseline)' in next(
        f.reason for f in judge_observations([seen], policy).findings if f.id == "contract-rows"
    )
    plain = replace(policy, slices=(("f",),), features=("f",))
    seen = read(rows(N, 1) | more, rows(N, 2) | more, plain)
    assert {key[0] for key in seen.tables["f",].keys} == set(range(7))


def test_a_slice_of_very_many_values_is_only_counted(read: Read) -> None:
    """Every row its own slice: none is large enough, and that is a number, not a table."""
    policy = replace(BINARY, slices=(("each",), ("device",)), minimum_rows=50)
    each = {"each": [f"value {i}" for i in range(N)]}
    seen = read(rows(N, 1) | each, rows(N, 2) | each, policy)
    table = seen.tables["each",]
    assert (table.keys, table.small_cells, table.small_rows) == ([], N, N)
    assert len(seen.tables["device",].keys) == 3


def test_changed_rows_come_with_their_keys_and_hide_what_is_to_be_hidden(read: Read) -> None:
    """Other decisions first, then the largest change; masked and hashed columns show nothing of their values."""
    from hashlib import sha256

    first, second = rows(N, 1), rows(N, 2)
    policy = replace(
        BINARY, changed=Changed(rows=9, show=("device", "country", "user"), mask=("country", "y"), hash=("user",))
    )
    seen = read(first, second | {"y": second["y"]}, policy)
    flipped = (first["s"] >= 0.5) != (second["s"] >= 0.5)
    order = np.lexsort((-np.abs(second["s"] - first["s"]), ~flipped))[:9]
    assert [row["id"] for row in seen.changed_rows] == [str(i) for i in order]
    for row, i in zip(seen.changed_rows, order, strict=True):
        assert (row["device"], row["country"], row["label"]) == (first["device"][i], "***", "***")
        assert row["user"] == sha256(str(first["user"][i]).encode()).hexdigest()[:12]
        assert (row["baseline"], row["candidate"]) == (first["s"][i], second["s"][i])
        assert (row["baseline decision"], row["candidate decision"]) == tuple(
            str(int(side["s"][i] >= 0.5)) for side in (first, second)
        )
    assert read(first, first, policy).changed_rows == []


def test_changed_rows_name_classes_and_labels_of_a_file(read: Read) -> None:
    """Names of the policy's classes; the label from the file; a column that only the candidate has."""
    first, second = ({k: v for k, v in rows(N, seed).items() if k != "y"} for seed in (1, 2))
    label = rows(N, 1)["y"]
    labels = {"id": np.arange(N), "y": ["yes" if v else "no" for v in label]}
    second["note"] = [f"n{i}" for i in range(N)]
    policy = replace(BINARY, classes=("no", "yes"), changed=Changed(rows=3, show=("note",)))
    for row in read(first, second, policy, labels).changed_rows:
        i = int(row["id"])
        assert (row["label"], row["note"]) == ("yes" if label[i] else "no", f"n{i}")
        assert row["candidate decision"] == ("yes" if second["s"][i] >= 0.5 else "no")


def test_a_slip_in_what_is_to_be_hidden_is_an_error(read: Read) -> None:
    """It would show what should not be seen."""
    from ghmlops.core.errors import DataError, PolicyError

    policy = replace(BINARY, changed=Changed(rows=3, show=("device",), mask=("devices",)))
    with pytest.raises(PolicyError, match='"devices", which is not among') as caught:
        read(rows(N, 1), rows(N, 2), policy)
    assert "device" in caught.value.hint
    with pytest.raises(DataError, match='no column "nope"'):
        read(rows(N, 1), rows(N, 2), replace(BINARY, changed=Changed(rows=3, show=("nope",))))


@pytest.mark.parametrize("noise", [0.1, 3.0])
def test_bins_give_the_verdicts_of_the_rows(noise: float, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit of exact rows the outcomes are the same, and the values within the stated bound."""
    first, second = rows(6000, 1), rows(6000, 2, noise=noise)
    exact = judge_observations([read(first, second)], BINARY)
    monkeypatch.setattr(summing, "MAX_EXACT_ROWS", 10)
    monkeypatch.setattr(regression, "needs_rows", lambda *_: False)
    seen = read(first, second)
    assert (seen.columns, seen.grid is None) == (None, False)
    binned = judge_observations([seen], BINARY)
    outcomes = [{f.metric: f.outcome for f in j.findings} for j in (exact, binned)]
    assert outcomes[0] == outcomes[1]
    for one, other in zip(exact.details["metrics"], binned.details["metrics"], strict=True):
        assert one["candidate"] == pytest.approx(other["candidate"], abs=2e-3), one["metric"]


def test_scores_are_read_after_all_where_bins_leave_a_verdict_open(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """The margin lies within the bound of the bins."""
    monkeypatch.setattr(summing, "MAX_EXACT_ROWS", 10)
    monkeypatch.setattr(regression, "needs_rows", lambda *_: True)
    calls = []

    def noted(*given: Any, **named: Any) -> Any:
        calls.append(named)
        return scores.read_columns(*given, **named)

    monkeypatch.setattr(summing, "read_columns", noted)
    seen = read(rows(N, 1), rows(N, 2))
    assert seen.columns
    assert seen.grid
    assert [k["codes"] for k in calls] == [{}]
    assert len(seen.columns.label) == N


def test_a_regression_of_very_many_rows_says_what_it_lacks(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quantile needs the rows: it is listed, the rest is measured."""
    monkeypatch.setattr(summing, "MAX_EXACT_ROWS_REGRESSION", 10)
    policy = Regression(task="regression", key=("id",), label="y", prediction="p")
    judged = judge_observations([read(values(N, 1), values(N, 2), policy)], policy)
    assert {"rmse", "mae"} < {row["metric"] for row in judged.details["metrics"]}
    assert any("too many rows" in n.why for n in judged.not_measured)


def test_a_moved_time_is_counted_though_no_slice_moved(read: Read) -> None:
    """One time of another second within the same day; one that one side lacks."""
    policy = replace(BINARY, time="t", window="1d", slices=(("device",),), minimum_rows=1)
    second = rows(N, 2)
    moved = second["t"].to_pylist()
    moved[4], moved[5] = moved[4] + timedelta(seconds=1), None
    seen = read(rows(N, 1), second | {"t": pa.array(moved, second["t"].type)}, policy)
    assert seen.facts.pairs
    assert (seen.facts.pairs.time_conflicts, seen.facts.pairs.slice_conflicts) == (2, {"device": 0})
    assert START.day == 1


@pytest.mark.parametrize("task", ["regression", "ranking", "embedding", "multiclass"])
def test_every_task_is_cut_grouped_and_shows_its_changed_rows(task: str, read: Read) -> None:
    """Slices, windows, groups, features and changed rows together; each is judged without an error."""
    base = rows(N, 1)
    world = {"device": base["device"], "t": base["t"], "user": base["user"], "f": np.arange(N) % 50}
    sides = []
    for seed in (1, 2):
        score = rows(N, seed)["s"]
        vector = [[1 - x, x] for x in score]
        own = {"s": score, "p": score, "v": vector, "y": base["y"], "q": np.arange(N) // 12, "id": np.arange(N)}
        sides.append(own | world)
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
    seen = read(*sides, policy)
    judged = judge_observations([seen], policy)
    assert seen.facts.pairs
    assert seen.facts.pairs.usable == N
    assert {(), (WINDOW,), ("device",), ("f",), ("device", "f"), ("f", "device")} == set(seen.tables)
    apart = [abs(float(row["change"])) for row in seen.changed_rows]
    assert len(apart) == 4
    if task != "multiclass":  # there, other decisions come first
        assert apart == sorted(apart, reverse=True)
    assert judged.details["metrics"]
    read(sides[0], sides[0], policy)
