"""The shards that `merge-shards` joins: read as hostile files, and checked against each other, policy and commit."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.errors import DataError, EvidenceError, PolicyError
from ghmlops.core.evidence.document import EVIDENCE_SCHEMA, Evidence
from ghmlops.core.latency.interval_log import sum_logs, total_histograms
from ghmlops.core.latency.shards.evidence import check_alike, read_shard
from ghmlops.core.latency.shards.first_answers import join_broken, read_broken
from ghmlops.core.latency.shards.schedule import find_contradiction, planned_requests
from ghmlops.measure.evidence import MAX_FILES, decode, list_evidence, read_bounded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.merge_shards.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.evidence.document import Provenance
    from ghmlops.core.latency.shards.evidence import Shard
    from ghmlops.core.latency.shards.first_answers import BrokenShard
    from ghmlops.core.model import Finding
    from ghmlops.core.policy.latency import Latency


_SHARD_FILE = re.compile(r"latency(-(?P<leg>[A-Za-z0-9][A-Za-z0-9._-]{0,63}))?-shard-[0-9]+-of-[0-9]+\.json")
"""Name of the evidence file of a shard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenRun:
    """A run of which shards sent no load.

    Attributes:
        finding: the cause.
        leg: leg of the run.
        seed: seed of the run.
        received: number of shards whose evidence was received.
    """

    finding: Finding
    leg: str
    seed: int | None
    received: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything that the join needs, read and checked.

    Attributes:
        shards: the shards, in ascending order, at least one.
        policy: the section `latency` that the shards were sent by.
        folder: folder of the shards.
        folder_name: the folder as the user named it.
    """

    shards: Sequence[Shard]
    policy: Latency
    folder: Path
    folder_name: str

    @property
    def origin(self) -> Provenance:
        """Provenance of the first shard; all shards have the same commit, seed and policy."""
        return self.shards[0].evidence.provenance


def legs_by_name(inputs: Inputs, services: Services) -> list[str]:
    """Return the legs of the joined evidence, as far as the names of the shards' files show them before they are read.

    There is one leg unless the folder contains shards of several runs, which are refused.
    """
    if inputs.leg:
        return [inputs.leg]
    folder = services.cwd / inputs.shards
    names = (path.name for pattern in ("*.json", "*/*.json") for path in folder.glob(pattern))
    matches = (_SHARD_FILE.fullmatch(name) for name in names)
    return sorted({match["leg"] or "" for match in matches if match}) or [""]


def prepare(inputs: Inputs, services: Services) -> Job | BrokenRun:
    """Read the shards and check that they are parts of one run by this policy on this commit.

    Raises:
        EvidenceError: A file is unusable or of another run, a shard is present twice, or there is no shard.
        PolicyError: The policy is invalid or has no section `latency`.
        InputError: The commit under test is unknown.
    """
    folder = services.cwd / inputs.shards
    files = _read_files(folder, inputs.shards)
    broken = [one for file in files if (one := read_broken(file.name, file.evidence))]
    if broken:
        return _broken_run(inputs, services, files, broken)
    shards = [read_shard(file.name, file.sha256, file.evidence) for file in files]
    check_alike(shards)
    shards.sort(key=lambda shard: shard.run.shard)
    _check_leg(inputs, shards[0].leg)
    policy = _read_policy(inputs, services, shards)
    return Job(shards=shards, policy=policy, folder=folder, folder_name=inputs.shards)


def _check_leg(inputs: Inputs, leg: str) -> None:
    if inputs.leg and inputs.leg != leg:
        raise EvidenceError(
            f"the shards belong to leg {leg[:80]!r}, not {inputs.leg[:80]!r}", hint="omit `--leg` to use theirs"
        )


class _File(NamedTuple):
    """Evidence of a shard: name of the file, its fingerprint, its content."""

    name: str
    sha256: str
    evidence: Evidence


def _read_files(folder: Path, folder_name: str) -> list[_File]:
    files = []
    for path in _evidence_files(folder):
        name = f"{folder_name}/{path.relative_to(folder)}"
        data = read_bounded(path, name)
        sha256 = "sha256:" + hashlib.sha256(data).hexdigest()
        files.append(_File(name, sha256, decode(data, Evidence, EVIDENCE_SCHEMA, name)))
    return files


def _broken_run(inputs: Inputs, services: Services, files: Sequence[_File], broken: Sequence[BrokenShard]) -> BrokenRun:
    """Return what follows from shards that sent no load; all must be of this commit and by this policy."""
    shards = [read_shard(file.name, file.sha256, file.evidence) for file in files if file.evidence.details is not None]
    legs = {one.leg for one in broken} | {shard.leg for shard in shards}
    totals = {one.shards for one in broken} | {shard.run.shards for shard in shards}
    numbers = [one.shard for one in broken] + [shard.run.shard for shard in shards]
    if len(legs) > 1 or len(totals) > 1 or len(set(numbers)) < len(files):
        raise EvidenceError(
            f"{broken[0].file} and the other files are not one run, or a shard is present twice",
            hint="keep only the shards of one run, and of each the file of the newest attempt",
        )
    _check_leg(inputs, broken[0].leg)
    for file in files:
        _check_origin(inputs, services, file.evidence)
    finding = join_broken(broken, len(shards))
    seed = files[0].evidence.provenance.seed
    return BrokenRun(finding=finding, leg=broken[0].leg, seed=seed, received=len(files))


def _evidence_files(folder: Path) -> list[Path]:
    """Return the evidence files of a folder and of its subfolders, into which artifacts are downloaded."""
    files = list_evidence(folder)
    subfolders = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    for path in subfolders[: MAX_FILES + 1]:
        if path.is_symlink():
            raise EvidenceError(f"{path} is a link", hint="keep only the shards' evidence in the folder")
        files += list_evidence(path)
    if len(files) > MAX_FILES or len(subfolders) > MAX_FILES:
        raise EvidenceError(
            f"{folder} contains more than {MAX_FILES} files or folders", hint="is this the right folder?"
        )
    return files


def _read_policy(inputs: Inputs, services: Services, shards: Sequence[Shard]) -> Latency:
    """Return the section `latency`, which must be the one that the shards were sent by, on the same commit."""
    from ghmlops.commands.shared.policy_file import load_policy
    from ghmlops.core.load import presets

    section = load_policy(services.cwd / inputs.policy, inputs.policy).latency
    if section is None:
        raise PolicyError(f"{inputs.policy} has no section `latency`", hint="name the policy of the shards")
    policy = presets.apply(section)
    _check_origin(inputs, services, shards[0].evidence)
    schedule = planned_requests(policy, shards[0].evidence.provenance.seed)
    for shard in shards:
        if problem := find_contradiction(shard, policy, schedule):
            raise EvidenceError(
                f"{shard.file} is not of a run by {inputs.policy}: {problem}",
                hint="write it with the same release of ghmlops",
            )
    return policy


def _check_origin(inputs: Inputs, services: Services, evidence: Evidence) -> None:
    """Check that a shard was sent by this policy on this commit.

    Raises:
        EvidenceError: It was not.
    """
    from ghmlops.commands.shared.provenance import local_commit
    from ghmlops.measure.checkout import fingerprint

    origin = evidence.provenance
    if origin.fingerprints.get("policy") != fingerprint(services.cwd / inputs.policy):
        raise EvidenceError(
            f"the shards were sent by another policy than {inputs.policy}",
            hint="check out the commit that they measured",
        )
    if origin.head_sha != local_commit(services):
        raise EvidenceError(
            f"the shards measured commit {origin.head_sha[:40]}, not the one under test",
            hint="join them in the workflow run that sent them",
        )


def joined_log(job: Job) -> bytes:
    """Return the sum of the shards' histogram logs.

    Raises:
        EvidenceError: A log is missing, is not the one that was written with the evidence, or has other counts.
    """
    logs, hint = [], "keep each shard's `.hlog` next to its evidence"
    for shard in job.shards:
        name = shard.file.removesuffix("json") + "hlog"
        data = read_bounded(job.folder / Path(name).relative_to(job.folder_name), name)
        if shard.run.hlog != "sha256:" + hashlib.sha256(data).hexdigest():
            raise EvidenceError(f"{name} is not the one that was written with {shard.file}", hint=hint)
        try:
            histograms = total_histograms(data)
        except DataError as error:
            raise EvidenceError(f"{name}: {error.message}", hint=hint) from None
        tallied = {arm: part.distributions["response-time"].histogram for arm, part in shard.tally.arms.items()}
        if any(histograms.get(arm) != histogram for arm, histogram in tallied.items() if histogram.total):
            raise EvidenceError(f"{name} has other counts than {shard.file}", hint=hint)
        logs.append(data)
    first = job.shards[0].run
    return sum_logs(logs, first.began if first.start_at is None else first.start_at)
