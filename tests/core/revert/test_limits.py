"""What stops a revert that no person requests."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ghmlops.core.errors import NeedsPerson
from ghmlops.core.revert.limits import Limits, check_count, check_freeze, check_workflows, count_reverts

LIMITS = Limits(freeze_file=".github/freeze", max_per_day=2, now=datetime(2026, 11, 28, tzinfo=UTC))
RUN = "Run: https://github.example/a/b/actions/runs/{}\n\nGhmlops-Reverts: " + "a" * 40


def test_the_commits_of_one_run_are_one_revert() -> None:
    """A person's revert and a message that merely mentions the trailer do not count."""
    messages = [RUN.format(1), RUN.format(1), RUN.format(2), "Ghmlops-Reverts: " + "b" * 40]
    assert count_reverts([*messages, "Revert x", "see `Ghmlops-Reverts: abc`"]) == 3


def test_the_cap_and_a_clone_that_is_too_shallow() -> None:
    """Below the cap is allowed; what cannot be counted is not below it."""
    check_count(LIMITS, "main", [RUN.format(1)], complete=True)
    for messages, complete, code in (
        ([RUN.format(1), RUN.format(2)], True, "revert-cap"),
        ([RUN.format(1)], False, "revert-cap-unknown"),
    ):
        with pytest.raises(NeedsPerson) as caught:
            check_count(LIMITS, "main", messages, complete=complete)
        assert caught.value.reason_code == code


def test_freeze_and_workflows() -> None:
    """The file freezes; workflows block only a token that GitHub does not let change them."""
    check_freeze(LIMITS, "main", exists=False)
    check_workflows([".github/workflows/ci.yml"], allowed=True)
    check_workflows([".github/ghmlops.yml", "src/.github/workflows/x.yml"], allowed=False)
    with pytest.raises(NeedsPerson) as caught:
        check_freeze(LIMITS, "main", exists=True)
    assert caught.value.reason_code == "reverts-frozen"
    with pytest.raises(NeedsPerson) as caught:
        check_workflows(["a", ".github/workflows/ci.yml", ".github/workflows/x.yml"], allowed=False)
    assert caught.value.reason_code == "workflow-files"
    assert ".github/workflows/ci.yml and 1 more" in caught.value.message
