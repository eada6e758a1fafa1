"""What real artifacts get wrong: each hazard is counted, and none becomes a pass."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from msgspec.structs import replace

from ghmlops.core.errors import DataError
from ghmlops.core.model import Outcome
from ghmlops.core.paired.aggregates import WINDOW
from ghmlops.core.policy.regression import Regression
from ghmlops.core.predictions.judgement import judge_observations
from prediction_artifacts import BINARY, rows, values

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.predictions.observation import Observation

    Read = Callable[..., Observation]

N = 400
NAIVE = datetime(2025, 3, 1, 23, 30)  # noqa: DTZ001  (a time without a zone is the point)
LATE = datetime(2025, 3, 5, 3, 0)  # noqa: DTZ001  (as above)


def findings(seen: Observation, policy: Regression = BINARY) -> dict[str, Outcome]:
    return {f.id: f.outcome for f in judge_observations([seen], policy).findings if f.id.startswith("contract-")}


def spoiled(column: str, change: dict[int, Any], seed: int = 2) -> dict[str, Any]:
    """Rows of the candidate with some values of a column replaced."""
    found = rows(N, seed)
    column_values = list(found[column])
    for place, value in change.items():
        column_values[place] = value
    return found | {column: column_values}


def test_clean_artifacts_in_another_order_keep_the_contract(read: Read) -> None:
    """The order of rows means nothing."""
    second = rows(N, 2)
    order = np.random.default_rng(0).permutation(N)
    seen = read(rows(N, 1), {name: np.array(second[name])[order] for name in ("id", "y", "s")})
    assert findings(seen) == {"contract-rows": Outcome.PASS}
    assert seen.facts.pairs
    assert (seen.facts.pairs.paired, seen.facts.pairs.usable) == (N, N)


def test_null_keys_are_counted_and_pair_with_nothing(read: Read) -> None:
    """A null key is neither removed nor added: it is a null key."""
    seen = read(spoiled("id", {3: None}, 1), spoiled("id", {3: None, 4: None}))
    assert (seen.facts.baseline.null_keys, seen.facts.candidate.null_keys) == (1, 2)
    assert Outcome.FAIL is findings(seen)["contract-null-key"]
    assert seen.facts.pairs
    assert (seen.facts.pairs.paired, seen.facts.pairs.removed, seen.facts.pairs.added) == (N - 2, 1, 0)


def test_repeated_keys_multiply_no_rows(read: Read) -> None:
    """Copies warn, copies that differ fail, and their rows are left out on both sides."""
    second = rows(N, 2)
    copied = {name: [*second[name], second[name][7]] for name in ("id", "y", "s")}
    seen = read(rows(N, 1), copied)
    assert (
        seen.facts.candidate.repeated_keys,
        seen.facts.candidate.repeated_rows,
        seen.facts.candidate.conflicting_keys,
    ) == (1, 2, 0)
    assert Outcome.WARN is findings(seen)["contract-repeated-key"]
    assert seen.facts.pairs
    assert (seen.facts.pairs.paired, seen.facts.pairs.removed, seen.facts.pairs.added) == (N - 1, 0, 0)
    copied["s"][-1] = 0.123
    assert Outcome.FAIL is findings(read(rows(N, 1), copied))["contract-repeated-key"]


def test_removed_and_added_rows_are_counted_and_say_whether_they_are_hard(read: Read) -> None:
    """The candidate has lost its hardest rows: unpaired it looks better, paired it is the same."""
    first = rows(4000, 1)
    wrong = (np.array(first["s"]) >= 0.5) != (first["y"] == 1)
    kept = np.flatnonzero(~wrong | (np.arange(4000) % 2 == 0))
    second = {name: np.array(first[name])[kept] for name in ("id", "y", "s")}
    seen = read(first, second)
    removed = next(f for f in judge_observations([seen], BINARY).findings if f.id == "contract-removed-rows")
    assert (Outcome.FAIL, 4000 - len(kept)) == (removed.outcome, removed.n)
    assert "and they are the hard ones: paired accuracy is unchanged, unpaired looks " in removed.reason
    assert removed.reason.endswith("points better.")
    added = read(rows(N, 1), rows(N, 2, shift=3))
    assert added.facts.pairs
    assert (added.facts.pairs.removed, added.facts.pairs.added) == (3, 3)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), None, -0.1, 1.1])
def test_one_unusable_score_fails_and_poisons_no_sum(bad: float | None, read: Read) -> None:
    """NaN, infinity, null and scores outside 0..1: left out, counted, and every number stays finite."""
    seen = read(rows(N, 1), spoiled("s", {5: bad}))
    judged = judge_observations([seen], BINARY)
    assert Outcome.FAIL in {f.outcome for f in judged.findings if f.id.startswith("contract-")}
    assert seen.facts.pairs
    assert seen.facts.pairs.usable == N - 1
    assert all(m.values["value"] is not None and 0 <= m.values["value"] < 10 for m in judged.measurements)
    assert Outcome.WARN in set(findings(read(spoiled("s", {5: bad}, 1), rows(N, 2))).values())


def test_no_usable_row_is_an_error(read: Read) -> None:
    """All scores null, or log-odds: nothing is compared, and that is no pass."""
    seen = read(rows(N, 1), rows(N, 2) | {"s": np.linspace(2, 9, N)})
    assert Outcome.ERROR is findings(seen)["contract-rows"]
    assert judge_observations([seen], BINARY).measurements == []


@pytest.mark.parametrize("side", [0, 1])
def test_zero_rows_are_an_error(side: int, read: Read) -> None:
    """A file with a schema and no rows passes nowhere."""
    empty = pa.table(rows(N, 1)).slice(0, 0)
    sides: list[Any] = [rows(N, 1), rows(N, 2)]
    sides[side] = {name: empty[name] for name in empty.column_names}
    assert findings(read(*sides)) == {"contract-empty": Outcome.ERROR}


def test_a_text_key_is_never_cast_to_a_number(read: Read) -> None:
    """String key against integer key: an error that names both types."""
    seen = read(rows(N, 1), rows(N, 2) | {"id": [str(i) for i in range(N)]})
    (finding,) = judge_observations([seen], BINARY).findings
    assert (finding.id, finding.outcome) == ("contract-key-type", Outcome.ERROR)
    assert "BIGINT in the baseline and VARCHAR in the candidate" in finding.reason


def test_integer_keys_of_other_widths_meet(read: Read) -> None:
    """32 and 64 bits, signed and unsigned, are one kind."""
    seen = read(rows(N, 1), rows(N, 2) | {"id": np.arange(N, dtype=np.uint64)})
    assert seen.facts.pairs
    assert seen.facts.pairs.paired == N


def test_composite_keys_pair_on_all_parts(read: Read) -> None:
    """Two columns, one of them text."""
    more = {"day": np.arange(N) % 20, "name": [f"n{i // 20}" for i in range(N)]}
    seen = read(rows(N, 1) | more, rows(N, 2) | more, replace(BINARY, key=("day", "name")))
    assert findings(seen) == {"contract-rows": Outcome.PASS}


def test_single_against_double_precision_is_noted_and_changes_nothing(read: Read) -> None:
    """The same scores as float32 and float64 are the same scores: no churn, no change, `intent: unchanged` holds."""
    first = rows(N, 1)
    first["s"] = np.round(first["s"], 2)
    policy = replace(BINARY, intent="unchanged", threshold=0.7)
    seen = read(first, first | {"s": first["s"].astype(np.float32)}, policy)
    judged = judge_observations([seen], policy)
    outcomes = {f.id: f.outcome for f in judged.findings}
    assert Outcome.PASS is outcomes["predictions-changed"]
    assert next(m for m in judged.measurements if m.id == "churn").values["value"] == 0.0
    assert "single precision" in next(f.reason for f in judged.findings if f.id == "contract-rows")


def test_intent_unchanged_fails_on_one_changed_prediction(read: Read) -> None:
    """A refactor that moves one score is not a refactor; a move within rounding is none."""
    first, policy = rows(N, 1), replace(BINARY, intent="unchanged")
    moved = first["s"].copy()
    moved[9] += 1e-6
    for scores, outcome in ((moved, Outcome.FAIL), (first["s"] + 1e-13, Outcome.PASS)):
        judged = judge_observations([read(first, first | {"s": scores}, policy)], policy)
        assert outcome is next(f.outcome for f in judged.findings if f.id == "predictions-changed")


def test_labels_that_differ_are_counted_and_left_out(read: Read) -> None:
    """Five flipped labels of 400 are more than 1 %."""
    first = rows(N, 1)
    label = first["y"].copy()
    label[:5] = 1 - label[:5]
    seen = read(first, rows(N, 2) | {"y": label})
    assert seen.facts.pairs
    assert (seen.facts.pairs.label_conflicts, seen.facts.pairs.labelled) == (5, N - 5)
    assert Outcome.FAIL is findings(seen)["contract-label-changed"]


def test_delayed_labels_are_said_and_no_labels_are_not_a_pass(read: Read) -> None:
    """Some labels missing: quality on the rest. All missing: inconclusive. One side may bring them alone."""
    second = rows(N, 2)
    some = [None if i < 100 else int(y) for i, y in enumerate(second["y"])]
    seen = read(rows(N, 1) | {"y": some}, second | {"y": some})
    judged = judge_observations([seen], BINARY)
    assert any("100 of 400" in n.why for n in judged.not_measured)
    assert {N - 100, N} == {m.n for m in judged.measurements}
    none = pa.array([None] * N, pa.int64())
    assert (
        Outcome.INCONCLUSIVE
        is findings(read(rows(N, 1) | {"y": none}, second | {"y": none}))["contract-labels-missing"]
    )
    alone = read(rows(N, 1), {name: second[name] for name in ("id", "s")})
    assert alone.facts.pairs
    assert alone.facts.pairs.labelled == N


def test_labels_may_come_from_a_third_file(read: Read) -> None:
    """Joined by key; its own hazards are counted like those of the sides."""
    first, second = rows(N, 1), rows(N, 2)
    sides = [{name: side[name] for name in ("id", "s")} for side in (first, second)]
    labels = {"id": [*range(N - 10), None, 3, 3], "y": [*first["y"][: N - 10], 1, 1, 0]}
    seen = read(*sides, BINARY, labels)
    assert seen.facts.labels
    assert (
        seen.facts.labels.null_keys,
        seen.facts.labels.repeated_keys,
        seen.facts.labels.conflicting_keys,
    ) == (1, 1, 1)
    assert seen.facts.pairs
    assert (seen.facts.pairs.usable, seen.facts.pairs.labelled) == (N - 1, N - 11)


@pytest.mark.parametrize(
    ("given", "classes"),
    [
        (lambda y: ["yes" if v else "no" for v in y], ("no", "yes")),
        (lambda y: [bool(v) for v in y], ()),
        (lambda y: [bool(v) for v in y], ("No", "YES")),
        (lambda y: [bool(v) for v in y], ("0", "1")),
        (lambda y: [not v for v in y], ("true", "False")),
        (lambda y: [not v for v in y], ("yes", "no")),
        (lambda y: [float(v) for v in y], ()),
        (lambda y: [1 if v else -1 for v in y], ("-1", "1")),
        (lambda y: ["a'b" if v else 'c"d' for v in y], ('c"d', "a'b")),
    ],
)
def test_labels_of_any_type_mean_the_same(given: Callable[..., Any], classes: tuple[str, ...], read: Read) -> None:
    """Text, booleans, floats and other numbers by `classes`, hostile quotes included."""
    first, second = rows(N, 1), rows(N, 2)
    expected = judge_observations([read(first, second)], BINARY).measurements
    policy = replace(BINARY, classes=classes)
    seen = read(first | {"y": given(first["y"])}, second | {"y": given(second["y"])}, policy)
    assert expected == judge_observations([seen], policy).measurements


def test_labels_that_are_no_class_fail_with_examples(read: Read) -> None:
    """A third class is counted, shown and left out."""
    seen = read(spoiled("y", {0: 2, 1: 7}, 1), rows(N, 2))
    finding = next(f for f in judge_observations([seen], BINARY).findings if f.id == "contract-label-values")
    assert (finding.outcome, finding.n) == (Outcome.FAIL, 2)
    assert "2, 7" in finding.reason


def test_text_labels_need_classes_and_numbers_need_numbers(read: Read) -> None:
    """Both are errors that say what to write in the policy."""
    text = {"y": ["yes"] * N}
    with pytest.raises(DataError, match="is text") as caught:
        read(rows(N, 1) | text, rows(N, 2) | text)
    assert "classes: [no, yes]" in caught.value.hint
    with pytest.raises(DataError, match="contains numbers"):
        read(rows(N, 1), rows(N, 2), replace(BINARY, classes=("no", "yes")))


@pytest.mark.parametrize("classes", [("ham", "spam"), ("no", "true"), ("yes", "true"), ("0.0", "1.0")])
def test_boolean_labels_are_not_guessed_from_names(classes: tuple[str, ...], read: Read) -> None:
    """Names that do not say which of them is True are refused; a guess would turn the labels around."""
    first, second = rows(N, 1), rows(N, 2)
    given = {"y": first["y"] == 1}
    with pytest.raises(DataError, match='"y" contains booleans') as caught:
        read(first | given, second | given, replace(BINARY, classes=classes))
    assert "[false, true]" in caught.value.hint


@pytest.mark.parametrize("classes", [("nan", "inf"), ("0", "nan"), ("0", "1e999")])
def test_numeric_classes_are_finite(classes: tuple[str, ...], read: Read) -> None:
    """What Python calls a number, and SQL does not, is an error of the input."""
    with pytest.raises(DataError, match="contains numbers") as caught:
        read(rows(N, 1), rows(N, 2), replace(BINARY, classes=classes))
    assert "finite" in caught.value.hint


def test_a_text_label_against_a_number_is_an_error(read: Read) -> None:
    """Labels are never cast."""
    policy = replace(BINARY, classes=("0", "1"))
    seen = read(rows(N, 1), rows(N, 2) | {"y": [str(v) for v in rows(N, 2)["y"]]}, policy)
    assert findings(seen, policy) == {"contract-label-type": Outcome.ERROR}


def test_a_stale_decision_column_is_a_warning(read: Read) -> None:
    """Decisions that contradict their scores are believed, and said."""
    first, second = rows(N, 1), rows(N, 2)
    policy = replace(BINARY, prediction="d")
    sides = [side | {"d": (side["s"] >= 0.5).astype(np.int64)} for side in (first, second)]
    assert findings(read(*sides, policy), policy) == {"contract-rows": Outcome.PASS}
    sides[1]["d"] = 1 - sides[1]["d"]
    seen = read(*sides, policy)
    assert seen.facts.candidate.stale_predictions == N
    assert Outcome.WARN is findings(seen, policy)["contract-stale-prediction"]


def test_one_class_leaves_auc_undecided_and_not_passed(read: Read) -> None:
    """An undefined metric is a finding."""
    ones = {"y": np.ones(N, dtype=np.int64)}
    judged = judge_observations([read(rows(N, 1) | ones, rows(N, 2) | ones)], BINARY)
    auc = next(f for f in judged.findings if f.metric == "auc")
    assert (auc.outcome, auc.baseline) == (Outcome.INCONCLUSIVE, None)
    assert "undefined" in auc.reason


def test_naive_times_are_utc_and_a_mixed_pair_warns(read: Read) -> None:
    """Naive on both sides is noted; naive against zoned is a warning, and the windows are the same."""
    policy = replace(BINARY, time="t", window="1h", minimum_rows=1)
    naive = pa.array([NAIVE] * N, pa.timestamp("us"))
    zoned = pa.array([NAIVE] * N, pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))
    seen = read(rows(N, 1) | {"t": naive}, rows(N, 2) | {"t": zoned}, policy)
    assert Outcome.WARN is findings(seen, policy)["contract-column-type"]
    assert seen.tables[WINDOW,].keys == [("2025-03-01T23:00:00Z",)]
    seen = read(rows(N, 1) | {"t": naive}, rows(N, 2) | {"t": naive}, policy)
    assert findings(seen, policy) == {"contract-rows": Outcome.PASS}


@pytest.mark.parametrize(("window", "start"), [("1d", "2025-03-05"), ("1w", "2025-03-03"), ("1mo", "2025-03-01")])
def test_windows_follow_the_calendar_in_utc(window: str, start: str, read: Read) -> None:
    """A time late in another zone belongs to the next day in UTC; weeks begin on Monday."""
    policy = replace(BINARY, time="t", window=window, minimum_rows=1)
    late = pa.array([LATE] * N, pa.timestamp("us")).cast(pa.timestamp("us", tz="America/New_York"))
    seen = read(rows(N, 1) | {"t": late}, rows(N, 2) | {"t": late}, policy)
    assert [(start,)] == seen.tables[WINDOW,].keys


def test_a_slice_or_window_that_the_candidate_lost_is_a_failure(read: Read) -> None:
    """All tablets and one day are missing from the candidate."""
    policy = replace(BINARY, slices=(("device",),), time="t", window="1d", minimum_rows=50)
    first, second = rows(4000, 1), rows(4000, 2)
    days = np.array([t.as_py().day for t in first["t"]])
    kept = np.flatnonzero((np.array(first["device"]) != "tablet") & (days != 4))
    lost = {name: np.array(second[name])[kept] for name in ("id", "y", "s")}
    judged = judge_observations([read(first, lost, policy)], policy)
    missing = {f.id: (f.slice, f.window) for f in judged.findings if f.id.endswith("-missing")}
    assert missing == {"slice-missing": ({"device": "tablet"}, None), "window-missing": ({}, "2025-03-04")}


def test_null_and_changed_slice_values(read: Read) -> None:
    """A null is a slice of its own; a value that differs between the sides is counted, the baseline's is used."""
    policy = replace(BINARY, slices=(("device",),), minimum_rows=1)
    seen = read(spoiled("device", dict.fromkeys(range(40)), 1), rows(N, 2), policy)
    assert None in {key[0] for key in seen.tables["device",].keys}
    assert seen.facts.pairs
    assert seen.facts.pairs.slice_conflicts == {"device": 40}
    assert Outcome.FAIL is findings(seen, policy)["contract-slice-changed"]


