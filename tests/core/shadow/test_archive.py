"""The archive of changed requests: which ones, and what of them stays private."""

from __future__ import annotations

import msgspec
import pytest

from core.shadow.test_comparison import answer
from ghmlops.core.answers.constants import TEST_ALPHA
from ghmlops.core.answers.places import judge_places
from ghmlops.core.answers.walk import Aspect, Place
from ghmlops.core.policy.before_traffic.shadow import Shadow
from ghmlops.core.shadow.archive import MASK, changed_requests, masked_body, masked_query
from ghmlops.core.shadow.comparison import Comparison
from ghmlops.core.shadow.outcome import Proof, Question, Run
from ghmlops.core.shadow.recorded import Recorded

URL = "http://127.0.0.1:1/"


def run_of(changed: int, policy: Shadow, proofs: tuple[Proof, ...] = ()) -> Run:
    comparison = Comparison()
    for row in range(60):
        label = b'{"label": %d}'
        comparison.add(row, "e", (answer(label % 0), answer(label % 0), answer(label % (row < changed))))
    return Run(
        policy=policy, comparison=comparison, verdicts=judge_places(comparison.tallies, TEST_ALPHA), proofs=proofs
    )


def recorded(body: bytes | None, path: str = "/predict") -> list[Recorded]:
    headers = {"content-type": "application/json", "authorization": "Bearer s3cr3t"}
    return [Recorded(row=row, method="POST", path=path, headers=headers, body=body) for row in range(60)]


@pytest.mark.parametrize(("expect", "changed", "requests"), [("same", 30, 3), ("new-model", 30, 0), ("same", 0, 0)])
def test_only_requests_of_changes_that_count_are_exported(expect: str, changed: int, requests: int) -> None:
    """A few rows per place; what the policy permits, and what is noise, is no failure."""
    run = run_of(changed, Shadow(requests="r", expect=expect))  # type: ignore[arg-type]
    assert len(changed_requests(run, recorded(b'{"row": 1}'), URL)) == requests


def test_a_single_proven_row_is_exported() -> None:
    """With its place, its body, and no header but the content type."""
    question = Question("e", 40, Place("$.label", Aspect.VALUE))
    run = run_of(0, Shadow(requests="r", expect="same"), (Proof(question, 6, proven=True),))
    (request,) = changed_requests(run, recorded(b'{"row": 1}'), URL)
    assert (request.method, request.url, request.body) == ("POST", "http://127.0.0.1:1/predict", b'{"row": 1}')
    assert (request.content_type, "row 40" in request.comment) == ("application/json", True)


def test_private_fields_and_credentials_are_masked() -> None:
    """At any depth of the body, and in the query; a body in which they cannot be recognised is left out."""
    run = run_of(30, Shadow(requests="r", expect="same", private=("name",)))
    body = b'{"user": {"name": "Ada", "age": 36}, "names": [{"name": "Bob"}]}'
    first = changed_requests(run, recorded(body, "/p?name=Ada&row=1&Access_Token=s3cr3t"), URL)[0]
    assert msgspec.json.decode(first.body or b"") == {"user": {"name": MASK, "age": 36}, "names": [{"name": MASK}]}
    assert first.url == f"http://127.0.0.1:1/p?name={MASK}&row=1&Access_Token={MASK}"
    other = changed_requests(run, recorded(b"name=Ada"), URL)[0]
    assert other.body is None
    assert "left out" in other.comment


@pytest.mark.parametrize("body", [b"", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_is_not_masked_by_guessing(body: bytes) -> None:
    """Damaged and too deep bodies end no run."""
    assert masked_body(body, ("name",)) is None


@pytest.mark.parametrize("path", ["/a", "/a?", "/a?x", "/a?x=1&y", "/a?token="])
def test_a_query_without_a_value_to_hide_is_unchanged(path: str) -> None:
    assert masked_query(path, ("name",)) == path
