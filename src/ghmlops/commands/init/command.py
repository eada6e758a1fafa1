"""Writes the policy and the workflows, all or none."""

from __future__ import annotations

import contextlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ghmlops.commands.init.proposal import propose
from ghmlops.commands.init.questions import answered
from ghmlops.commands.shared.base import Result, dry_run_result
from ghmlops.core.adoption.policy_text import missing_roles, policy_text
from ghmlops.core.adoption.workflow_text import workflow_texts
from ghmlops.core.errors import InputError
from ghmlops.core.model import Outcome
from ghmlops.core.policy.document import DEFAULT_PATH
from ghmlops.core.policyfile.document import read_policy
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from ghmlops.commands.init.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.adoption.policy_text import Proposal

WORKFLOWS = ".github/workflows"


def run(inputs: Inputs, services: Services) -> Result:
    """Write the files, or print them with `dry-run`.

    Raises:
        InputError: A file exists, nothing can be measured, or an input is not valid.
        PolicyError: An input is not a valid value of the policy.
    """
    inputs = answered(inputs, services)
    unknown: list[str] = []
    if inputs.starter:
        policy = (Path(__file__).parent.parent.parent / "starter.yml").read_text(encoding="utf-8")
    else:
        proposal = propose(inputs, services)
        unknown = _unknown(proposal)
        if not (proposal.has_service or proposal.has_regression):
            raise InputError(
                f"nothing to measure was recognised: {'; '.join(unknown)}",
                hint="state it by flags, or write a commented example with `ghmlops init --starter`",
            )
        policy = policy_text(proposal)
    service = read_policy(policy, inputs.policy).service
    files = {inputs.policy: policy} | _workflows(inputs, services, service)
    existing = [name for name in files if _exists(services.cwd / name, name)]
    if existing:
        raise InputError(
            f"{', '.join(existing)} already exists" if len(existing) == 1 else f"{', '.join(existing)} already exist",
            hint="nothing was written; move them away, edit them, or name another file with --policy",
        )
    return _finish(files, unknown, inputs, services)


def _workflows(inputs: Inputs, services: Services, service: str) -> dict[str, str]:
    """Return the workflows by their paths; those of a service in a folder of the checkout have its name."""
    from ghmlops.measure.repository.files import branch_name, folder_in_checkout

    folder = folder_in_checkout(services.cwd)
    texts = workflow_texts(
        folder=folder,
        service=service,
        policy=inputs.policy,
        default_policy=DEFAULT_PATH,
        setup=inputs.setup,
        branch=branch_name(services.cwd),
        environment=inputs.environment,
    )
    up = "../" * len(PurePosixPath(folder).parts)
    return {f"{up}{WORKFLOWS}/{name}": text for name, text in texts.items()}


def _finish(files: dict[str, str], unknown: list[str], inputs: Inputs, services: Services) -> Result:
    listed = [f"not known: {line}" for line in unknown]
    if inputs.dry_run:
        parts = [f"# {name}\n{text}" for name, text in files.items()]
        text = terminal.block(line for part in [*parts, *listed] for line in part.splitlines())
        return dry_run_result("Nothing was written.", text, {"files": files, "unknown": unknown})
    _write_all(files, services.cwd)
    next_step = "next: `ghmlops policy check`, then commit these files"
    if unknown:
        next_step += f"; add what is not known to {inputs.policy}, or delete them and run `init` with the flags"
    return Result(
        outcome=Outcome.PASS,
        reason_code="files-written",
        reason=f"{len(files)} files were written.",
        text=terminal.block([*(f"wrote {name}" for name in files), *listed, next_step]),
        data={"files": list(files), "unknown": unknown},
    )


def _unknown(proposal: Proposal) -> list[str]:
    """Return what could not be derived, with the flag that states it."""
    lines = []
    if not proposal.has_service:
        lines.append("how the service is started (--command or --url): no `preview`, no `latency`")
    else:
        if not proposal.path:
            lines.append("the path that receives requests (--path): no `latency`")
        if not proposal.payloads:
            lines.append("a file with request bodies (--payloads): no `latency`")
    if proposal.candidate and proposal.uncommitted and not proposal.predict:
        lines.append(f"how {proposal.candidate}, which git does not track, is made (--predict): commit it, or state it")
    if not (proposal.candidate or proposal.predict):
        lines.append("a Parquet file with predictions (--candidate; run the script that writes one): no `regression`")
    source = proposal.candidate or "the predictions"
    lines += [f"the {name} of {source} ({why}): no `regression`" for name, why in missing_roles(proposal)]
    return [*lines, *(f"{line}: left out" for line in proposal.unread)]


def _exists(path: Path, name: str) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        raise InputError(f"cannot write {name[:80]}: {error}", hint="choose another path") from None
    return True


def _write_all(files: dict[str, str], root: Path) -> None:
    """Write all files; if one cannot be written, remove the others and the folders that were created for them."""
    from ghmlops.act.files import write_atomically

    folders = {parent for name in files for parent in (root / name).parents if not parent.exists()}
    written: list[Path] = []
    try:
        for name, text in files.items():
            written.append(write_atomically(root / name, text))
    except BaseException:
        for path in written:
            path.unlink()
        for folder in sorted(folders, key=lambda f: len(f.parts), reverse=True):
            with contextlib.suppress(OSError):  # It holds a file that is not ours, or was never created.
                folder.rmdir()
        raise
