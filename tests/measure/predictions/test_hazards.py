"""Faults of real artifacts: each one is counted, and no fault leads to a pass."""

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
NAIVE = datetime(2025, 3, 1, 23, 30)  # noqa: DTZ001  (tests times without a zone)
LATE = datetime(2025, 3, 5, 3, 0)  # noqa: DTZ001  (tests times without a zone)


def findings(result: Observation, policy: Regression = BINARY) -> dict[str, Outcome]:
    return {f.id: f.outcome for f in judge_observations([result], policy).findings if f.id.startswith("contract-")}


def with_values(column: str, values: dict[int, Any], seed: int = 2) -> dict[str, Any]:
    """Return rows of a scorer with some values of a column replaced, by index."""
    content = rows(N, seed)
    column_values = list(content[column])
    for index, value in values.items():
        column_values[index] = value
    return content | {column: column_values}


def test_order_of_rows_does_not_matter(read: Read) -> None:
    """Artifacts without faults pass the contract, and all rows are paired in any order."""
    second = rows(N, 2)
    order = np.random.default_rng(0).permutation(N)
    result = read(rows(N, 1), {name: np.array(second[name])[order] for name in ("id", "y", "s")})
    assert findings(result) == {"contract-rows": Outcome.PASS}
    assert result.facts.pairs
    assert (result.facts.pairs.paired, result.facts.pairs.usable) == (N, N)


def test_null_keys_are_counted_and_not_paired(read: Read) -> None:
    """A row with a null key counts as a null key, neither as removed nor as added, and fails."""
    result = read(with_values("id", {3: None}, 1), with_values("id", {3: None, 4: None}))
    assert (result.facts.baseline.null_keys, result.facts.candidate.null_keys) == (1, 2)
    assert Outcome.FAIL is findings(result)["contract-null-key"]
    assert result.facts.pairs
    assert (result.facts.pairs.paired, result.facts.pairs.removed, result.facts.pairs.added) == (N - 2, 1, 0)


def test_repeated_keys_are_excluded_from_the_pairs(read: Read) -> None:
    """Identical copies are a warning, conflicting ones a failure; their rows are excluded on both sides."""
    second = rows(N, 2)
    content = {name: [*second[name], second[name][7]] for name in ("id", "y", "s")}
    result = read(rows(N, 1), content)
    assert (
        result.facts.candidate.repeated_keys,
        result.facts.candidate.repeated_rows,
        result.facts.candidate.conflicting_keys,
    ) == (1, 2, 0)
    assert Outcome.WARN is findings(result)["contract-repeated-key"]
    assert result.facts.pairs
    assert (result.facts.pairs.paired, result.facts.pairs.removed, result.facts.pairs.added) == (N - 1, 0, 0)
    content["s"][-1] = 0.123
    assert Outcome.FAIL is findings(read(rows(N, 1), content))["contract-repeated-key"]


def test_removed_and_added_rows_are_counted_with_their_difficulty(read: Read) -> None:
    """Without its hardest rows the candidate has a better unpaired and the same paired accuracy; the reason says so."""
    first = rows(4000, 1)
    wrong = (np.array(first["s"]) >= 0.5) != (first["y"] == 1)
    indices = np.flatnonzero(~wrong | (np.arange(4000) % 2 == 0))
    second = {name: np.array(first[name])[indices] for name in ("id", "y", "s")}
    result = read(first, second)
    removed = next(f for f in judge_observations([result], BINARY).findings if f.id == "contract-removed-rows")
    assert (Outcome.FAIL, 4000 - len(indices)) == (removed.outcome, removed.n)
    assert result.facts.pairs
    paired_before, paired_after, all_before, all_after = result.facts.pairs.quality
    assert paired_before == paired_after
    assert all_before is not None
    assert all_after is not None
    assert all_after > all_before
    assert "harder" in removed.reason
    assert f"{100 * (all_after - all_before):.2f} points" in removed.reason
    added = read(rows(N, 1), rows(N, 2, shift=3))
    assert added.facts.pairs
    assert (added.facts.pairs.removed, added.facts.pairs.added) == (3, 3)


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -float("inf"), None, -0.1, 1.1])
def test_unusable_score_fails_and_is_excluded_from_sums(score: float | None, read: Read) -> None:
    """NaN, infinity, null and scores outside 0 to 1 are counted and excluded, and every number stays finite."""
    result = read(rows(N, 1), with_values("s", {5: score}))
    judged = judge_observations([result], BINARY)
    assert Outcome.FAIL in {f.outcome for f in judged.findings if f.id.startswith("contract-")}
    assert result.facts.pairs
    assert result.facts.pairs.usable == N - 1
    assert all(m.values["value"] is not None and 0 <= m.values["value"] < 10 for m in judged.measurements)
    assert Outcome.WARN in set(findings(read(with_values("s", {5: score}, 1), rows(N, 2))).values())


