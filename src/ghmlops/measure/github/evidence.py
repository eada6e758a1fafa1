"""Fetches the evidence of a workflow run: the newest artifact of each leg over all attempts, each in its own folder.

Names, times, sizes and digests come from GitHub's API. The content of the archives is hostile and unpacked within
limits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ghmlops.clients import retry
from ghmlops.clients.github import calls
from ghmlops.core.errors import DataError, EvidenceError, GitHubError, InputError
from ghmlops.core.evidence.loaded import Loaded
from ghmlops.measure.evidence import load_folder
from ghmlops.measure.github.artifacts import artifacts_of_run
from ghmlops.measure.github.download import download
from ghmlops.measure.github.runs import READ, Run, read_api_run, run_facts, run_number
from ghmlops.measure.unpack import Limits, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ghmlops.clients.github.client import Client
    from ghmlops.core.evidence.run import RunFacts
    from ghmlops.measure.github.artifacts import Artifact

PATTERN = "ghmlops-evidence-*"
"""Names of evidence artifacts. The asterisk stands for `<leg>-<attempt>`, or `<attempt>` if the leg has no name."""
MAX_ATTEMPTS = 20
"""Maximum attempts whose start is compared with the times of artifacts; each takes one request."""
CLOCK_SKEW = timedelta(seconds=60)
"""Clocks of GitHub's services may differ by this much."""
_LEG = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?"
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")
"""Names that can be part of a path."""
_FAR_PAST = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


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


class LeftOut(NamedTuple):
    """One artifact with a name of evidence that was not used, and why."""

    name: str
    reason_code: str
    """`superseded`, `artifact-expired`, `artifact-damaged`, `artifact-too-large`, `too-many-artifacts`,
    `artifact-unreadable`, `artifact-unattested`, `attempt-impossible`, `attempt-mismatch` or `name-malformed`."""
    reason: str
    """One sentence without a full stop."""


class FetchedEvidence(NamedTuple):
    """The evidence of a run."""

    run: RunFacts
    """The facts about the run, with the digests that the API reports of the artifacts that were fetched."""
    artifacts: tuple[FetchedArtifact, ...]
    """Sorted by name."""
    left_out: tuple[LeftOut, ...]
    files: tuple[Loaded, ...]
    """All evidence files, and as an unreadable file each artifact that was left out, except superseded ones."""


class _Candidate(NamedTuple):
    created: datetime
    attempt: int
    leg: str
    artifact: Artifact


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
    candidates = _settled_candidates(client, run, (start, end), left_out)
    folder.mkdir(parents=True, exist_ok=True)
    newest = _newest_of_each_leg(candidates, left_out)
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


def _settled_candidates(
    client: Client, run: Run, affixes: tuple[str, str], left_out: list[LeftOut]
) -> list[_Candidate]:
    """Return the artifacts, read again while a leg has none of the newest attempt.

    Such a leg was not run again, or GitHub's list lags behind its upload: then an older result would be taken for the
    newest one.
    """
    for seconds in (*retry.SEARCH_DELAYS, 0.0):
        left_out.clear()
        candidates = _candidates(client, run, affixes, left_out)
        newest: dict[str, int] = {}
        for candidate in candidates:
            newest[candidate.leg] = max(newest.get(candidate.leg, 0), candidate.attempt)
        if all(attempt == run.run_attempt for attempt in newest.values()) or client.remaining() <= seconds:
            break
        client.sleep(seconds)
    return candidates


def _candidates(client: Client, run: Run, affixes: tuple[str, str], left_out: list[LeftOut]) -> list[_Candidate]:
    """Return the artifacts whose name and time fit the run."""
    start, end = affixes
    pattern = re.compile(rf"(?:(?P<leg>{_LEG})-)?(?P<attempt>[1-9][0-9]{{0,5}})")
    candidates = []
    for artifact in artifacts_of_run(client, run.id, max_pages=calls.MAX_PAGES):
        if not artifact.name.startswith(start) or not artifact.name.endswith(end):
            continue
        match = pattern.fullmatch(artifact.name[len(start) : len(artifact.name) - len(end)])
        if match is None or not _SAFE.fullmatch(artifact.name):
            reason = f"its name is not `{start}<leg>-<attempt>{end}`"
            left_out.append(LeftOut(ascii(artifact.name)[1:-1][:200], "name-malformed", reason))
            continue
        attempt = int(match["attempt"])
        if attempt > run.run_attempt:
            reason = f"its name claims attempt {attempt}, but run {run.id} has {run.run_attempt}"
            left_out.append(LeftOut(artifact.name, "attempt-impossible", reason))
            continue
        candidates.append(_Candidate(_time(artifact.created_at), attempt, match["leg"] or "", artifact))
    return _within_their_attempts(client, run, candidates, left_out)


def _within_their_attempts(
    client: Client, run: Run, candidates: Sequence[_Candidate], left_out: list[LeftOut]
) -> list[_Candidate]:
    """Return the artifacts that were created during the attempt that their name claims."""
    if run.run_attempt == 1 or not candidates:
        return list(candidates)
    numbers = range(max(1, run.run_attempt - MAX_ATTEMPTS + 1), run.run_attempt + 1)
    starts = {number: _attempt_start(client, run, number) for number in numbers}
    fitting = []
    for candidate in candidates:
        start, end = starts.get(candidate.attempt), starts.get(candidate.attempt + 1)
        early = start is not None and candidate.created < start - CLOCK_SKEW
        late = end is not None and candidate.created > end + CLOCK_SKEW
        if early or late:
            reason = f"it was created at {candidate.artifact.created_at}, not during attempt {candidate.attempt}"
            left_out.append(LeftOut(candidate.artifact.name, "attempt-mismatch", reason))
        else:
            fitting.append(candidate)
    return fitting


def _attempt_start(client: Client, run: Run, number: int) -> datetime | None:
    if number == run.run_attempt:
        attempt = run
    else:
        activity = f"reading attempt {number} of run {run.id}"
        address = f"actions/runs/{run.id}/attempts/{number}"
        attempt = calls.read(client, address, Run, activity=activity, permission=READ)
    return _time(attempt.run_started_at) if attempt.run_started_at else None


def _newest_of_each_leg(candidates: Sequence[_Candidate], left_out: list[LeftOut]) -> list[_Candidate]:
    """Return the newest candidate of each leg, newest first."""
    ordered = sorted(candidates, key=lambda c: (c.created, c.attempt, c.artifact.id), reverse=True)
    newest: dict[str, _Candidate] = {}
    for candidate in ordered:
        newer = newest.setdefault(candidate.leg, candidate)
        if newer is not candidate:
            reason = f"{newer.artifact.name} of the same leg is newer"
            left_out.append(LeftOut(candidate.artifact.name, "superseded", reason))
    return list(newest.values())


def _fetch(  # noqa: PLR0913, PLR0917  (what is fetched, and where to)
    client: Client,
    candidates: Sequence[_Candidate],
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


def _time(text: str | None) -> datetime:
    """Return a time of the API; the far past if it is missing or malformed."""
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return _FAR_PAST
    return time if time.tzinfo else _FAR_PAST
