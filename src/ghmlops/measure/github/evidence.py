"""Fetches the evidence of a workflow run: the newest artifact of each leg over all attempts, each in its own folder.

Names, times, sizes and digests come from GitHub's API. The content of the archives is hostile and unpacked within
limits.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ghmlops.core.errors import DataError, EvidenceError, GitHubError, InputError
from ghmlops.core.evidence.loaded import Loaded
from ghmlops.measure.evidence import load_folder
from ghmlops.measure.github.download import download
from ghmlops.measure.github.evidence_artifacts import Candidate, LeftOut, newest_of_each_leg, settled_candidates
from ghmlops.measure.github.runs import read_api_run, run_facts, run_number
from ghmlops.measure.unpack import Limits, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ghmlops.clients.github.client import Client
    from ghmlops.core.evidence.run import RunFacts
    from ghmlops.measure.github.artifacts import Artifact

PATTERN = "ghmlops-evidence-*"
"""Names of evidence artifacts. The asterisk stands for `<leg>-<attempt>`, or `<attempt>` if the leg has no name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceLimits:
    """Limits on the evidence of one run; what is beyond them is left out and reported.

    Attributes:
        artifacts: Maximum number of artifacts that are downloaded.
        archive: Maximum bytes of one archive.
        archives: Maximum bytes of all archives together.
        content: Limits on the content of one archive.
        unpacked: Maximum bytes of all unpacked files together.
    """

    artifacts: int = 100
    archive: int = 64 * 1024**2
    archives: int = 256 * 1024**2
    content: Limits = field(default_factory=lambda: Limits(files=500, size=256 * 1024**2))
    unpacked: int = 512 * 1024**2


class FetchedArtifact(NamedTuple):
    """One artifact that was unpacked."""

    name: str
    leg: str
    attempt: int
    created_at: str
    """ISO 8601, by GitHub's clock."""
    digest: str
    """SHA-256 of the archive in hexadecimal, as it was downloaded."""
    folder: Path


class FetchedEvidence(NamedTuple):
    """The evidence of a run."""

    run: RunFacts
    """The facts about the run, with the digests that the API reports of the artifacts that were fetched."""
    artifacts: tuple[FetchedArtifact, ...]
    """Sorted by name."""
    left_out: tuple[LeftOut, ...]
    files: tuple[Loaded, ...]
    """All evidence files, and as an unreadable file each artifact that was left out, except superseded ones."""


def fetch_evidence(  # noqa: PLR0913  (what is fetched, and where to)
    client: Client,
    run_id: int | str,
    pattern: str,
    folder: Path,
    limits: EvidenceLimits | None = None,
    *,
    progress: Callable[[str], None] = lambda _: None,
    attestation: Callable[[Path, str, str], str] | None = None,
) -> FetchedEvidence:
    """Fetch the evidence of a run into `folder`, one folder `<artifact>` per artifact.

    Of each leg the newest artifact counts, by GitHub's creation time, over all attempts: re-running failed jobs keeps
    the artifacts of the attempt before. If that one cannot be used, the leg has none; an older one never replaces it.
    An artifact whose name claims an attempt that the run did not have, or in which it was not created, is no evidence.

    Args:
        client: The connection; its deadline holds for the downloads too.
        run_id: Id of the run.
        pattern: Names of the artifacts, with one asterisk for `<leg>-<attempt>`; see `PATTERN`.
        folder: Folder to create the folders in; it is created if it is missing.
        limits: Limits on number and size; by default `EvidenceLimits()`.
        progress: Reports the amount downloaded so far.
        attestation: Returns why an archive, with its digest and the commit of the run, is not attested; empty if it
            is. An archive without an attestation is left out.

    Raises:
        InputError: `run_id` is not a number, `pattern` has not one asterisk, or the folder cannot be written.
        GitHubError: There is no such run (reason code `not-found`), or a request failed for good. What is wrong with a
            single artifact is no error: it is left out.
    """
    limits = limits or EvidenceLimits()
    start, asterisk, end = pattern.partition("*")
    if not asterisk or "*" in end or not start:
        raise InputError(
            f"input `artifacts`: {pattern[:80]!a} does not have one asterisk after the start of the name",
            hint=f"for example `{PATTERN}`, where the asterisk stands for `<leg>-<attempt>`",
        )
    run = read_api_run(client, run_number(run_id))
    left_out: list[LeftOut] = []
    candidates = settled_candidates(client, run, (start, end), left_out)
    folder.mkdir(parents=True, exist_ok=True)
    newest = newest_of_each_leg(candidates, left_out)
    fetched = _fetch(client, newest, folder, limits, progress, left_out, _verifier(attestation, run.head_sha))
    names = {artifact.name for artifact in fetched}
    digests = {c.artifact.name: _hexadecimal(c.artifact.digest) for c in candidates if c.artifact.name in names}
    return FetchedEvidence(
        run=msgspec.structs.replace(run_facts(run), artifacts=digests),
        artifacts=tuple(sorted(fetched)),
        left_out=tuple(left_out),
        files=(*_load(fetched), *_unusable(left_out)),
    )


