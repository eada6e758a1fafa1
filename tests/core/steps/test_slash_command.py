"""Commands in comments: what counts as one, and when it is carried out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from ghmlops.core.steps.slash_command import (
    MeasuringRun,
    Refusal,
    Situation,
    SlashCommand,
    Targets,
    decide,
    parse,
    refusal,
)
from ghmlops.core.steps.step import REASON_LIMIT, DispatchWorkflow, RerunWorkflow

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RUN = MeasuringRun(
    id=42, completed=True, conclusion="failure", attempt=2, created_at=NOON - 9 * MINUTE, started_at=NOON - 5 * MINUTE
)
SITUATION = Situation(commented_at=NOON, edited=False, is_bot=False, is_open=True, head_sha="a" * 40, runs=(RUN,))
TARGETS = Targets(gate_workflow="gate.yml", branch="main", comment_id=7)
RERUN, OVERRIDE = SlashCommand("rerun"), SlashCommand("override", "release tonight")

TEXTS = [
    ("/ghmlops rerun", RERUN),
    ("/ghmlops rerun\r\n\r\nThanks!", RERUN),
    ("/ghmlops   rerun  ", RERUN),
    ("/ghmlops override release tonight", OVERRIDE),
    ("/ghmlops override\trelease   tonight\nmore words", OVERRIDE),
    ("/ghmlops override ${{ secrets.TOKEN }}; $(rm -rf /) {0} %s", "${{ secrets.TOKEN }}; $(rm -rf /) {0} %s"),
    ("/ghmlops override a\u202eb\x1b[31m", "a\ufffdb\ufffd[31m"),
    ("", None),
    ("looks good", None),
    ("please /ghmlops rerun", None),
    (" /ghmlops rerun", None),
    ("\n/ghmlops rerun", None),
    ("> /ghmlops rerun", None),
    ("```\n/ghmlops rerun\n```", None),
    ("/ghmlopsrerun", None),
    ("/ghmlops-rerun", None),
    ("/GHMLOPS rerun", None),
    ("/ghmlops", "unknown-command"),
    ("/ghmlops RERUN", "unknown-command"),
    ("/ghmlops rerun all", "unknown-command"),
    ("/ghmlops revert abc", "unknown-command"),
    ("/ghmlops override", "no-reason"),
    ("/ghmlops override   ", "no-reason"),
    ("/ghmlops override ...", "no-reason"),
    ("/ghmlops rerun\n/ghmlops override because", "several-commands"),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_parse(text: str, expected: SlashCommand | str | None) -> None:
    """A command is the first line alone; its text stays data, on one line, without invisible characters."""
    command = parse(text)
    if isinstance(command, Refusal):
        assert command.code == expected
    elif isinstance(expected, str) and command is not None:
        assert (command.name, command.reason) == ("override", expected)
    else:
        assert command == expected


def test_a_reason_is_bounded() -> None:
    """A reason of 60,000 characters is truncated."""
    command = parse("/ghmlops override " + "x" * 60_000)
    assert isinstance(command, SlashCommand)
    assert len(command.reason) == REASON_LIMIT


def later(run: MeasuringRun, minutes: int) -> MeasuringRun:
    """Return the run, created some minutes after the comment."""
    return run._replace(id=run.id + 1, created_at=NOON + minutes * MINUTE, started_at=NOON + minutes * MINUTE)


REFUSALS = [
    ({}, ""),
    ({"is_bot": True}, "bot"),
    ({"edited": True}, "comment-edited"),
    ({"is_open": False}, "closed"),
    ({"runs": ()}, "no-run"),
    ({"runs": (later(RUN, 1),)}, "head-newer"),
    ({"runs": (RUN, later(RUN, 1))}, "head-newer"),
    ({"runs": (later(RUN, 0),)}, "head-newer"),
    ({"forced": (NOON - MINUTE,)}, ""),
    ({"forced": (NOON - MINUTE, NOON + MINUTE)}, "head-newer"),
]


@pytest.mark.parametrize(("fields", "code"), REFUSALS)
def test_refusal(fields: dict[str, object], code: str) -> None:
    """The head is the one that the author could see, by GitHub's clock; a commit that was pushed again is not."""
    problem = refusal(msgspec.structs.replace(SITUATION, **fields), allowed=True, who="maintainers")
    assert (problem.code if problem else "") == code


def test_a_person_without_the_role_is_told_nothing_else() -> None:
    """The role comes before the state of the pull request."""
    problem = refusal(msgspec.structs.replace(SITUATION, is_open=False, runs=()), allowed=False, who="maintainers")
    assert problem is not None
    assert problem.code == "not-allowed"


DECISIONS = [
    (RERUN, {}, ""),
    (RERUN, {"conclusion": "cancelled"}, ""),
    (RERUN, {"conclusion": "success"}, "nothing-failed"),
    (RERUN, {"conclusion": "action_required"}, "nothing-failed"),
    (RERUN, {"completed": False, "conclusion": ""}, "still-running"),
    (RERUN, {"started_at": NOON + MINUTE}, "already-rerun"),
    (RERUN, {"started_at": NOON + MINUTE, "completed": False}, "already-rerun"),
    (OVERRIDE, {}, ""),
    (OVERRIDE, {"conclusion": "success"}, ""),
    (OVERRIDE, {"completed": False}, "still-running"),
]


@pytest.mark.parametrize(("command", "fields", "code"), DECISIONS)
def test_decide(command: SlashCommand, fields: dict[str, Any], code: str) -> None:
    """A failed run is repeated once for each comment; an override needs a complete measurement."""
    decision = decide(command, msgspec.structs.replace(SITUATION, runs=(RUN._replace(**fields),)), TARGETS)
    assert (decision.code if isinstance(decision, Refusal) else "") == code


def test_steps_name_the_head() -> None:
    """Both steps are about exactly the head, and the inputs of the gate name the comment."""
    assert decide(RERUN, SITUATION, TARGETS) == RerunWorkflow(run_id=42, attempt=2, sha="a" * 40)
    inputs = {"commit": "a" * 40, "run-id": "42", "override-reason": "release tonight", "override-comment": "7"}
    assert decide(OVERRIDE, SITUATION, TARGETS) == DispatchWorkflow(workflow="gate.yml", branch="main", inputs=inputs)
    without = decide(OVERRIDE, SITUATION, msgspec.structs.replace(TARGETS, gate_workflow=""))
    assert isinstance(without, Refusal)
    assert without.code == "no-gate-workflow"
