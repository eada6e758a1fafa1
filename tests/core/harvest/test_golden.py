"""The golden set grows by cases without contradictions that no model was trained on."""

from __future__ import annotations

import pytest

from ghmlops.core.harvest.golden import (
    Disagreements,
    GoldenRow,
    Training,
    canonical,
    comparable,
    comparable_body,
    digest_key,
    disagreement_finding,
    golden_findings,
    select,
)
from ghmlops.core.model import Outcome


def case(number: int, label: str = "1", body: str = "", reason: str = "random") -> GoldenRow:
    """Return a case."""
    return GoldenRow(key=f"key{number}", body=body or f'{{"a":{number}}}', label=label, reason=reason)


def test_additions_alternate_between_kinds_and_stop_at_the_limit() -> None:
    """Nothing is removed, and nothing is added twice."""
    present = [case(1)]
    candidates = {"errors": [case(2), case(1), case(3)], "random": [case(4), case(2), case(5)]}
    selection = select(present, candidates, rows=4)
    assert [row.key for row in selection.rows] == ["key1", "key2", "key4", "key3"]
    assert selection.added == 3


def test_contradictions_are_added_with_none_of_their_labels() -> None:
    """Among candidates, and against a case of the set."""
    candidates = {"random": [case(2, "1", '{"x":1}'), case(3, "0", '{"x":1}'), case(4, "0", '{"a":1}'), case(5)]}
    selection = select([case(1)], candidates, rows=9)
    assert [row.key for row in selection.rows] == ["key1", "key5"]
    assert selection.contradicting == 3
    findings = golden_findings(selection, "nothing was offered")
    assert [(f.id, f.outcome) for f in findings][1] == ("harvest-golden-contradictions", Outcome.WARN)


def test_the_training_data_is_recognised_by_identifier_and_by_content() -> None:
    """A case of the set that was trained on fails; a candidate is left out."""
    selection = select(
        [case(1)],
        {"random": [case(2), case(3), case(4)]},
        rows=9,
        training=Training(frozenset({"key1", "key2"}), frozenset({comparable({"a": 3})}), ["a"]),
    )
    assert [row.key for row in selection.rows] == ["key1", "key4"]
    assert (selection.trained, selection.trained_before) == (2, 1)
    assert golden_findings(selection, "")[-1].outcome is Outcome.FAIL


def test_equal_payloads_are_equal_texts() -> None:
    """Whatever the order of the keys and the notation of whole numbers; digests have letters only."""
    assert canonical('{"b": 1.0, "a": [2, 0.5]}') == canonical('{"a":[2.0,0.5],"b":1}')
    assert canonical('{"a":true}') != canonical('{"a":1}')
    assert digest_key("r1").isalpha()
    assert digest_key("r1") != digest_key("r2")


def test_contents_are_compared_by_the_fields_only() -> None:
    """Null is absent, a number may have 32 bits, and what is no field does not count."""
    body = {"user": {"age": 42.0, "name": None}, "x": [0.1, None], "other": 1, "gone": None}
    row = {"gone": None, "x": [0.10000000149011612, None], "user.age": 42}
    assert comparable_body(body, ["user.age", "x", "gone"]) == comparable(row)
    assert comparable_body(body, ["user.*"]) == comparable({"user.*": {"age": 42}})
    assert comparable_body(body, ["x.y"]) == comparable({}) == "{}"
    assert comparable({"a": 1}) != comparable({"a": 2})


@pytest.mark.parametrize(
    ("counts", "outcome"),
    [
        (Disagreements(equal=9, different=1, usable=1), Outcome.PASS),
        (Disagreements(equal=9, contradicting=1), Outcome.WARN),
        (Disagreements(equal=9, unreadable=1), Outcome.WARN),
        (Disagreements(unpaired=5, orphans=5), Outcome.INCONCLUSIVE),
    ],
)
def test_answers_of_which_none_was_compared_say_nothing(counts: Disagreements, outcome: Outcome) -> None:
    """Several answers to one request, and rows without one, are a warning."""
    assert disagreement_finding(counts, "label").outcome is outcome
