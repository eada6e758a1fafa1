"""The evidence of a run: the newest of each leg over all attempts, checked against what the API says, within limits."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.core.errors import GitHubError, InputError
from ghmlops.measure.github.evidence import PATTERN, EvidenceLimits, FetchedEvidence, fetch_evidence
from ghmlops.measure.unpack import Limits

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.clients.github.client import Client
    from github_api.server import Api

SHA = "c" * 40
STARTS = {"1": "2026-01-01T10:00:00Z", "2": "2026-01-01T11:00:00Z", "3": "2026-01-01T12:00:00Z"}


def archive(**files: str) -> bytes:
    """Return a ZIP archive with text files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name, text in files.items():
            opened.writestr(f"{name}.json", text)
    return buffer.getvalue()


def seed_run(api: Api, attempts: int = 1, **fields: Any) -> None:
    """Add run 42 with attempts that start hourly from ten o'clock."""
    starts = {number: {"run_started_at": start} for number, start in STARTS.items() if int(number) <= attempts}
    defaults = {"event": "pull_request", "path": ".github/workflows/pr-gate.yml@refs/heads/main"}
    row = {**defaults, "created_at": STARTS[str(attempts)], "attempts": starts, "run_attempt": attempts, **fields}
    api.seed(runs=[{"id": 42, "head_sha": SHA, **row}])


def seed_artifact(
    api: Api, suffix: str, time: str = "10:05", content: bytes = b"", attempt: int = 1, **fields: Any
) -> None:
    """Add an artifact of run 42 that was created at `time`."""
    row = {
        "run_id": 42,
        "attempt": attempt,
        "name": f"ghmlops-evidence-{suffix}",
        "zip_base64": base64.b64encode(content or archive(latency=suffix)).decode(),
        "created_at": f"2026-01-01T{time}:00Z",
        **fields,
    }
    api.seed(artifacts=[row])


def fetch(client: Client, folder: Path, limits: EvidenceLimits | None = None) -> FetchedEvidence:
    """Fetch the evidence of run 42."""
    return fetch_evidence(client, "42", PATTERN, folder, limits)


def reasons(evidence: FetchedEvidence) -> dict[str, str]:
    """Return the reason code of each artifact that was left out, without the common start of the names."""
    return {item.name.removeprefix("ghmlops-evidence-"): item.reason_code for item in evidence.left_out}


def legs(evidence: FetchedEvidence) -> dict[str, str]:
    """Return the artifact that counts for each leg."""
    return {item.leg: item.name.removeprefix("ghmlops-evidence-") for item in evidence.artifacts}


def test_run_is_described_by_the_api(api: Api, client: Client, tmp_path: Path) -> None:
    """Repository, commit, fork, event, workflow, attempt, conclusion and digests come from the API."""
    seed_run(api, attempts=2, conclusion="failure", head_repository="mallory/shop")
    content = archive(latency="{}")
    seed_artifact(api, "1", content=content)
    facts = fetch(client, tmp_path).run
    assert (facts.run_id, facts.attempt, facts.repository, facts.head_sha) == ("42", 2, "acme/shop", SHA)
    assert (facts.head_repository, facts.event, facts.conclusion) == ("mallory/shop", "pull_request", "failure")
    assert facts.workflow == ".github/workflows/pr-gate.yml"
    assert facts.artifacts == {"ghmlops-evidence-1": hashlib.sha256(content).hexdigest()}


def test_each_artifact_has_its_own_folder(api: Api, client: Client, tmp_path: Path) -> None:
    """Two artifacts with files of one name do not overwrite each other; other artifacts are not fetched."""
    seed_run(api)
    seed_artifact(api, "small-1")
    seed_artifact(api, "large-1")
    seed_artifact(api, "x", name="predictions")
    evidence = fetch(client, tmp_path / "new")
    texts = {a.leg: (a.folder / "latency.json").read_text() for a in evidence.artifacts}
    assert texts == {"small": "small-1", "large": "large-1"}
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == [
        "ghmlops-evidence-large-1",
        "ghmlops-evidence-small-1",
    ]
    assert (evidence.left_out, len(evidence.files)) == ((), 2)
    assert {(f.file, f.artifact, f.attempt, f.created) for f in evidence.files} >= {
        ("latency.json", "ghmlops-evidence-large-1", 1, "2026-01-01T10:05:00Z")
    }


