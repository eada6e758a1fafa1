"""Fixtures of the tests of `report`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.model import Finding


@pytest.fixture(autouse=True)
def samples_need_not_be_consistent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers of `report.samples` are chosen for their layout and do not follow from each other."""

    def no_contradictions(*_: object) -> Sequence[Finding]:
        return []

    monkeypatch.setattr("ghmlops.core.verdict.merge.contradictions", no_contradictions)
