"""Facts of the checkout are listed in evidence, and are no result of the measurement."""

from __future__ import annotations

import pytest

from ghmlops.core.evidence.document import Evidence, Provenance
from ghmlops.core.evidence.reservations import not_measured_of, reservations
from ghmlops.core.model import NotMeasured, Outcome

LEFT_OUT = NotMeasured(what="auc", why="one class")


@pytest.mark.parametrize(("head", "dirty", "count"), [("a" * 40, False, 0), ("a" * 40, True, 1), ("", False, 1)])
def test_they_differ_from_results(head: str, dirty: bool, count: int) -> None:
    """A work tree that differed, and a folder without a commit, add one entry, which a repetition ignores."""
    origin = Provenance(repository="acme/shop", head_sha=head, dirty=dirty)
    entries = reservations(origin)
    evidence = Evidence(
        command="regression",
        outcome=Outcome.PASS,
        reason_code="all-passed",
        reason="-",
        provenance=origin,
        not_measured=[LEFT_OUT, *entries],
    )
    assert len(entries) == count
    assert not_measured_of(evidence) == [LEFT_OUT]


def test_an_entry_that_only_looks_alike_stays() -> None:
    """A clean commit has no reservation, so that a forged one is a difference."""
    forged = NotMeasured(what="a commit", why="the folder has no commit, so that no gate accepts this evidence")
    evidence = Evidence(
        command="regression",
        outcome=Outcome.PASS,
        reason_code="all-passed",
        reason="-",
        provenance=Provenance(repository="acme/shop", head_sha="a" * 40),
        not_measured=[forged],
    )
    assert not_measured_of(evidence) == [forged]
