"""Pairing by key: null, composite and repeated keys, and labels from a separate file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from msgspec.structs import replace

import prediction_artifacts as artifacts
from ghmlops.core.model import Outcome
from ghmlops.core.predictions.contract.checks import judge_contract
from ghmlops.core.predictions.judgement import judge_observations
from ghmlops.measure.predictions.engine import open as opening
from prediction_artifacts import BINARY, contract_outcomes, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.predictions.observation import Observation

    Read = Callable[..., Observation]


N = 400


def with_copies(content: dict[str, Any], indices: list[int], **values: Any) -> dict[str, Any]:
    """Return the content with copies of some rows appended; `values` replace columns of the copies."""
    return {
        name: [*column, *([values[name]] * len(indices) if name in values else [list(column)[i] for i in indices])]
        for name, column in content.items()
    }


def counts(result: Observation) -> tuple[int, int, int, int]:
    pairs = result.facts.pairs
    assert pairs
    return pairs.paired, pairs.removed, pairs.added, pairs.usable


def test_composite_key_pairs_on_all_columns(read: Read) -> None:
    """A key with one null column is a null key, and the columns are compared separately, not as joined text."""
    part: dict[str, Any] = {"day": np.arange(N) % 20, "name": [f"n{i // 20}" for i in range(N)]}
    policy = replace(BINARY, key=("day", "name"))
    other = part | {"name": [None if i == 3 else n for i, n in enumerate(part["name"])]}
    result = read(rows(N, 1) | part, rows(N, 2) | other, policy)
    assert (counts(result), result.facts.candidate.null_keys) == ((N - 1, 1, 0, N - 1), 1)
    first = {"a": ["1", "11"], "b": ["11", "1"], "y": [0, 1], "s": [0.1, 0.9]}
    result = read(first, first | {"a": ["11", "1"], "b": ["1", "11"], "s": [0.8, 0.2]}, replace(BINARY, key=("a", "b")))
    assert counts(result) == (2, 0, 0, 2)
    assert result.facts.pairs
    assert result.facts.pairs.label_conflicts == 2


@pytest.mark.parametrize("side", [0, 1, 2])
def test_repeated_keys_are_counted_by_side(side: int, read: Read) -> None:
    """Copies count once and contradicting rows not at all, on the baseline (0), the candidate (1), or both (2)."""
    sides = [rows(N, 1), rows(N, 2)]
    plain: list[dict[str, Any]] = [
        {name: list(values) for name, values in side_rows.items() if name in ("id", "y", "s")} for side_rows in sides
    ]
    for index in (0, 1):
        if side in (index, 2):
            plain[index] = with_copies(with_copies(plain[index], [5, 6, 7]), [8], s=0.123)
    result = read(*plain)
    repeats = [
        (s.repeated_keys, s.repeated_rows, s.conflicting_keys) for s in (result.facts.baseline, result.facts.candidate)
    ]
    assert repeats == [(4, 8, 1) if side in (index, 2) else (0, 0, 0) for index in (0, 1)]
    surplus = [(s.surplus_copies, s.conflicting_rows) for s in (result.facts.baseline, result.facts.candidate)]
    assert surplus == [(3, 2) if side in (index, 2) else (0, 0) for index in (0, 1)]
    assert counts(result) == (N - 1, 0, 0, N - 1)


def test_repeated_keys_among_unpaired_rows_are_counted(read: Read) -> None:
    """Keys that repeat on one side only and have no pair are counted."""
    first, second = (with_copies(rows(N, 1), [3, 4]), with_copies(rows(N, 2, shift=10), [N - 1]))
    result = read({k: first[k] for k in ("id", "y", "s")}, {k: second[k] for k in ("id", "y", "s")})
    assert (result.facts.baseline.repeated_keys, result.facts.candidate.repeated_keys) == (2, 1)
    assert counts(result) == (N - 10, 10, 10, N - 10)


def test_key_repeated_on_both_sides_does_not_exhaust_the_disk(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """One key with 100,000 rows on each side would give 10^10 pairs: the join is aborted and each key counts once."""
    copies = 100_000
    monkeypatch.setattr(opening, "_SPILL", 64 * 1024**2)
    sides = [
        {
            "id": np.r_[np.zeros(copies, np.int64), [1, 2]],
            "y": np.ones(copies + 2, np.int64),
            "s": np.full(copies + 2, s),
        }
        for s in (0.4, 0.6)
    ]
    result = read(*sides)
    assert (result.facts.baseline.repeated_keys, result.facts.candidate.repeated_rows) == (1, copies)
    assert counts(result) == (3, 0, 0, 3)
    assert result.facts.candidate.surplus_copies == copies - 1


def test_only_null_keys_are_an_error(read: Read) -> None:
    """No row can be paired."""
    none = {"id": pa.array([None] * N, pa.int64())}
    result = read(rows(N, 1) | none, rows(N, 2) | none)
    outcomes = {f.id: f.outcome for f in judge_observations([result], BINARY).findings}
    assert (outcomes["contract-rows"], outcomes["contract-null-key"]) == (Outcome.ERROR, Outcome.FAIL)


def test_disjoint_keys_are_an_error(read: Read) -> None:
    """No key occurs on both sides."""
    result = read(rows(N, 1), rows(N, 2, shift=N))
    assert counts(result) == (0, N, N, 0)
    assert Outcome.ERROR in {f.outcome for f in judge_contract(result.facts)}


@pytest.mark.parametrize("slices", [(), (("device",),)])
@pytest.mark.parametrize("empty", ["baseline", "candidate", "labels"])
def test_an_artifact_without_rows_is_an_error(empty: str, slices: tuple[tuple[str, ...], ...], read: Read) -> None:
    """A file with a schema and no rows, on any side, is an error; its fingerprint has 0 rows."""
    labels = {"id": np.arange(N), "y": rows(N, 1)["y"]}
    sides = {"baseline": rows(N, 1), "candidate": rows(N, 2), "labels": labels}
    table = pa.table(sides[empty]).slice(0, 0)
    sides[empty] = {name: table[name] for name in table.column_names}
    policy = replace(BINARY, slices=slices)
    result = read(sides["baseline"], sides["candidate"], policy, sides["labels"])
    assert {f.id: f.outcome for f in judge_observations([result], policy).findings} == {"contract-empty": Outcome.ERROR}
    assert result.fingerprints[empty].startswith("content:duckdb-2.0:0:")


def test_labels_of_a_file_may_be_missing_null_or_repeated(read: Read) -> None:
    """Quality is measured on the rows with one label; missing labels are listed as not measured."""
    first, second = ({k: v for k, v in rows(N, seed).items() if k != "y"} for seed in (1, 2))
    label = rows(N, 1)["y"]
    labelled = np.flatnonzero(np.arange(N) % 3 != 0)
    labels = {
        "id": [*labelled, labelled[5]],
        "y": [*[None if i == 0 else int(v) for i, v in enumerate(label[labelled])], 1],
    }
    result = read(first, second, BINARY, labels)
    assert result.facts.labels
    assert (result.facts.labels.repeated_keys, result.facts.labels.null_labels) == (1, 1)
    assert result.facts.pairs
    assert (result.facts.pairs.usable, result.facts.pairs.labelled) == (N, len(labelled) - 2)
    assert result.columns
    used = np.delete(labelled, [0, 5])
    assert sorted(result.columns.baseline) == sorted(first["s"][used])
    judged = judge_observations([result], BINARY)
    assert any("have no label (yet)" in n.why for n in judged.not_measured)


def test_labels_of_a_file_take_precedence_over_columns(read: Read) -> None:
    """The file of labels replaces the label columns; its keys that no side has are ignored."""
    first, second = rows(N, 1), rows(N, 2)
    labels = {"id": np.arange(N + 50), "y": np.r_[1 - first["y"], np.ones(50, np.int64)]}
    result = read(first, second, BINARY, labels)
    assert result.columns
    assert result.columns.label.sum() == (1 - first["y"]).sum()
    assert counts(result) == (N, 0, 0, N)


def test_widths_of_slice_columns_do_not_matter(read: Read) -> None:
    """Integers and floats of different widths, including negative and fractional values, are the same slices."""
    more = {"level": np.arange(N) % 5 - 2, "half": (np.arange(N) % 3) / 2.0}
    less = {"level": more["level"].astype(np.int32), "half": more["half"].astype(np.float32)}
    policy = replace(BINARY, slices=(("level",), ("half",)), minimum_rows=1)
    result = read(rows(N, 1) | more, rows(N, 2) | less, policy)
    assert result.facts.pairs
    assert result.facts.pairs.slice_conflicts == {}
    for name in ("level", "half"):
        table = result.tables[name,]
        assert ({key[0] for key in table.keys}, table.missing_cells, table.new_cells) == (
            set(more[name].tolist()),
            [],
            0,
        )


def test_exceeding_the_memory_limit_is_an_input_error(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is one line about memory."""
    from ghmlops.core.errors import InputError

    monkeypatch.setattr(artifacts.observe, "__defaults__", (4_000_000,))
    long = [f"{i:0300}" for i in range(60_000)]
    sides = [{"id": long, "y": np.ones(60_000, np.int64), "s": np.full(60_000, s)} for s in (0.4, 0.6)]
    with pytest.raises(InputError, match="memory") as excinfo:
        read(*sides)
    assert "\n" not in excinfo.value.message


