"""Each call of each sequence fails in each kind, once and forever: nothing is doubled, lost or left open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.clients import retry
from github_api import spec
from github_api.fault_matrix import FAULTS, SEQUENCES, Matrix, Sequence, table
from github_api.server import running
from thoroughness import STEP

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not spec.default_file().is_file(), reason=spec.FETCH)
BY_NAME = {sequence.name: sequence for sequence in SEQUENCES}


@pytest.fixture(scope="module")
def matrix() -> Iterator[Matrix]:
    """One server for all cells, whose state is replaced for each."""
    with running({"repositories": {"acme/shop": {}}}) as api:
        yield Matrix(api)


@pytest.mark.parametrize("sequence", SEQUENCES, ids=lambda sequence: sequence.name)
def test_no_fault_doubles_or_loses_anything(matrix: Matrix, sequence: Sequence) -> None:
    """One failure that a repetition can help ends in success; any other in one readable error, with all closed.

    A second run leads to the same state as a run without a fault.
    """
    rows = list(matrix.rows(sequence, step=STEP))
    print(table(rows))
    assert [problem for row in rows for problem in row.problems] == []
    assert len(rows) >= 1


def test_matrix_detects_a_doubled_write(matrix: Matrix, monkeypatch: pytest.MonkeyPatch) -> None:
    """The matrix itself works: without looking for a lost comment, it reports that the comment is there twice."""
    monkeypatch.setattr(retry, "SEARCH_DELAYS", ())
    faults = tuple(fault for fault in FAULTS if fault.name == "reset after")
    rows = list(matrix.rows(BY_NAME["comment, first run"], faults))
    assert [row.call for row in rows if any("2 times" in problem for problem in row.problems)] == [
        "POST issues/7/comments"
    ]


def test_matrix_detects_what_stays_open(matrix: Matrix, monkeypatch: pytest.MonkeyPatch) -> None:
    """The matrix itself works: without the closing steps, it reports a pending status."""
    monkeypatch.setattr("ghmlops.act.github.perform.closing_steps", lambda *_: ())
    faults = tuple(fault for fault in FAULTS if fault.name == "reset after")
    rows = list(matrix.rows(BY_NAME["gate"], faults))
    problems = [problem for row in rows for problem in row.problems]
    assert any("open: ghmlops/shop/production" in problem for problem in problems)
