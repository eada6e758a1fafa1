"""`init` writes a commented starter policy; `check` validates a policy and prints what would run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from ghmlops.commands.shared.base import OUTCOME_OUTPUTS, Common, Doc, Result, dry_run_result
from ghmlops.commands.shared.policy_file import load_policy
from ghmlops.core.errors import InputError, nearest
from ghmlops.core.model import Outcome
from ghmlops.core.policy.summary import describe
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Services

TASKS = ("init", "check")


class Inputs(Common, frozen=True, kw_only=True):
    """Inputs of `policy`."""

    task: Annotated[str, Doc(description="init or check.", extra={"positional": True})]


OUTPUTS = OUTCOME_OUTPUTS


def run(inputs: Inputs, services: Services) -> Result:
    """Run `policy init` or `policy check`.

    Raises:
        InputError: The task is unknown, or `init` would overwrite a file.
        PolicyError: The policy is not valid.
    """
    path = services.cwd / inputs.policy
    if inputs.task == "init":
        return _init(path, inputs)
    if inputs.task == "check":
        return _check(path, inputs)
    raise InputError(f'"{inputs.task}" is not a task of `policy`', hint=nearest(inputs.task, TASKS))


def _check(path: Path, inputs: Inputs) -> Result:
    from ghmlops.core.latency.planning.plan_text import plan_lines

    policy = load_policy(path, inputs.policy)
    lines = [*describe(policy), *(plan_lines(policy.latency) if policy.latency else [])]
    return Result(
        outcome=Outcome.PASS,
        reason_code="policy-valid",
        reason=f"{inputs.policy} is a valid policy.",
        text=terminal.block([f"{inputs.policy}: valid. It would run:", *(f"  {line}" for line in lines)]),
        data={"runs": lines, "policy": msgspec.to_builtins(policy)},
    )


def _init(path: Path, inputs: Inputs) -> Result:
    from ghmlops.act.files import write_atomically

    starter = (Path(__file__).parent.parent / "starter.yml").read_text(encoding="utf-8")
    try:
        exists = path.exists()
    except OSError as error:
        raise InputError(f"cannot write {inputs.policy[:80]}: {error.strerror}", hint="choose another path") from None
    if exists:
        raise InputError(f"{inputs.policy} already exists", hint="edit it, or name another file with --policy")
    if inputs.dry_run:
        return dry_run_result(f"{inputs.policy} would be written.", starter)
    write_atomically(path, starter)
    return Result(
        outcome=Outcome.PASS,
        reason_code="policy-written",
        reason=f"{inputs.policy} was written.",
        text=f"wrote {inputs.policy}; edit it, then run `ghmlops policy check`",
        data={"policy_file": inputs.policy},
    )
