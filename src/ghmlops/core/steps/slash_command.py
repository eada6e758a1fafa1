"""A command in a comment on a pull request: what it says, and whether it is carried out. The text is hostile."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ghmlops.core.steps.step import REASON_LIMIT, DispatchWorkflow, RerunWorkflow, short

if TYPE_CHECKING:
    from collections.abc import Sequence

PREFIX = "/ghmlops"
USAGE = f"`{PREFIX} rerun` or `{PREFIX} override REASON`, alone in the first line of a comment"
FAILED = ("failure", "cancelled", "timed_out", "startup_failure", "stale")
"""Conclusions of a run after which it is worth a repetition."""


class SlashCommand(NamedTuple):
    """A command."""

    name: str
    """`rerun` or `override`."""
    reason: str = ""
    """Why the person overrides, on one line."""


class Refusal(NamedTuple):
    """Why a command is not carried out."""

    code: str
    sentence: str


class MeasuringRun(NamedTuple):
    """A run that measured the head of the pull request; the times are GitHub's."""

    id: int
    completed: bool
    conclusion: str
    attempt: int
    created_at: datetime
    started_at: datetime
    """Start of the newest attempt."""


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What GitHub states about a comment and its pull request; nothing comes from the text of the comment."""

    commented_at: datetime
    edited: bool
    is_bot: bool
    """Whether no person wrote the comment."""
    is_open: bool
    head_sha: str
    runs: Sequence[MeasuringRun]
    """Runs of the measuring workflow for the head."""
    forced: Sequence[datetime] = ()
    """Times at which the branch of the pull request was replaced by a force push."""

    @property
    def newest(self) -> MeasuringRun | None:
        """The newest run, by its creation; `None` if there is none."""
        return max(self.runs, key=lambda run: (run.created_at, run.id), default=None)


class Targets(msgspec.Struct, frozen=True, kw_only=True):
    """What a command is applied to."""

    gate_workflow: str
    """File name of the workflow that an override starts; empty if the repository allows no overrides by comment."""
    branch: str
    """Default branch, whose version of that workflow runs."""
    comment_id: int


def parse(body: str) -> SlashCommand | Refusal | None:
    """Return the command in the first line of a comment, why it is none, or `None` if nothing is requested."""
    lines = body.split("\n")
    words = lines[0].split()
    if not words or words[0] != PREFIX or not lines[0].startswith(PREFIX):
        return None
    if any(line.split()[:1] == [PREFIX] for line in lines[1:]):
        return Refusal("several-commands", f"A comment may contain one command: {USAGE}.")
    name, reason = (words[1] if len(words) > 1 else ""), short(" ".join(words[2:]), REASON_LIMIT)
    if name == "rerun" and not reason:
        return SlashCommand(name)
    if name == "override":
        if not any(character.isalnum() for character in reason):
            return Refusal("no-reason", f"An override needs a reason: `{PREFIX} override REASON`.")
        return SlashCommand(name, reason)
    return Refusal("unknown-command", f"There are two commands: {USAGE}.")


def refusal(situation: Situation, *, allowed: bool, who: str) -> Refusal | None:
    """Return why no command of this comment is carried out; `None` if nothing is against it.

    The head must be the commit that the author could see. The time of a commit is its author's choice; the time at
    which GitHub created the run that measures it is not, and each push creates one. A force push may return to a commit
    that was measured before, so that none may follow the comment.

    Args:
        situation: What GitHub states.
        allowed: Whether GitHub confirms that the author has the role.
        who: Who has it, as it is named in a sentence.
    """
    newest = situation.newest
    problems = (
        (situation.is_bot, "bot", "Only a person may write a command, and a bot wrote this comment."),
        (situation.edited, "comment-edited", "The comment was edited, so that its text is not the one of its author."),
        (not allowed, "not-allowed", f"GitHub does not confirm that you may do this; {who} may."),
        (not situation.is_open, "closed", "The pull request is closed."),
        (newest is None, "no-run", f"Commit {situation.head_sha[:7]} has not been measured."),
        (
            newest is not None and max((newest.created_at, *situation.forced)) >= situation.commented_at,
            "head-newer",
            f"Commit {situation.head_sha[:7]} was pushed after the comment; look at it, and comment again.",
        ),
    )
    return next((Refusal(code, sentence) for holds, code, sentence in problems if holds), None)


def decide(command: SlashCommand, situation: Situation, targets: Targets) -> RerunWorkflow | DispatchWorkflow | Refusal:
    """Return the step that carries a command out, or why nothing is done.

    Args:
        command: The command.
        situation: What GitHub states, without a `refusal`.
        targets: What the command is applied to.
    """
    run = situation.newest
    if run is None:
        raise ValueError("a command without a run: call refusal first")
    if command.name == "rerun" and run.started_at > situation.commented_at:
        return Refusal("already-rerun", f"The run was started again after the comment; this is attempt {run.attempt}.")
    if not run.completed:
        return Refusal("still-running", "The measurement is still running; its report follows.")
    if command.name == "rerun":
        if run.conclusion not in FAILED:
            return Refusal("nothing-failed", f"The run that measured commit {situation.head_sha[:7]} did not fail.")
        return RerunWorkflow(run_id=run.id, attempt=run.attempt, sha=situation.head_sha)
    if not targets.gate_workflow:
        return Refusal("no-gate-workflow", "Overrides by comment are not set up in this repository.")
    inputs = {
        "commit": situation.head_sha,
        "run-id": str(run.id),
        "override-reason": command.reason,
        "override-comment": str(targets.comment_id),
    }
    return DispatchWorkflow(workflow=targets.gate_workflow, branch=targets.branch, inputs=inputs)
