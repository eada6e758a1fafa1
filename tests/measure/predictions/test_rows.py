"""Which rows are paired: keys of several parts, repeated keys, and labels that come from elsewhere, later or twice."""

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
from prediction_artifacts import BINARY, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.predictions.observation import Observation

    Read = Callable[..., Observation]

N = 400


def twice(content: dict[str, Any], places: list[int], **changed: Any) -> dict[str, Any]:
    """Append some rows again, with other values where `changed` says so."""
    return {
        name: [*values, *([changed[name]] * len(places) if name in changed else [list(values)[i] for i in places])]
        for name, values in content.items()
    }


def counts(seen: Observation) -> tuple[int, int, int, int]:
    pairs = seen.facts.pairs
    assert pairs
    return pairs.paired, pairs.removed, pairs.added, pairs.usable


def test_a_key_of_text_and_integer_pairs_on_both(read: Read) -> None:
    """Neither part alone is unique; one part null is a null key; nothing is joined by gluing parts together."""
    part: dict[str, Any] = {"day": np.arange(N) % 20, "name": [f"n{i // 20}" for i in range(N)]}
    policy = replace(BINARY, key=("day", "name"))
    other = part | {"name": [None if i == 3 else n for i, n in enumerate(part["name"])]}
    seen = read(rows(N, 1) | part, rows(N, 2) | other, policy)
    assert (counts(seen), seen.facts.candidate.null_keys) == ((N - 1, 1, 0, N - 1), 1)
    first = {"a": ["1", "11"], "b": ["11", "1"], "y": [0, 1], "s": [0.1, 0.9]}
    seen = read(first, first | {"a": ["11", "1"], "b": ["1", "11"], "s": [0.8, 0.2]}, replace(BINARY, key=("a", "b")))
    assert counts(seen) == (2, 0, 0, 2)
    assert seen.facts.pairs
    assert seen.facts.pairs.label_conflicts == 2


@pytest.mark.parametrize("side", [0, 1, 2])
def test_repeated_keys_are_counted_on_the_side_that_has_them(side: int, read: Read) -> None:
    """Exact copies and copies that differ; on the baseline, the candidate, or both (2)."""
    sides = [rows(N, 1), rows(N, 2)]
    plain: list[dict[str, Any]] = [
        {name: list(values) for name, values in one.items() if name in ("id", "y", "s")} for one in sides
    ]
    for place in (0, 1):
        if side in (place, 2):
            plain[place] = twice(twice(plain[place], [5, 6, 7]), [8], s=0.123)
    seen = read(*plain)
    found = [
        (s.repeated_keys, s.repeated_rows, s.conflicting_keys) for s in (seen.facts.baseline, seen.facts.candidate)
    ]
    assert found == [(4, 8, 1) if side in (place, 2) else (0, 0, 0) for place in (0, 1)]
    assert counts(seen) == (N - 4, 0, 0, N - 4)


def test_repeated_keys_among_removed_and_added_rows_are_found(read: Read) -> None:
    """No pair shows them: they are on one side only."""
    first, second = (twice(rows(N, 1), [3, 4]), twice(rows(N, 2, shift=10), [N - 1]))
    seen = read({k: first[k] for k in ("id", "y", "s")}, {k: second[k] for k in ("id", "y", "s")})
    assert (seen.facts.baseline.repeated_keys, seen.facts.candidate.repeated_keys) == (2, 1)
    assert counts(seen) == (N - 10, 8, 9, N - 10)