def _verifier(attestation: Callable[[Path, str, str], str] | None, commit: str) -> Callable[[Path, str], str] | None:
    """Return the check of an archive and its digest against the attestations of the commit; `None` without a check."""
    if attestation is None:
        return None

    def verify(archive: Path, digest: str) -> str:
        return attestation(archive, digest, commit)

    return verify


def _load(fetched: Sequence[FetchedArtifact]) -> list[Loaded]:
    """Read the evidence files of each artifact, in the order of the artifacts' creation."""
    files = []
    for artifact in sorted(fetched, key=lambda a: (a.created_at, a.name)):
        try:
            loaded = load_folder(artifact.folder)
        except EvidenceError as error:
            loaded = [Loaded(artifact.name, "", None, error.message)]
        files += [
            file._replace(
                artifact=artifact.name,
                artifact_sha256=artifact.digest,
                created=artifact.created_at,
                attempt=artifact.attempt,
            )
            for file in loaded
        ]
    return files


def _unusable(left_out: Sequence[LeftOut]) -> list[Loaded]:
    return [
        Loaded(item.name, "", None, item.reason, artifact=item.name)
        for item in left_out
        if item.reason_code != "superseded"
    ]


def _hexadecimal(digest: str | None) -> str:
    return (digest or "").removeprefix("sha256:")


def _fetch(  # noqa: PLR0913, PLR0917  (what is fetched, and where to)
    client: Client,
    candidates: Sequence[Candidate],
    folder: Path,
    limits: EvidenceLimits,
    progress: Callable[[str], None],
    left_out: list[LeftOut],
    verify: Callable[[Path, str], str] | None,
) -> list[FetchedArtifact]:
    fetched: list[FetchedArtifact] = []
    archives = unpacked = 0
    for candidate in candidates:
        artifact = candidate.artifact
        if len(fetched) >= limits.artifacts:
            reason = f"more than {limits.artifacts} artifacts"
            left_out.append(LeftOut(artifact.name, "too-many-artifacts", reason))
            continue
        room = min(limits.archive, limits.archives - archives)
        size = min(limits.content.size, limits.unpacked - unpacked)
        digest = _fetch_one(client, artifact, folder, room, replace(limits.content, size=size), progress, verify)
        if isinstance(digest, LeftOut):
            left_out.append(digest)
            continue
        target = folder / artifact.name
        archives += artifact.size_in_bytes
        unpacked += sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
        fetched.append(
            FetchedArtifact(artifact.name, candidate.leg, candidate.attempt, artifact.created_at or "", digest, target)
        )
    return fetched


def _fetch_one(  # noqa: PLR0913, PLR0917  (what is fetched, and where to)
    client: Client,
    artifact: Artifact,
    folder: Path,
    room: int,
    content: Limits,
    progress: Callable[[str], None],
    verify: Callable[[Path, str], str] | None,
) -> LeftOut | str:
    """Download and unpack one artifact; return its SHA-256, or why it is left out."""
    name = artifact.name
    if artifact.expired:
        return LeftOut(name, "artifact-expired", "it has expired")
    archive = folder / f"{name}.zip"
    try:
        digest = download(client, artifact, archive, progress, max_bytes=max(room, 0))
        if verify and (problem := verify(archive, digest)):
            return LeftOut(name, "artifact-unattested", f"it {problem}")
        unpack(archive, folder / name, name, lambda _: True, content)
    except GitHubError as error:
        # Only what is wrong with this artifact; a request that fails for other reasons ends the command.
        if error.reason_code not in ("artifact-too-large", "artifact-damaged", "artifact-expired"):
            raise
        return LeftOut(name, error.reason_code, error.message)
    except DataError as error:
        return LeftOut(name, "artifact-unreadable", error.message)
    finally:
        archive.unlink(missing_ok=True)
    return digest
