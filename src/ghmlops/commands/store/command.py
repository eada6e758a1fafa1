"""Stores the evidence of a run on a branch, for servers without artifacts; runs no code of the change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.shared.base import Result, dry_run_result
from ghmlops.commands.shared.evidence_folder import read_evidence_folder
from ghmlops.core.errors import EvidenceError, InputError
from ghmlops.core.evidence.stored import MAX_BYTES, MAX_FILES, parse_path, stored_path
from ghmlops.core.model import Outcome
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.store.inputs import Inputs

MESSAGE = "Evidence of run {run_id}, attempt {attempt}"


def run(inputs: Inputs, services: Services) -> Result:
    """Read the shared path, and add its evidence to the branch under the run and its attempt.

    Both come from the runner or from GitHub, never from a file. Only files that match the schema are stored; what they
    state is judged by the command that reads them.

    Raises:
        InputError: The run is unknown, or the branch contains other evidence of this attempt.
        EvidenceError: The path contains no evidence, a file that is none, or too much.
        PermissionMissing: The token does not allow pushing.
        GitError: The remote cannot be reached, or rejected the branch.
        GitHubError: The run could not be read.
    """
    from ghmlops.act.git import open_repository
    from ghmlops.act.git.evidence_branch import store

    run_id, attempt = _run(inputs, services)
    files = _files(inputs, services, run_id, attempt)
    subject = f"{len(files)} evidence files of run {run_id}, attempt {attempt}"
    if inputs.dry_run:
        return dry_run_result(f"{subject} would be stored on {inputs.branch}.", terminal.block(files))
    stored = store(
        open_repository(services.cwd, services.environ),
        files,
        remote=inputs.remote,
        branch=inputs.branch,
        token=inputs.token,
        message=MESSAGE.format(run_id=run_id, attempt=attempt),
        note=services.console.note,
    )
    reason = f"{subject} are on {inputs.branch} at {stored.commit[:12]}; {stored.added} were added."
    return Result(
        outcome=Outcome.PASS,
        reason_code="stored" if stored.added else "already-stored",
        reason=reason,
        outputs={"evidence-sha": stored.commit, "files": str(len(files))},
        text=terminal.block([reason]),
        data={"commit": stored.commit, "files": list(files), "added": stored.added},
    )


def _run(inputs: Inputs, services: Services) -> tuple[int, int]:
    """Return id and attempt of the run that measured."""
    from ghmlops.commands.shared.github import connection
    from ghmlops.measure.github.runs import read_run, run_number

    context = services.context
    if not inputs.run_id or inputs.run_id == context.run_id:
        return run_number(context.run_id), context.run_attempt
    if not inputs.token:
        raise InputError(
            "input `run-id`: another run cannot be read without a token", hint="pass `token: ${{ github.token }}`"
        )
    with connection(inputs.token, services) as client:
        facts = read_run(client, inputs.run_id)
    return run_number(facts.run_id), facts.attempt


def _files(inputs: Inputs, services: Services, run_id: int, attempt: int) -> dict[str, bytes]:
    """Return the content of each evidence file by its path on the branch."""
    folder = services.cwd / inputs.evidence_dir
    loaded, absent = read_evidence_folder(folder, inputs.evidence_dir)
    if absent or not loaded:
        raise EvidenceError(
            f"{inputs.evidence_dir} contains no evidence",
            hint="name the shared path that the measuring job wrote to with --evidence-dir",
        )
    files: dict[str, bytes] = {}
    for item in loaded:
        path = stored_path(run_id, attempt, item.file)
        if item.evidence is None or parse_path(path) is None:
            raise EvidenceError(
                f"{item.file} cannot be stored: {item.problem or 'its name is no name of evidence'}",
                hint="let the shared path contain nothing but what the measuring job of this run wrote",
            )
        files[path] = (folder / item.file).read_bytes()
    if len(files) > MAX_FILES or sum(map(len, files.values())) > MAX_BYTES:
        raise EvidenceError(
            f"{inputs.evidence_dir} contains more than {MAX_FILES} files or {MAX_BYTES:,} bytes of evidence",
            hint="let each leg write less, or store fewer legs per run",
        )
    return files
