"""What every command shares: common inputs, the services passed in by `main()`, the result handed back to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec

from ghmlops.core.model import Finding, Outcome
from ghmlops.core.policy.document import DEFAULT_PATH

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from ghmlops.commands.shared.console import Console
    from ghmlops.core.context import Context

Doc = msgspec.Meta


class Common(msgspec.Struct, frozen=True, kw_only=True):
    """Inputs of every command. `fail_on` is the flag `--fail-on`, the variable `GHMLOPS_FAIL_ON`, the input `fail-on`.

    A field's type is `str`, `bool`, `int | None` or `Outcome`; its `Doc` is the help and the description in action.yml.
    """

    policy: Annotated[str, Doc(description="Path of the policy file.")] = DEFAULT_PATH
    evidence_dir: Annotated[str, Doc(description="Folder of the evidence files.")] = "evidence"
    leg: Annotated[
        str, Doc(description="Name of this leg (matrix, second run); kept apart in the evidence file's name.")
    ] = ""
    fail_on: Annotated[
        Outcome, Doc(description="The step fails at this outcome and at worse ones: fail, inconclusive or warn.")
    ] = Outcome.FAIL
    dry_run: Annotated[bool, Doc(description="Print what would be done, and do nothing.")] = False
    json: Annotated[bool, Doc(description="Print the result as JSON on standard output.")] = False


class WithToken(Common, frozen=True, kw_only=True):
    """Inputs of the commands that talk to GitHub."""

    token: Annotated[
        str, Doc(description="GitHub token; without one nothing is written to GitHub.", extra={"secret": True})
    ] = ""


class Output(NamedTuple):
    """A step output."""

    name: str
    description: str


OUTCOME_OUTPUTS = (
    Output("outcome", "pass, warn, inconclusive, fail or error."),
    Output("reason-code", "Kebab-case code of the reason, for machines."),
)
EVIDENCE_OUTPUT = Output("evidence-file", "Path of the evidence file that was written.")
VERDICT_OUTPUT = Output("verdict-file", "Path of the verdict file.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What `main()` builds and passes in. `run()` reads no environment, clock or argument vector of its own."""

    context: Context
    environ: Mapping[str, str]
    """For child processes only (git, the user's preview command)."""
    cwd: Path
    now: Callable[[], datetime]
    """UTC, aware."""
    console: Console


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a command hands back: `main()` prints it, writes the outputs and turns it into an exit code."""

    outcome: Outcome
    reason_code: str
    reason: str
    outputs: dict[str, str] = field(default_factory=dict)
    text: str = ""
    """For people, on standard output; already made printable."""
    data: dict[str, Any] = field(default_factory=dict)
    """For `--json`."""
    findings: tuple[Finding, ...] = ()
    """Become annotations of the workflow run where they are not passes."""
    summary: str = ""
    """Markdown for the job summary."""
    exit_code: int | None = None
    """Overrides what `outcome` and `fail-on` give (only `revert` and `gate` need it)."""


def dry_run_result(reason: str, text: str, data: dict[str, Any] | None = None) -> Result:
    """Return the result of a dry run, which performs nothing and passes."""
    return Result(outcome=Outcome.PASS, reason_code="dry-run", reason=reason, text=text, data=data or {})
