"""The artifacts of a run that may be evidence: by name, attempt and time, the newest of each leg."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.clients import retry
from ghmlops.clients.github import calls
from ghmlops.measure.github.artifacts import artifacts_of_run
from ghmlops.measure.github.runs import READ, Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.clients.github.client import Client
    from ghmlops.measure.github.artifacts import Artifact

MAX_ATTEMPTS = 20
"""Maximum attempts whose start is compared with the times of artifacts; each takes one request."""
CLOCK_SKEW = timedelta(seconds=60)
"""Clocks of GitHub's services may differ by this much."""
_LEG = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?"
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")
"""Names that can be part of a path."""
_FAR_PAST = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class LeftOut(NamedTuple):
    """One artifact with a name of evidence that was not used, and why."""

    name: str
    reason_code: str
    """`superseded`, `artifact-expired`, `artifact-damaged`, `artifact-too-large`, `too-many-artifacts`,
    `artifact-unreadable`, `artifact-unattested`, `attempt-impossible`, `attempt-mismatch` or `name-malformed`."""
    reason: str
    """One sentence without a full stop."""


class Candidate(NamedTuple):
    """An artifact whose name fits."""

    created: datetime
    attempt: int
    leg: str
    artifact: Artifact


def settled_candidates(client: Client, run: Run, affixes: tuple[str, str], left_out: list[LeftOut]) -> list[Candidate]:
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


def _candidates(client: Client, run: Run, affixes: tuple[str, str], left_out: list[LeftOut]) -> list[Candidate]:
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
        candidates.append(Candidate(_time(artifact.created_at), attempt, match["leg"] or "", artifact))
    return _within_their_attempts(client, run, candidates, left_out)


def _within_their_attempts(
    client: Client, run: Run, candidates: Sequence[Candidate], left_out: list[LeftOut]
) -> list[Candidate]:
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


def newest_of_each_leg(candidates: Sequence[Candidate], left_out: list[LeftOut]) -> list[Candidate]:
    """Return the newest candidate of each leg, newest first."""
    ordered = sorted(candidates, key=lambda c: (c.created, c.attempt, c.artifact.id), reverse=True)
    newest: dict[str, Candidate] = {}
    for candidate in ordered:
        newer = newest.setdefault(candidate.leg, candidate)
        if newer is not candidate:
            reason = f"{newer.artifact.name} of the same leg is newer"
            left_out.append(LeftOut(candidate.artifact.name, "superseded", reason))
    return list(newest.values())


def _time(text: str | None) -> datetime:
    """Return a time of the API; the far past if it is missing or malformed."""
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return _FAR_PAST
    return time if time.tzinfo else _FAR_PAST
