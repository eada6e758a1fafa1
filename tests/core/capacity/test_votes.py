"""Votes: what several probes of one rate show together."""

from __future__ import annotations

import pytest

from capacity_searches import result_of
from ghmlops.core.capacity.search_state import Probe, Standing, Vote
from ghmlops.core.capacity.votes import standing

FAST = Probe(rate=100.0, seconds=10.0, purpose="ramp")


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        ("P", Standing.PASS), ("F", Standing.OPEN), ("U", Standing.OPEN), ("G", Standing.OPEN),
        ("GG", Standing.GENERATOR), ("GP", Standing.PASS), ("FF", Standing.FAIL), ("FP", Standing.OPEN),
        ("PF", Standing.OPEN), ("UU", Standing.UNSURE), ("UP", Standing.OPEN), ("PFP", Standing.PASS),
        ("FPF", Standing.FAIL), ("PFU", Standing.UNSURE), ("UPP", Standing.PASS), ("UFF", Standing.FAIL),
    ],
)  # fmt: skip
def test_standing_of_votes(votes: str, expected: Standing) -> None:
    """A first pass is accepted, other votes require a second equal one, three decide; the generator has no vote."""
    kinds = {"P": Vote.PASS, "F": Vote.FAIL, "U": Vote.UNSURE, "G": Vote.GENERATOR}
    assert expected is standing(result_of(FAST, kinds[vote]) for vote in votes)