def test_without_usable_rows_the_outcome_is_error(read: Read) -> None:
    """If all scores are outside 0 to 1, nothing is compared and the outcome is error."""
    result = read(rows(N, 1), rows(N, 2) | {"s": np.linspace(2, 9, N)})
    assert Outcome.ERROR is findings(result)["contract-rows"]
    assert judge_observations([result], BINARY).measurements == []


@pytest.mark.parametrize("side", [0, 1])
def test_artifact_without_rows_is_an_error(side: int, read: Read) -> None:
    """A file with a schema and no rows is an error on either side."""
    empty = pa.table(rows(N, 1)).slice(0, 0)
    sides: list[Any] = [rows(N, 1), rows(N, 2)]
    sides[side] = {name: empty[name] for name in empty.column_names}
    assert findings(read(*sides)) == {"contract-empty": Outcome.ERROR}


def test_text_key_is_not_cast_to_a_number(read: Read) -> None:
    """A text key and an integer key are an error whose reason has both types."""
    result = read(rows(N, 1), rows(N, 2) | {"id": [str(i) for i in range(N)]})
    (finding,) = judge_observations([result], BINARY).findings
    assert (finding.id, finding.outcome) == ("contract-key-type", Outcome.ERROR)
    assert "BIGINT in the baseline and VARCHAR in the candidate" in finding.reason


def test_integer_keys_of_different_widths_are_paired(read: Read) -> None:
    """Signed and unsigned 64-bit keys are of the same kind."""
    result = read(rows(N, 1), rows(N, 2) | {"id": np.arange(N, dtype=np.uint64)})
    assert result.facts.pairs
    assert result.facts.pairs.paired == N


def test_composite_keys_pair_on_all_columns(read: Read) -> None:
    """A key of an integer and a text column pairs every row."""
    more = {"day": np.arange(N) % 20, "name": [f"n{i // 20}" for i in range(N)]}
    result = read(rows(N, 1) | more, rows(N, 2) | more, replace(BINARY, key=("day", "name")))
    assert findings(result) == {"contract-rows": Outcome.PASS}


def test_single_and_double_precision_scores_are_compared_at_single_precision(read: Read) -> None:
    """The same scores as float32 and float64 have no churn and pass `intent: unchanged`; the reason mentions it."""
    first = rows(N, 1)
    first["s"] = np.round(first["s"], 2)
    policy = replace(BINARY, intent="unchanged", threshold=0.7)
    result = read(first, first | {"s": first["s"].astype(np.float32)}, policy)
    judged = judge_observations([result], policy)
    outcomes = {f.id: f.outcome for f in judged.findings}
    assert Outcome.PASS is outcomes["predictions-changed"]
    assert next(m for m in judged.measurements if m.id == "churn").values["value"] == 0.0
    assert "single precision" in next(f.reason for f in judged.findings if f.id == "contract-rows")


def test_intent_unchanged_fails_for_one_changed_prediction(read: Read) -> None:
    """One score that changes by 1e-6 fails; changes of 1e-13, within the tolerance, pass."""
    first, policy = rows(N, 1), replace(BINARY, intent="unchanged")
    changed = first["s"].copy()
    changed[9] += 1e-6
    for scores, outcome in ((changed, Outcome.FAIL), (first["s"] + 1e-13, Outcome.PASS)):
        judged = judge_observations([read(first, first | {"s": scores}, policy)], policy)
        assert outcome is next(f.outcome for f in judged.findings if f.id == "predictions-changed")


def test_conflicting_labels_are_counted_and_excluded(read: Read) -> None:
    """Five conflicting labels of 400 are more than 1 %, fail, and leave 395 labelled rows."""
    first = rows(N, 1)
    label = first["y"].copy()
    label[:5] = 1 - label[:5]
    result = read(first, rows(N, 2) | {"y": label})
    assert result.facts.pairs
    assert (result.facts.pairs.label_conflicts, result.facts.pairs.labelled) == (5, N - 5)
    assert Outcome.FAIL is findings(result)["contract-label-changed"]