def test_flipped_decision_within_the_tolerance_is_a_change(read: Callable[..., Observation]) -> None:
    """With `intent: unchanged`, a flip fails even if the score changes by less than the tolerance."""
    first = rows(N, 1)
    first["s"][0] = 0.5
    second = first | {"s": first["s"].copy()}
    second["s"][0] = 0.5 - 1e-12
    policy = replace(BINARY, intent="unchanged")
    judged = judge_observations([read(first, second, policy)], policy)
    outcomes = {f.reason.split(" ", 1)[0]: f.outcome for f in judged.findings if f.id == "predictions-changed"}
    assert sorted(outcomes.values()) == [Outcome.FAIL, Outcome.PASS, Outcome.PASS]


def test_null_keys_are_counted_and_not_paired(read: Read) -> None:
    """A row with a null key counts as a null key, neither as removed nor as added, and fails."""
    result = read(artifacts.with_values("id", {3: None}, 1, n=N), artifacts.with_values("id", {3: None, 4: None}, n=N))
    assert (result.facts.baseline.null_keys, result.facts.candidate.null_keys) == (1, 2)
    assert Outcome.FAIL is contract_outcomes(result)["contract-null-key"]
    assert result.facts.pairs
    assert (result.facts.pairs.paired, result.facts.pairs.removed, result.facts.pairs.added) == (N - 2, 1, 0)


