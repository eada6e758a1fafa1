"""The evidence of a run: fetched from GitHub by the id of the run, or read from a folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from ghmlops.commands.shared.evidence_folder import read_evidence_folder
from ghmlops.core.errors import InputError
from ghmlops.core.model import NotMeasured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.evidence.loaded import Loaded
    from ghmlops.core.evidence.run import RunFacts
    from ghmlops.measure.github import Client
    from ghmlops.measure.github.attestations import Signer


ARTIFACTS, FOLDER, BRANCH_PREFIX = "artifacts", "folder", "branch:"
"""Where the evidence of a run is."""
REMOTE = "origin"


class _Inputs(Protocol):
    @property
    def run_id(self) -> str: ...
    @property
    def token(self) -> str: ...
    @property
    def artifacts(self) -> str: ...
    @property
    def evidence_dir(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceSource:
    """Evidence and where it comes from.

    Attributes:
        files: the files, readable or not.
        absent: what is missing.
        run: the run that measured, as the API reports it; `None` if the files come from a folder.
        unavailable: why nothing could be fetched; otherwise empty.
    """

    files: Sequence[Loaded] = ()
    absent: Sequence[NotMeasured] = field(default=())
    run: RunFacts | None = None
    unavailable: str = ""


def read_evidence(
    inputs: _Inputs,
    services: Services,
    client: Client | None,
    *,
    signer: Signer | None = None,
    origin: str = ARTIFACTS,
) -> EvidenceSource:
    """Return the evidence of the run `inputs.run_id`, or of the folder if it is empty.

    Args:
        inputs: inputs of the command.
        services: services of the command.
        client: connection to GitHub; `None` without a token.
        origin: where the evidence of a run is: `artifacts`, `folder`, or the name of a branch (`branch:NAME`).
        signer: who must have attested each artifact; `None` if attestations are not verified.

    Raises:
        InputError: There is no token to fetch it with, or a folder cannot be attested.
        GitHubError: It could not be fetched; `PermissionMissing` names the permission.
    """
    if signer and (not inputs.run_id or origin != ARTIFACTS):
        raise InputError(
            "input `signer-workflow`: files of a folder or a branch have no attestation",
            hint="name the run whose artifacts are attested: --run-id",
        )
    if not inputs.run_id:
        files, absent = read_evidence_folder(services.cwd / inputs.evidence_dir, inputs.evidence_dir)
        return EvidenceSource(files=files, absent=absent)
    if client is None:
        raise InputError(
            "input `run-id`: evidence cannot be fetched without a token",
            hint="pass `token: ${{ github.token }}` with `permissions: {actions: read}`, or use --evidence-dir",
        )
    if origin != ARTIFACTS:
        return _without_artifacts(inputs, services, client, origin)
    from ghmlops.core.evidence.limits import within_limits
    from ghmlops.measure.github.evidence import fetch_evidence
    from ghmlops.measure.temporary import temporary_folder

    with temporary_folder("ghmlops-evidence-") as folder:
        attestation = None
        if signer:
            from ghmlops.measure.github.attestations import attestation_problem

            attestation = partial(attestation_problem, signer=signer, environ=services.environ)
        fetched = fetch_evidence(client, inputs.run_id, inputs.artifacts, folder, attestation=attestation)
    absent = [
        NotMeasured(what=f"artifact {item.name}", why=item.reason)
        for item in fetched.left_out
        if item.reason_code == "superseded"
    ]
    # Each folder was bounded when it was read; here all artifacts together.
    return EvidenceSource(files=within_limits(fetched.files), absent=absent, run=fetched.run)


def _without_artifacts(inputs: _Inputs, services: Services, client: Client, origin: str) -> EvidenceSource:
    """Return the evidence of a run on a server without artifacts; the facts about the run come from its API.

    Raises:
        InputError: The origin is not one of the three, or the remote has no such branch.
        GitHubError: The run could not be read.
        GitError: The remote cannot be reached.
    """
    from ghmlops.core.evidence.limits import within_limits
    from ghmlops.measure.evidence_branch import read_branch
    from ghmlops.measure.github.runs import read_run, run_number
    from ghmlops.measure.temporary import temporary_folder

    branch = origin.removeprefix(BRANCH_PREFIX) if origin.startswith(BRANCH_PREFIX) else ""
    if origin != FOLDER and not branch:
        raise InputError(
            f"input `evidence-from`: expected artifacts, folder or branch:NAME, got {origin[:80]!a}",
            hint="for example `branch:ghmlops-evidence`",
        )
    run = read_run(client, inputs.run_id)
    if origin == FOLDER:
        files, absent = read_evidence_folder(services.cwd / inputs.evidence_dir, inputs.evidence_dir)
        return EvidenceSource(files=files, absent=absent, run=run)
    with temporary_folder("ghmlops-evidence-") as folder:
        loaded = read_branch(
            services.cwd,
            services.environ,
            remote=REMOTE,
            branch=branch,
            token=inputs.token,
            run_id=run_number(run.run_id),
            attempts=run.attempt,
            folder=folder,
        )
    return EvidenceSource(files=within_limits(loaded), run=run)
