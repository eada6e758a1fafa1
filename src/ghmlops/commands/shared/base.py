"""Common inputs and outputs of all commands, the services that `main()` passes in, and the result that it receives."""

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
    from ghmlops.commands.shared.trusted_inputs import TrustedInputs
    from ghmlops.core.context import Context

Doc = msgspec.Meta


class Common(msgspec.Struct, frozen=True, kw_only=True):
    """Inputs of every command. The field `fail_on` is the flag `--fail-on`, `GHMLOPS_FAIL_ON` and the input `fail-on`.

    The type of a field is `str`, `bool`, `int | None` or `Outcome`; its `Doc` is the help text and the description in
    action.yml.
    """

    policy: Annotated[str, Doc(description="Path of the policy file.")] = DEFAULT_PATH
    working_directory: Annotated[
        str, Doc(description="Folder of the service, to which all other paths are relative; empty: the top folder.")
    ] = ""
    evidence_dir: Annotated[str, Doc(description="Folder of the evidence files.")] = "evidence"
    leg: Annotated[
        str, Doc(description="Name of this leg (matrix, second run), which becomes part of the evidence file's name.")
    ] = ""
    fail_on: Annotated[
        Outcome, Doc(description="The step fails at this outcome and at any worse one: fail, inconclusive or warn.")
    ] = Outcome.FAIL
    dry_run: Annotated[bool, Doc(description="Print what would be done, without doing it.")] = False
    json: Annotated[bool, Doc(description="Print the result as JSON on standard output.")] = False


class WithToken(Common, frozen=True, kw_only=True):
    """Inputs of the commands that use the GitHub API."""

    token: Annotated[
        str, Doc(description="GitHub token; without a token nothing is written to GitHub.", extra={"secret": True})
    ] = ""


class WithAlerts(WithToken, frozen=True, kw_only=True):
    """Inputs of the commands that act: where alerts about it go. The addresses are secrets."""

    alert_webhook: Annotated[
        str, Doc(description="Address that receives a JSON alert about a hold, rollback or revert; from a secret.")
    ] = ""
    alert_slack: Annotated[
        str, Doc(description="Address of an incoming webhook of Slack for the same alerts; from a secret.")
    ] = ""


class LoadLimits(Common, frozen=True, kw_only=True):
    """Inputs of the commands that send requests: limits that the policy of a change can narrow and not extend."""

    allow_hosts: Annotated[
        str,
        Doc(
            description="Hosts beyond this machine that may be loaded, by commas or lines: names, *.example.com, "
            "addresses, networks; targets in the policy can only narrow them."
        ),
    ] = ""
    allow_env: Annotated[
        str,
        Doc(description="Names of the variables whose value the policy may send in a header, by commas or lines."),
    ] = ""
    connect_to: Annotated[
        str,
        Doc(
            description="Connect to another host for a name, as curl does: HOST:PORT:CONNECT-HOST:CONNECT-PORT, by "
            "commas or lines; allow-hosts must include both."
        ),
    ] = ""
    client_certificate: Annotated[
        str, Doc(description="PEM file with certificate and private key, if the service demands a client certificate.")
    ] = ""


class Output(NamedTuple):
    """A step output."""

    name: str
    description: str


OUTCOME_OUTPUTS = (
    Output("outcome", "pass, warn, inconclusive, fail or error."),
    Output("reason-code", "Machine-readable code of the reason, in kebab case."),
)
EVIDENCE_OUTPUT = Output("evidence-file", "Path of the written evidence file.")
VERDICT_OUTPUT = Output("verdict-file", "Path of the verdict file.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Services that `main()` builds and passes in; `run()` itself reads no environment, clock or argument vector."""

    context: Context
    environ: Mapping[str, str]
    """Environment of child processes (git, the user's preview command)."""
    cwd: Path
    now: Callable[[], datetime]
    """Current time, timezone-aware (UTC)."""
    console: Console
    trusted: TrustedInputs | None = None
    """Files of the baseline's commit, which are read in place of those of the change; set by `check`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Result of a command: `main()` prints it, writes the outputs and derives the exit code."""

    outcome: Outcome
    reason_code: str
    reason: str
    outputs: dict[str, str] = field(default_factory=dict)
    text: str = ""
    """Human-readable text for standard output; already printable."""
    data: dict[str, Any] = field(default_factory=dict)
    """Data for `--json`."""
    findings: tuple[Finding, ...] = ()
    """Findings; those that did not pass become annotations of the workflow run, if it is `annotated`."""
    annotated: bool = True
    """False if a check run on the change has the annotations, so that they are not shown twice."""
    summary: str = ""
    """Markdown for the job summary."""
    exit_code: int | None = None
    """Overrides the exit code that follows from `outcome` and `fail-on` (used by `revert` and `gate`)."""


def dry_run_result(reason: str, text: str, data: dict[str, Any] | None = None) -> Result:
    """Return the result of a dry run, which performs nothing and passes."""
    return Result(outcome=Outcome.PASS, reason_code="dry-run", reason=reason, text=text, data=data or {})