def test_copies_of_a_key_count_once_and_contradictions_are_excluded(read: Read) -> None:
    """Identical copies are a warning, contradicting ones a failure, and the latter are excluded on both sides."""
    second = rows(N, 2)
    content = {name: [*second[name], second[name][7]] for name in ("id", "y", "s")}
    result = read(rows(N, 1), content)
    assert (
        result.facts.candidate.repeated_keys,
        result.facts.candidate.repeated_rows,
        result.facts.candidate.conflicting_keys,
    ) == (1, 2, 0)
    assert Outcome.WARN is contract_outcomes(result)["contract-repeated-key"]
    assert result.facts.pairs
    assert (result.facts.pairs.paired, result.facts.pairs.removed, result.facts.pairs.added) == (N, 0, 0)
    content["s"][-1] = 0.123
    result = read(rows(N, 1), content)
    assert Outcome.FAIL is contract_outcomes(result)["contract-repeated-key"]
    assert counts(result) == (N - 1, 0, 0, N - 1)


def test_copies_that_differ_in_an_unused_column_are_copies(read: Read) -> None:
    """A task that wrote its rows twice with another time of writing has written copies."""
    second = {name: rows(N, 2)[name] for name in ("id", "y", "s")}
    content = with_copies(second | {"written": ["monday"] * N}, list(range(N)), written="tuesday")
    result = read(rows(N, 1), content)
    assert (result.facts.candidate.surplus_copies, result.facts.candidate.conflicting_keys) == (N, 0)
    assert counts(result) == (N, 0, 0, N)
    assert contract_outcomes(result) == {"contract-rows": Outcome.PASS, "contract-repeated-key": Outcome.WARN}
    assert [d.missing for d in result.scores] == [(0, 0)]


def test_integer_keys_of_different_widths_are_paired(read: Read) -> None:
    """Signed and unsigned 64-bit keys are of the same kind."""
    result = read(rows(N, 1), rows(N, 2) | {"id": np.arange(N, dtype=np.uint64)})
    assert result.facts.pairs
    assert result.facts.pairs.paired == N


def test_composite_keys_pair_on_all_columns(read: Read) -> None:
    """A key of an integer and a text column pairs every row."""
    more = {"day": np.arange(N) % 20, "name": [f"n{i // 20}" for i in range(N)]}
    result = read(rows(N, 1) | more, rows(N, 2) | more, replace(BINARY, key=("day", "name")))
    assert contract_outcomes(result) == {"contract-rows": Outcome.PASS}


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
    assert (result.facts.pairs.usable, result.facts.pairs.labelled) == (N, N - 11)