def test_one_key_very_often_on_both_sides_does_not_explode(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred thousand times a hundred thousand rows fit into no memory and disk: they are never all made."""
    often = 100_000
    monkeypatch.setattr(opening, "_SPILL", 64 * 1024**2)
    sides = [
        {"id": np.r_[np.zeros(often, np.int64), [1, 2]], "y": np.ones(often + 2, np.int64), "s": np.full(often + 2, s)}
        for s in (0.4, 0.6)
    ]
    seen = read(*sides)
    assert (seen.facts.baseline.repeated_keys, seen.facts.candidate.repeated_rows) == (1, often)
    assert counts(seen) == (2, 0, 0, 2)


def test_all_keys_null_is_an_error(read: Read) -> None:
    """Nothing can be paired."""
    none = {"id": pa.array([None] * N, pa.int64())}
    seen = read(rows(N, 1) | none, rows(N, 2) | none)
    found = {f.id: f.outcome for f in judge_observations([seen], BINARY).findings}
    assert (found["contract-rows"], found["contract-null-key"]) == (Outcome.ERROR, Outcome.FAIL)


def test_nothing_in_common_is_an_error(read: Read) -> None:
    """Other keys on each side."""
    seen = read(rows(N, 1), rows(N, 2, shift=N))
    assert counts(seen) == (0, N, N, 0)
    assert Outcome.ERROR in {f.outcome for f in judge_contract(seen.facts)}


@pytest.mark.parametrize("slices", [(), (("device",),)])
@pytest.mark.parametrize("empty", ["baseline", "candidate", "labels"])
def test_an_artifact_without_rows_is_an_error(empty: str, slices: tuple[tuple[str, ...], ...], read: Read) -> None:
    """A schema and no rows."""
    labels = {"id": np.arange(N), "y": rows(N, 1)["y"]}
    sides = {"baseline": rows(N, 1), "candidate": rows(N, 2), "labels": labels}
    table = pa.table(sides[empty]).slice(0, 0)
    sides[empty] = {name: table[name] for name in table.column_names}
    policy = replace(BINARY, slices=slices)
    seen = read(sides["baseline"], sides["candidate"], policy, sides["labels"])
    assert {f.id: f.outcome for f in judge_observations([seen], policy).findings} == {"contract-empty": Outcome.ERROR}
    assert seen.fingerprints[empty].startswith("content:duckdb-2.0:0:")


def test_labels_from_a_file_come_late_and_twice(read: Read) -> None:
    """A third is not there yet, one is null, one twice: quality is measured on the rest, and the rest is said."""
    first, second = ({k: v for k, v in rows(N, seed).items() if k != "y"} for seed in (1, 2))
    label = rows(N, 1)["y"]
    known = np.flatnonzero(np.arange(N) % 3 != 0)
    labels = {"id": [*known, known[5]], "y": [*[None if i == 0 else int(v) for i, v in enumerate(label[known])], 1]}
    seen = read(first, second, BINARY, labels)
    assert seen.facts.labels
    assert (seen.facts.labels.repeated_keys, seen.facts.labels.null_labels) == (1, 1)
    assert seen.facts.pairs
    assert (seen.facts.pairs.usable, seen.facts.pairs.labelled) == (N - 1, len(known) - 2)
    assert seen.columns
    kept = np.delete(known, [0, 5])
    assert sorted(seen.columns.baseline) == sorted(first["s"][kept])
    judged = judge_observations([seen], BINARY)
    assert any("have no label (yet)" in n.why for n in judged.not_measured)


def test_labels_of_a_file_win_over_columns_of_the_sides(read: Read) -> None:
    """They are the truth that came later; keys of the file that no side has do no harm."""
    first, second = rows(N, 1), rows(N, 2)
    labels = {"id": np.arange(N + 50), "y": np.r_[1 - first["y"], np.ones(50, np.int64)]}
    seen = read(first, second, BINARY, labels)
    assert seen.columns
    assert seen.columns.label.sum() == (1 - first["y"]).sum()
    assert counts(seen) == (N, 0, 0, N)


def test_widths_of_slices_and_scores_do_not_matter(read: Read) -> None:
    """Integers and floats of other widths, negative ones and halves, are the same slices."""
    more = {"level": np.arange(N) % 5 - 2, "half": (np.arange(N) % 3) / 2.0}
    less = {"level": more["level"].astype(np.int32), "half": more["half"].astype(np.float32)}
    policy = replace(BINARY, slices=(("level",), ("half",)), minimum_rows=1)
    seen = read(rows(N, 1) | more, rows(N, 2) | less, policy)
    assert seen.facts.pairs
    assert seen.facts.pairs.slice_conflicts == {}
    for name in ("level", "half"):
        table = seen.tables[name,]
        assert ({key[0] for key in table.keys}, table.missing_cells, table.new_cells) == (set(more[name].tolist()), [], 0)


def test_more_memory_than_allowed_is_an_input_error(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said in one line, with the input that raises the limit."""
    from ghmlops.core.errors import InputError

    monkeypatch.setattr(artifacts.observe, "__defaults__", (4_000_000,))
    long = [f"{i:0300}" for i in range(60_000)]
    sides = [{"id": long, "y": np.ones(60_000, np.int64), "s": np.full(60_000, s)} for s in (0.4, 0.6)]
    with pytest.raises(InputError, match="memory") as caught:
        read(*sides)
    assert "\n" not in caught.value.message


def test_a_decision_that_flips_within_the_tolerance_of_its_score_is_a_change(read: Callable[..., Observation]) -> None:
    """`intent: unchanged`: less than the tolerance is enough, where the threshold lies between."""
    first = rows(N, 1)
    first["s"][0] = 0.5
    second = first | {"s": first["s"].copy()}
    second["s"][0] = 0.5 - 1e-12
    policy = replace(BINARY, intent="unchanged")
    judged = judge_observations([read(first, second, policy)], policy)
    found = {f.reason.split(" ", 1)[0]: f.outcome for f in judged.findings if f.id == "predictions-changed"}
    assert sorted(found.values()) == [Outcome.FAIL, Outcome.PASS, Outcome.PASS]
