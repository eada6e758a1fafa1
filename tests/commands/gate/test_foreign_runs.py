"""Evidence in a folder belongs to the run of the gate: the runner says which one that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ghmlops import __version__
from ghmlops.cli import main
from ghmlops.measure.checkout import fingerprint
from ghmlops.measure.evidence import read_verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ghmlops.core.evidence.document import Evidence

ORIGINS = [
    ({}, "pass", "all-passed"),
    ({"run_id": "666"}, "error", "evidence-foreign"),
    ({"run_id": ""}, "error", "evidence-foreign"),
    ({"run_attempt": 2}, "error", "evidence-attempt"),
    ({"event": "pull_request"}, "error", "evidence-foreign"),
]


@pytest.mark.parametrize(("origin", "outcome", "code"), ORIGINS)
def test_run_666_in_run_42(
    here: Path,
    measured: Callable[..., Evidence],
    monkeypatch: pytest.MonkeyPatch,
    origin: dict[str, Any],
    outcome: str,
    code: str,
) -> None:
    """In a job without `run-id`, evidence of another run, attempt or event opens nothing."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_EVENT_NAME", "push")
    policy = fingerprint(here / ".github/ghmlops.yml")
    defaults = {"version": __version__, "service": "shop", "event": "push", "fingerprints": {"policy": policy}}
    measured("pass", **{**defaults, **origin})
    main(["gate"])
    verdict = read_verdict(here / "verdict.json")
    assert (verdict.outcome.value, verdict.reason_code) == (outcome, code)