def test_missing_labels_are_listed_and_never_a_pass(read: Read) -> None:
    """Quality is measured on the labelled rows; without any label it is inconclusive; one side may have all labels."""
    second = rows(N, 2)
    partial = [None if i < 100 else int(y) for i, y in enumerate(second["y"])]
    result = read(rows(N, 1) | {"y": partial}, second | {"y": partial})
    judged = judge_observations([result], BINARY)
    assert any("100 of 400" in n.why for n in judged.not_measured)
    assert {N - 100, N} == {m.n for m in judged.measurements}
    nulls = pa.array([None] * N, pa.int64())
    assert (
        Outcome.INCONCLUSIVE
        is findings(read(rows(N, 1) | {"y": nulls}, second | {"y": nulls}))["contract-labels-missing"]
    )
    one_sided = read(rows(N, 1), {name: second[name] for name in ("id", "s")})
    assert one_sided.facts.pairs
    assert one_sided.facts.pairs.labelled == N


def test_labels_may_come_from_a_separate_file(read: Read) -> None:
    """The file is joined by key, and its null, repeated and conflicting keys are counted."""
    first, second = rows(N, 1), rows(N, 2)
    sides = [{name: side[name] for name in ("id", "s")} for side in (first, second)]
    labels = {"id": [*range(N - 10), None, 3, 3], "y": [*first["y"][: N - 10], 1, 1, 0]}
    result = read(*sides, BINARY, labels)
    assert result.facts.labels
    assert (
        result.facts.labels.null_keys,
        result.facts.labels.repeated_keys,
        result.facts.labels.conflicting_keys,
    ) == (1, 1, 1)
    assert result.facts.pairs
    assert (result.facts.pairs.usable, result.facts.pairs.labelled) == (N - 1, N - 11)


@pytest.mark.parametrize(
    ("convert", "classes"),
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
def test_labels_of_any_type_give_the_same_result(
    convert: Callable[..., Any], classes: tuple[str, ...], read: Read
) -> None:
    """Text with quotes, booleans, floats and other numbers are mapped by `classes`."""
    first, second = rows(N, 1), rows(N, 2)
    expected = judge_observations([read(first, second)], BINARY).measurements
    policy = replace(BINARY, classes=classes)
    result = read(first | {"y": convert(first["y"])}, second | {"y": convert(second["y"])}, policy)
    assert expected == judge_observations([result], policy).measurements


def test_labels_outside_the_classes_fail_with_examples(read: Read) -> None:
    """Labels of a third class are counted and excluded; the reason lists them."""
    result = read(with_values("y", {0: 2, 1: 7}, 1), rows(N, 2))
    finding = next(f for f in judge_observations([result], BINARY).findings if f.id == "contract-label-values")
    assert (finding.outcome, finding.n) == (Outcome.FAIL, 2)
    assert "2, 7" in finding.reason


def test_labels_must_match_the_type_of_the_classes(read: Read) -> None:
    """Text labels without classes, and numeric labels with text classes, are errors with a hint for the policy."""
    text = {"y": ["yes"] * N}
    with pytest.raises(DataError, match="is text") as excinfo:
        read(rows(N, 1) | text, rows(N, 2) | text)
    assert "classes: [no, yes]" in excinfo.value.hint
    with pytest.raises(DataError, match="contains numbers"):
        read(rows(N, 1), rows(N, 2), replace(BINARY, classes=("no", "yes")))


@pytest.mark.parametrize("classes", [("ham", "spam"), ("no", "true"), ("yes", "true"), ("0.0", "1.0")])
def test_ambiguous_class_names_for_booleans_are_rejected(classes: tuple[str, ...], read: Read) -> None:
    """Class names that do not stand for true and false are an error, because a guess could invert the labels."""
    first, second = rows(N, 1), rows(N, 2)
    booleans = {"y": first["y"] == 1}
    with pytest.raises(DataError, match='"y" contains booleans') as excinfo:
        read(first | booleans, second | booleans, replace(BINARY, classes=classes))
    assert "[false, true]" in excinfo.value.hint


@pytest.mark.parametrize("classes", [("nan", "inf"), ("0", "nan"), ("0", "1e999")])
def test_numeric_classes_must_be_finite(classes: tuple[str, ...], read: Read) -> None:
    """Infinite and NaN class names, which Python parses as numbers, are an error."""
    with pytest.raises(DataError, match="contains numbers") as excinfo:
        read(rows(N, 1), rows(N, 2), replace(BINARY, classes=classes))
    assert "finite" in excinfo.value.hint


def test_text_and_numeric_labels_are_an_error(read: Read) -> None:
    """Labels that are text on one side and numbers on the other are not cast."""
    policy = replace(BINARY, classes=("0", "1"))
    result = read(rows(N, 1), rows(N, 2) | {"y": [str(v) for v in rows(N, 2)["y"]]}, policy)
    assert findings(result, policy) == {"contract-label-type": Outcome.ERROR}


def test_decisions_that_contradict_their_scores_are_a_warning(read: Read) -> None:
    """Contradictions are counted as stale predictions; the decisions are used as they are."""
    first, second = rows(N, 1), rows(N, 2)
    policy = replace(BINARY, prediction="d")
    sides = [side | {"d": (side["s"] >= 0.5).astype(np.int64)} for side in (first, second)]
    assert findings(read(*sides, policy), policy) == {"contract-rows": Outcome.PASS}
    sides[1]["d"] = 1 - sides[1]["d"]
    result = read(*sides, policy)
    assert result.facts.candidate.stale_predictions == N
    assert Outcome.WARN is findings(result, policy)["contract-stale-prediction"]


def test_auc_of_one_class_is_inconclusive(read: Read) -> None:
    """An undefined metric is a finding without a value, and not a pass."""
    ones = {"y": np.ones(N, dtype=np.int64)}
    judged = judge_observations([read(rows(N, 1) | ones, rows(N, 2) | ones)], BINARY)
    auc = next(f for f in judged.findings if f.metric == "auc")
    assert (auc.outcome, auc.baseline) == (Outcome.INCONCLUSIVE, None)
    assert "undefined" in auc.reason


def test_naive_times_are_read_as_utc(read: Read) -> None:
    """Naive times on one side only are a warning; the windows are the same as with zones."""
    policy = replace(BINARY, time="t", window="1h", minimum_rows=1)
    naive = pa.array([NAIVE] * N, pa.timestamp("us"))
    zoned = pa.array([NAIVE] * N, pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))
    result = read(rows(N, 1) | {"t": naive}, rows(N, 2) | {"t": zoned}, policy)
    assert Outcome.WARN is findings(result, policy)["contract-column-type"]
    assert result.tables[WINDOW,].keys == [("2025-03-01T23:00:00Z",)]
    result = read(rows(N, 1) | {"t": naive}, rows(N, 2) | {"t": naive}, policy)
    assert findings(result, policy) == {"contract-rows": Outcome.PASS}