@pytest.mark.parametrize(
    "column",
    [
        'a"b',
        "a'b",
        "a|b",
        "x; DROP TABLE pairs; --",
        "**bold** [x](http://e)",
        "<script>",
        "::error::x",
        "a b\tc",
        "ok",
    ],
)
def test_hostile_column_names_and_values_are_data(column: str, read: Read) -> None:
    """Quotes, SQL, Markdown, HTML and workflow commands as column names, slice values, keys and labels."""
    names = {"id": f"{column} id", "y": f"{column} y", "s": f"{column} s", "device": f"{column} device"}
    first, second = ({names[c]: rows(N, seed)[c] for c in names} for seed in (1, 2))
    for side in (first, second):
        side[names["device"]] = [column + "\n" + str(d) for d in side[names["device"]]]
        side["never\nused"] = list(range(N))
    policy = Regression(
        task="binary",
        key=(names["id"],),
        label=names["y"],
        score=names["s"],
        slices=((names["device"],),),
        minimum_rows=5,
    )
    seen = read(first, second, policy)
    assert findings(seen, policy) == {"contract-rows": Outcome.PASS}
    assert {f"{column}\n{d}" for d in ("phone", "desktop", "tablet")} == {
        key[0] for key in seen.tables[names["device"],].keys
    }


