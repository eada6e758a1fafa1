"""The steps: their descriptions and the shortening of text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.steps.step import (
    CreateDeployment,
    OpenPullRequest,
    SetCommitStatus,
    SetDeploymentStatus,
    Step,
    UpsertComment,
    describe,
    short,
)

COMMIT = "a" * 40
PENDING = SetCommitStatus(sha=COMMIT, context="ghmlops/production", state="pending", description="the gate is deciding")
DEPLOYMENT = CreateDeployment(sha=COMMIT, environment="production", description="shop", payload={})
DEPLOYED = SetDeploymentStatus(state="success", description="pass: The reason.", environment="production")
FACTS = [
    (PENDING, ("ghmlops/production", COMMIT, "pending")),
    (DEPLOYMENT, (COMMIT, "production")),
    (DEPLOYED, ("production", "success", "pass: The reason.")),
    (UpsertComment(number=7, marker="m", body="text"), ("#7", "4 characters")),
    (OpenPullRequest(head="topic", base="main", title="a title", body=""), ("topic", "main", "a title")),
]


@pytest.mark.parametrize(("step", "facts"), FACTS)
def test_description_contains_the_facts(step: Step, facts: tuple[str, ...]) -> None:
    """The description of a step is one line that contains its target and its values."""
    line = describe(step)
    assert [fact for fact in facts if fact not in line] == []
    assert "\n" not in line


def test_unknown_step_is_a_bug() -> None:
    """A step of an unknown type raises an error."""
    with pytest.raises(TypeError, match="Step"):
        describe(Step())


@given(st.text(max_size=400), st.integers(min_value=1, max_value=200))
def test_short_respects_its_limit(text: str, limit: int) -> None:
    """For every text, the result is printable, on one line and at most as long as the limit."""
    line = short(text, limit)
    assert len(line) <= limit
    assert line.isprintable()