@pytest.mark.parametrize(("window", "start"), [("1d", "2025-03-05"), ("1w", "2025-03-03"), ("1mo", "2025-03-01")])
def test_windows_follow_the_calendar_in_utc(window: str, start: str, read: Read) -> None:
    """Windows start at midnight UTC, on Monday, or on the first of the month, whatever the zone of the times."""
    policy = replace(BINARY, time="t", window=window, minimum_rows=1)
    late = pa.array([LATE] * N, pa.timestamp("us")).cast(pa.timestamp("us", tz="America/New_York"))
    result = read(rows(N, 1) | {"t": late}, rows(N, 2) | {"t": late}, policy)
    assert [(start,)] == result.tables[WINDOW,].keys


def test_slice_or_window_missing_from_the_candidate_is_reported(read: Read) -> None:
    """If the candidate has no row of a slice or of a day, each one has a finding."""
    policy = replace(BINARY, slices=(("device",),), time="t", window="1d", minimum_rows=50)
    first, second = rows(4000, 1), rows(4000, 2)
    days = np.array([t.as_py().day for t in first["t"]])
    indices = np.flatnonzero((np.array(first["device"]) != "tablet") & (days != 4))
    incomplete = {name: np.array(second[name])[indices] for name in ("id", "y", "s")}
    judged = judge_observations([read(first, incomplete, policy)], policy)
    missing = {f.id: (f.slice, f.window) for f in judged.findings if f.id.endswith("-missing")}
    assert missing == {"slice-missing": ({"device": "tablet"}, None), "window-missing": ({}, "2025-03-04")}