def test_slice_values_of_every_type_fit_json(read: Read) -> None:
    """Dates, decimals, huge integers, NaN, bytes, lists and very long text."""
    import json
    from decimal import Decimal

    more = {
        "date": [NAIVE.date()] * N,
        "decimal": [Decimal("1.50")] * N,
        "huge": pa.array([2**64 - 1] * N, pa.uint64()),
        "nan": [float("nan")] * N,
        "bytes": [b"\xff\x00"] * N,
        "list": [[1, 2]] * N,
        "long": ["x" * 5000] * N,
        "flag": [True] * N,
    }
    policy = replace(BINARY, slices=tuple((name,) for name in more), minimum_rows=5)
    seen = read(rows(N, 1) | more, rows(N, 2) | more, policy)
    found = {name: seen.tables[name,].keys[0][0] for name in more}
    assert (found["date"], found["decimal"], found["nan"], found["flag"]) == ("2025-03-01", "1.50", "nan", True)
    assert len(str(found["long"])) < 250
    assert json.dumps(found, allow_nan=False)


def test_a_thousand_columns_are_no_burden(read: Read) -> None:
    """Only the columns in use are read; the others are named briefly."""
    wide = {f"f{i}": [0] * N for i in range(1000)}
    seen = read(rows(N, 1) | wide, rows(N, 2))
    assert "and 995 more" in next(
        f.reason for f in judge_observations([seen], BINARY).findings if f.id == "contract-rows"
    )


