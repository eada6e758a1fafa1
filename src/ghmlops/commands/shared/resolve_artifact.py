"""Resolves artifact specs to Parquet files on this machine, and their origin."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ghmlops.core.artifacts.spec import CloudSpec, LocalSpec, WorkflowSpec, parse_specs
from ghmlops.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.artifacts.spec import Spec
    from ghmlops.measure.github.artifacts import LocatedArtifact
    from ghmlops.measure.predictions.artifacts.find import ArtifactFiles

DOWNLOAD_SECONDS = 1800.0
"""Time limit for finding and downloading one artifact, which may have several gigabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """One artifact, ready to be read.

    Attributes:
        files: sorted, real paths, each once; at least one.
        hive_root: folder below which `key=value` folders are columns; `None` if there are no such folders.
        display_name: name of the artifact in messages.
        provenance: `source`, and for a workflow's artifact `run-id`, `run-attempt`, `run-event`, `run-conclusion`,
            `head-sha`, `head-branch`, `head-repository`, `created-at` (of the run), `artifact-id`, `artifact-digest`;
            of the second spec `source-2` and so on. Empty values are left out.
    """

    files: tuple[Path, ...]
    hive_root: Path | None
    display_name: str
    provenance: dict[str, str] = field(default_factory=dict)


def resolve(specs: str | Sequence[str], role: str, *, token: str, services: Services, work: Path) -> Resolved:
    """Find the files of an artifact; fetch them first if they are remote.

    Args:
        specs: a text of one or several specs, or a list of specs; see `ghmlops.core.artifacts.spec`.
        role: `baseline`, `candidate` or `labels`; used in messages and in folder names.
        token: GitHub token for artifacts of workflow runs.
        services: services of the command.
        work: private folder for fetched files, which the caller removes.

    Raises:
        InputError: A spec is malformed, or a token or an extra is missing.
        DataError: There are no files, or some cannot be used.
        GitHubError: The artifact cannot be downloaded.
    """
    parsed = parse_specs(specs, f"the {role}")
    resolved: list[ArtifactFiles] = []
    provenance: dict[str, str] = {}
    for number, spec in enumerate(parsed, start=1):
        files, origin = _resolve_one(spec, token, _role_services(services, role), work / f"{role}-{number}")
        resolved.append(files)
        suffix = f"-{number}" if number > 1 else ""
        provenance |= {f"{key}{suffix}": value for key, value in {"source": spec.text, **origin}.items() if value}
    return _join(parsed, resolved, provenance)


def _join(parsed: Sequence[Spec], resolved: Sequence[ArtifactFiles], provenance: dict[str, str]) -> Resolved:
    from ghmlops.measure.predictions.artifacts.find import join_files

    more = f" and {len(parsed) - 1:,} more" if len(parsed) > 1 else ""
    joined = join_files(resolved, f"{parsed[0].text}{more}")
    return Resolved(
        files=joined.files, hive_root=joined.hive_root, display_name=joined.display_name, provenance=provenance
    )


def _role_services(services: Services, role: str) -> Services:
    """Return the services for one role: the candidate is always read from the checkout of the change."""
    return replace(services, trusted=None) if role == "candidate" else services


def _resolve_one(spec: Spec, token: str, services: Services, folder: Path) -> tuple[ArtifactFiles, dict[str, str]]:
    """Return the files of one spec and their origin; fetched files are stored in `folder`."""
    from ghmlops.commands.shared.input_paths import input_path
    from ghmlops.measure.predictions.artifacts.find import find_files

    match spec:
        case LocalSpec():
            path = input_path(services, spec.pattern)
            return find_files(LocalSpec(pattern=str(path)), services.cwd, spec.text), {}
        case CloudSpec():
            from ghmlops.measure.predictions.artifacts.object_store import fetch

            return fetch(spec, folder, services.environ, services.console.progress), {}
        case WorkflowSpec():
            located = download_workflow_artifact(spec, token, services, folder)
            files = find_files(LocalSpec(pattern=spec.path or "."), folder, spec.text)
            return files, _origin(located)


def download_workflow_artifact(spec: WorkflowSpec, token: str, services: Services, folder: Path) -> LocatedArtifact:
    """Download the archive of an artifact and unpack it into `folder`, which must not exist.

    Raises:
        InputError: There is no token.
        DataError: The archive cannot be unpacked.
        GitHubError: The artifact cannot be found or downloaded.
    """
    from ghmlops.measure import checkout
    from ghmlops.measure.github import connect
    from ghmlops.measure.github.artifacts import locate
    from ghmlops.measure.github.download import download
    from ghmlops.measure.unpack import unpack

    if not token:
        raise InputError(
            f"{spec.text}: artifacts of workflow runs need a token",
            hint="pass `token: ${{ github.token }}` to actions/regression in a separate job with `permissions: "
            "{contents: read, actions: read}`; `check` takes no token, because it runs the code of the change",
        )
    console, archive = services.console, folder.with_name(f"{folder.name}.zip")
    repository = services.context.repository or checkout.repository_name(services.cwd)
    with connect(
        token=token,
        api_url=services.context.api_url,
        repository=repository,
        note=console.note,
        time_limit=DOWNLOAD_SECONDS,
    ) as client:
        located = locate(client, spec)
        download(client, located.artifact, archive, console.progress)
    # All files, because a table format shows in files of other names.
    unpack(archive, folder, spec.text, lambda _: True)
    archive.unlink()
    console.note(f"{spec.text}: run {located.run.id} ({located.run.event}) of commit {located.run.head_sha[:12]}")
    return located


def _origin(located: LocatedArtifact) -> dict[str, str]:
    run, artifact = located.run, located.artifact
    return {
        "run-id": str(run.id),
        "run-attempt": str(run.run_attempt),
        "run-event": run.event,
        "run-conclusion": run.conclusion or run.status or "",
        "head-sha": run.head_sha,
        "head-branch": run.head_branch or "",
        "head-repository": run.head_repository.full_name if run.head_repository else "",
        "created-at": run.created_at,
        "artifact-id": str(artifact.id),
        "artifact-digest": artifact.digest or "",
    }