def test_null_and_conflicting_slice_values(read: Read) -> None:
    """Null is a separate slice; values that differ between the sides are counted, and the baseline's value is used."""
    policy = replace(BINARY, slices=(("device",),), minimum_rows=1)
    result = read(with_values("device", dict.fromkeys(range(40)), 1), rows(N, 2), policy)
    assert None in {key[0] for key in result.tables["device",].keys}
    assert result.facts.pairs
    assert result.facts.pairs.slice_conflicts == {"device": 40}
    assert Outcome.FAIL is findings(result, policy)["contract-slice-changed"]


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
def test_hostile_column_names_and_values_are_treated_as_data(column: str, read: Read) -> None:
    """Quotes, SQL, Markdown, HTML and workflow commands in names of columns and in slice values have no effect."""
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
    result = read(first, second, policy)
    assert findings(result, policy) == {"contract-rows": Outcome.PASS}
    assert {f"{column}\n{d}" for d in ("phone", "desktop", "tablet")} == {
        key[0] for key in result.tables[names["device"],].keys
    }


def test_slice_values_of_every_type_are_valid_json(read: Read) -> None:
    """Dates, decimals, huge integers, NaN, bytes, lists and long texts can be encoded; long texts are shortened."""
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
    result = read(rows(N, 1) | more, rows(N, 2) | more, policy)
    values = {name: result.tables[name,].keys[0][0] for name in more}
    assert (values["date"], values["decimal"], values["nan"], values["flag"]) == ("2025-03-01", "1.50", "nan", True)
    assert len(str(values["long"])) < 250
    assert json.dumps(values, allow_nan=False)


def test_unused_columns_are_counted_not_listed(read: Read) -> None:
    """The reason lists a few of 1,000 unused columns and the number of the others."""
    wide = {f"f{i}": [0] * N for i in range(1000)}
    result = read(rows(N, 1) | wide, rows(N, 2))
    assert "and 995 more" in next(
        f.reason for f in judge_observations([result], BINARY).findings if f.id == "contract-rows"
    )


def test_missing_column_is_reported_with_its_side_and_the_nearest_name(read: Read) -> None:
    """The error has the side, the column and a suggestion; with 1,000 columns the hint stays short."""
    second = rows(N, 2)
    second["scor"] = second.pop("s")
    with pytest.raises(DataError, match='the candidate has no column "score"') as excinfo:
        read(rows(N, 1) | {"score": rows(N, 1)["s"]}, second, replace(BINARY, score="score"))
    assert "did you mean `scor`" in excinfo.value.hint
    with pytest.raises(DataError, match='the baseline has no column "nope"'):
        read(rows(N, 1), rows(N, 2), replace(BINARY, slices=(("nope",),)))
    with pytest.raises(DataError, match='the file of labels has no column "y"'):
        read(rows(N, 1), rows(N, 2), BINARY, {"id": [1]})
    wide = {f"f{i}": [0] * N for i in range(1000)}
    with pytest.raises(DataError) as excinfo:
        read(rows(N, 1) | wide, rows(N, 2), replace(BINARY, label="f17x"))
    assert len(excinfo.value.hint) < 400


@pytest.mark.parametrize(
    ("change", "policy", "message"),
    [
        ({"s": ["high"] * N}, BINARY, 'column "s" of type VARCHAR cannot be a score'),
        ({"id": [[i] for i in range(N)]}, BINARY, "cannot be a key"),
        ({"id": np.arange(N) / 3}, BINARY, "type DOUBLE cannot be a key"),
        ({"t": ["2025-03-01"] * N}, replace(BINARY, time="t"), "cannot be the time"),
        ({"y": [[0]] * N}, BINARY, "cannot be a label"),
    ],
)
def test_columns_of_unusable_types_are_errors(
    change: dict[str, Any], policy: Regression, message: str, read: Read
) -> None:
    """The error has the column, its type and the use that the type prevents."""
    with pytest.raises(DataError, match=message):
        read(rows(N, 1) | change, rows(N, 2) | change, policy)


def test_unusable_values_of_a_regression_are_excluded(read: Read) -> None:
    """NaN labels and infinite predictions are counted and excluded, and every number stays finite."""
    policy = Regression(task="regression", key=("id",), label="y", prediction="p")
    first, second = values(N, 1), values(N, 2)
    second["p"][3] = np.inf
    first["y"] = first["y"].copy()
    first["y"][4] = np.nan
    second["y"] = first["y"]
    result = read(first, second, policy)
    judged = judge_observations([result], policy)
    assert {"contract-unusable-prediction", "contract-label-values", "contract-rows"} == set(findings(result, policy))
    assert all(m.values["value"] is not None for m in judged.measurements)