def test_a_missing_column_is_named_with_its_side_and_the_nearest(read: Read) -> None:
    """On either side, among many columns too."""
    second = rows(N, 2)
    second["scor"] = second.pop("s")
    with pytest.raises(DataError, match='the candidate has no column "score"') as caught:
        read(rows(N, 1) | {"score": rows(N, 1)["s"]}, second, replace(BINARY, score="score"))
    assert "did you mean `scor`" in caught.value.hint
    with pytest.raises(DataError, match='the baseline has no column "nope"'):
        read(rows(N, 1), rows(N, 2), replace(BINARY, slices=(("nope",),)))
    with pytest.raises(DataError, match='the file of labels has no column "y"'):
        read(rows(N, 1), rows(N, 2), BINARY, {"id": [1]})
    wide = {f"f{i}": [0] * N for i in range(1000)}
    with pytest.raises(DataError) as caught:
        read(rows(N, 1) | wide, rows(N, 2), replace(BINARY, label="f17x"))
    assert len(caught.value.hint) < 400


@pytest.mark.parametrize(
    ("change", "policy", "said"),
    [
        ({"s": ["high"] * N}, BINARY, 'column "s" of type VARCHAR cannot be a score'),
        ({"id": [[i] for i in range(N)]}, BINARY, "cannot be a key"),
        ({"id": np.arange(N) / 3}, BINARY, "type DOUBLE cannot be a key"),
        ({"t": ["2025-03-01"] * N}, replace(BINARY, time="t"), "cannot be the time"),
        ({"y": [[0]] * N}, BINARY, "cannot be a label"),
    ],
)
def test_columns_of_unusable_types_are_errors(
    change: dict[str, Any], policy: Regression, said: str, read: Read
) -> None:
    """The file, the column and its type are named."""
    with pytest.raises(DataError, match=said):
        read(rows(N, 1) | change, rows(N, 2) | change, policy)


def test_a_regression_with_unusable_values_stays_finite(read: Read) -> None:
    """NaN labels and infinite predictions are counted and left out."""
    policy = Regression(task="regression", key=("id",), label="y", prediction="p")
    first, second = values(N, 1), values(N, 2)
    second["p"][3] = np.inf
    first["y"] = first["y"].copy()
    first["y"][4] = np.nan
    second["y"] = first["y"]
    seen = read(first, second, policy)
    judged = judge_observations([seen], policy)
    assert {"contract-unusable-prediction", "contract-label-values", "contract-rows"} == set(findings(seen, policy))
    assert all(m.values["value"] is not None for m in judged.measurements)