def test_legs_of_earlier_attempts_count(api: Api, client: Client, tmp_path: Path) -> None:
    """After failed jobs were run again, legs that were not repeated count with their artifacts of the attempt before.

    Ids are not in order of time, so the creation time decides.
    """
    seed_run(api, attempts=2)
    seed_artifact(api, "b-2", "11:05", attempt=2)
    seed_artifact(api, "a-1")
    seed_artifact(api, "b-1")
    evidence = fetch(client, tmp_path)
    assert legs(evidence) == {"a": "a-1", "b": "b-2"}
    assert reasons(evidence) == {"b-1": "superseded"}
    assert [f.artifact for f in evidence.files] == ["ghmlops-evidence-a-1", "ghmlops-evidence-b-2"]


NAMES = [
    # end of the name, leg, attempt
    ("1", "", 1),
    ("a-1", "a", 1),
    ("a-2-1", "a-2", 1),
    ("py3.12_x-1", "py3.12_x", 1),
]


@pytest.mark.parametrize(("suffix", "leg", "attempt"), NAMES)
def test_names(api: Api, client: Client, tmp_path: Path, suffix: str, leg: str, attempt: int) -> None:
    """The name ends in the attempt; what precedes it is the leg."""
    seed_run(api)
    seed_artifact(api, suffix)
    assert [(a.leg, a.attempt) for a in fetch(client, tmp_path).artifacts] == [(leg, attempt)]


@pytest.mark.parametrize(
    "suffix", ["a", "a-0", "a-01", "-1", "a-1-", "a b-1", "../a-1", "a/b-1", "\u0430-1", "a-9999999"]
)
def test_malformed_names_are_no_evidence(api: Api, client: Client, tmp_path: Path, suffix: str) -> None:
    """An artifact without attempt, or with a name that is not plain, is reported and leaves nothing on disk."""
    seed_run(api)
    seed_artifact(api, suffix)
    evidence = fetch(client, tmp_path)
    assert (evidence.artifacts, [item.reason_code for item in evidence.left_out]) == ((), ["name-malformed"])
    assert [f.evidence for f in evidence.files] == [None]
    assert list(tmp_path.iterdir()) == []


def test_attempt_above_that_of_the_run(api: Api, client: Client, tmp_path: Path) -> None:
    """An artifact that claims an attempt that the run does not have neither counts nor replaces another one."""
    seed_run(api)
    seed_artifact(api, "a-1")
    seed_artifact(api, "a-2", "10:30")
    evidence = fetch(client, tmp_path)
    assert (legs(evidence), reasons(evidence)) == ({"a": "a-1"}, {"a-2": "attempt-impossible"})


FORGED = [
    # name, time, attempt of the job that uploads it: none was created during the attempt that its name claims
    ("a-1", "11:30", 2),
    ("a-2", "10:30", 1),
    ("a-1", "09:00", 1),
    ("a-2", "12:30", 3),
]


@pytest.mark.parametrize(("suffix", "time", "attempt"), FORGED)
def test_attempt_in_which_it_was_not_created(
    api: Api, client: Client, tmp_path: Path, suffix: str, time: str, attempt: int
) -> None:
    """The creation time must lie within the attempt that the name claims."""
    seed_run(api, attempts=3)
    seed_artifact(api, suffix, time, attempt=attempt)
    seed_artifact(api, "b-3", "12:10", attempt=3)
    evidence = fetch(client, tmp_path)
    assert (legs(evidence), reasons(evidence)) == ({"b": "b-3"}, {suffix: "attempt-mismatch"})


HOSTILE = [
    # fields of the newest artifact, reason code
    ({"expired": True}, "artifact-expired"),
    ({"digest": "sha256:" + "0" * 64}, "artifact-damaged"),
    ({"content": b"no archive"}, "artifact-unreadable"),
    ({"content": archive(**{"../../evil": "x"})}, "artifact-unreadable"),
    ({"content": archive(a="x" * 3_000_000)}, "artifact-too-large"),
    ({"content": archive(a="x" * 1_200_000)}, "artifact-unreadable"),
    ({"content": archive(**{f"f{i}": "x" for i in range(9)})}, "artifact-unreadable"),
    ({"size_in_bytes": 3_000_000}, "artifact-too-large"),
]
LIMITS = EvidenceLimits(archive=2_000_000, content=Limits(files=5, size=1_000_000))


@pytest.mark.parametrize(("fields", "code"), HOSTILE)
def test_unusable_artifact_is_not_replaced_by_an_older_one(
    api: Api, client: Client, tmp_path: Path, fields: dict[str, Any], code: str
) -> None:
    """If the newest artifact of a leg cannot be used, the leg has none; the other legs are fetched, nothing is left."""
    seed_run(api, attempts=2)
    seed_artifact(api, "a-1")
    seed_artifact(api, "b-1")
    seed_artifact(api, "a-2", "11:05", attempt=2, **fields)
    evidence = fetch(client, tmp_path, LIMITS)
    assert (legs(evidence), reasons(evidence)) == ({"b": "b-1"}, {"a-1": "superseded", "a-2": code})
    assert [f.artifact for f in evidence.files if not f.artifact_sha256] == ["ghmlops-evidence-a-2"]
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".zip"] == []


def test_number_and_total_size_are_bounded(api: Api, client: Client, tmp_path: Path) -> None:
    """What is beyond the limits is reported; the newest come first."""
    seed_run(api)
    for number in range(6):
        seed_artifact(api, f"l{number}-1", f"10:0{number}", content=archive(a="x" * 1000))
    few = fetch(client, tmp_path / "a", EvidenceLimits(artifacts=2))
    assert sorted(legs(few)) == ["l4", "l5"]
    assert set(reasons(few).values()) == {"too-many-artifacts"}
    small = fetch(client, tmp_path / "b", EvidenceLimits(archives=3000))
    assert (sorted(legs(small)), set(reasons(small).values())) == (["l4", "l5"], {"artifact-too-large"})
    unpacked = fetch(client, tmp_path / "c", EvidenceLimits(unpacked=2500))
    assert (sorted(legs(unpacked)), set(reasons(unpacked).values())) == (["l4", "l5"], {"artifact-unreadable"})


def test_flood_of_artifacts_hides_nothing(api: Api, client: Client, tmp_path: Path) -> None:
    """Hundreds of other artifacts do not push the evidence out of the list."""
    seed_run(api)
    seed_artifact(api, "a-1")
    for number in range(1100):
        seed_artifact(api, "", "10:50", name=f"flood-{number}")
    assert legs(fetch(client, tmp_path)) == {"a": "a-1"}


def test_transport_failures_end_the_command(api: Api, client: Client, tmp_path: Path) -> None:
    """A store that cannot be reached is an error of the command, not missing evidence."""
    seed_run(api)
    seed_artifact(api, "a-1")
    api.seed(faults=[{"kind": "status", "status": 500, "path": "/zip$", "times": 9}])
    with pytest.raises(GitHubError) as caught:
        fetch(client, tmp_path)
    assert caught.value.reason_code == "github-unavailable"


@pytest.mark.parametrize("run_id", ["", "x", "0", "-1", "1" * 30, "\u0664\u0662", "42/artifacts"])
def test_id_of_the_run_is_a_number(client: Client, tmp_path: Path, run_id: str) -> None:
    """Anything but a number is an input error before any request."""
    with pytest.raises(InputError):
        fetch_evidence(client, run_id, PATTERN, tmp_path)


@pytest.mark.parametrize("pattern", ["", "*", "ghmlops-evidence", "a-*-*"])
def test_pattern_has_one_asterisk(client: Client, tmp_path: Path, pattern: str) -> None:
    """A pattern without a start, or with another number of asterisks, is an input error."""
    with pytest.raises(InputError, match="artifacts"):
        fetch_evidence(client, 42, pattern, tmp_path)


def test_unknown_run_is_reported(client: Client, tmp_path: Path) -> None:
    """A run that the repository does not have is an error with its own reason code."""
    with pytest.raises(GitHubError, match="42") as caught:
        fetch(client, tmp_path)
    assert caught.value.reason_code == "not-found"
