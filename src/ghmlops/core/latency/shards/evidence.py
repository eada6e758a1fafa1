"""Evidence files of shards: reading them, and checking that they are the parts of one run."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

import msgspec

from ghmlops.core.details.latency import LatencyDetails
from ghmlops.core.details.load_runs import ShardRun
from ghmlops.core.errors import EvidenceError
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.latency.constants import MAX_SHARDS
from ghmlops.core.latency.shards.inputs import shard_leg
from ghmlops.core.latency.shards.tally_file import unpack
from ghmlops.core.latency.tally import Tally
from ghmlops.core.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MAX_EPOCH = 1e11
"""Seconds of the Unix epoch up to which a start time is accepted; later times are damaged data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """The evidence file of one shard, read and validated."""

    file: str
    sha256: str
    evidence: Evidence
    details: LatencyDetails
    run: ShardRun
    tally: Tally

    @property
    def leg(self) -> str:
        """The leg of the run, without the suffix of the shard."""
        return self.evidence.leg.removesuffix(shard_leg("", self.run.shard, self.run.shards)).removesuffix("-")


def read_shard(file: str, sha256: str, evidence: Evidence) -> Shard:
    """Return a shard from its evidence, which another job has written.

    Args:
        file: Name of the file, for messages.
        sha256: Fingerprint of the file.
        evidence: Content of the file.

    Raises:
        EvidenceError: The file is not the evidence of a shard, or its numbers are impossible.
    """
    details = evidence.details
    if evidence.command != "latency" or not isinstance(details, LatencyDetails) or details.shard is None:
        raise EvidenceError(
            f"{file} is not the evidence of a shard", hint="remove all other files from the folder of the shards"
        )
    hint = "write all shards with the same release of ghmlops"
    run = details.shard
    if details.tally is None:
        raise EvidenceError(f"{file} cannot be used as the evidence of a shard: it contains no tally", hint=hint)
    try:
        tally = unpack(details.tally)
    except ValueError as error:  # includes msgspec.ValidationError
        raise EvidenceError(f"{file} cannot be used as the evidence of a shard: {error}", hint=hint) from None
    if problem := _find_problem(run, tally, evidence):
        raise EvidenceError(f"{file} cannot be used as the evidence of a shard: {problem}", hint=hint)
    return Shard(file=file, sha256=sha256, evidence=evidence, details=details, run=run, tally=tally)


def _find_problem(run: ShardRun, tally: Tally, evidence: Evidence) -> str:
    """Return what is impossible about a shard; empty if nothing is."""
    has_start = run.shards == 1 or run.start_at is not None
    times = [run.began, 0.0 if run.start_at is None else run.start_at]
    if not (1 <= run.shard <= run.shards <= MAX_SHARDS and run.warmup >= 0):
        return f"there is no shard {run.shard} of {run.shards}"
    if not (has_start and all(math.isfinite(time) and 0 <= time < _MAX_EPOCH for time in times)):
        return "its start is not a valid time"
    if sorted(run.arms) != sorted(tally.arms) or not len(run.arms) == len(run.connections) == len(run.waited):
        return "its arms are not those of its tally"
    complete = tally.full_schedule and tally.requests == tally.max_requests
    if not complete or any(pair.shard != run.shard for pair in tally.pairs):
        return "it does not contain the complete part of one shard"
    if evidence.outcome not in (Outcome.INCONCLUSIVE, Outcome.ERROR):
        return f"its outcome is {evidence.outcome.value}, but a shard alone is not a measurement"
    has_suffix = evidence.leg.endswith(shard_leg("", run.shard, run.shards))
    return "" if has_suffix else f"its leg is {evidence.leg[:80]!r}"


_COMMON_PROPERTIES: dict[str, Callable[[Shard], Any]] = {
    "commit": lambda s: s.evidence.provenance.head_sha,
    "repository": lambda s: s.evidence.provenance.repository,
    "leg": lambda s: s.leg,
    "number of shards": lambda s: s.run.shards,
    "start": lambda s: s.run.start_at,
    "schedule": lambda s: s.run.schedule,
    "seed": lambda s: s.evidence.provenance.seed,
    "policy": lambda s: s.evidence.provenance.fingerprints.get("policy", ""),
    "data": lambda s: {k: v for k, v in s.evidence.provenance.fingerprints.items() if k.startswith(("data", "trace"))},
    "version of ghmlops": lambda s: s.evidence.provenance.version,
    "settings": lambda s: s.details.settings,
    "arms": lambda s: s.run.arms,
    "objectives": lambda s: sorted(s.tally.objectives),
    "measurements": lambda s: [sorted(arm.distributions) for arm in s.tally.arms.values()],
    "endpoints": lambda s: [len(arm.endpoints) for arm in s.tally.arms.values()],
}
"""Properties that all shards of one run have in common, by their name in messages."""


def check_alike(shards: Sequence[Shard]) -> None:
    """Check that all shards are parts of one run, and that no shard is present twice.

    Raises:
        EvidenceError: There is no shard, one differs from most others, or one is present twice; the message names it.
    """
    if not shards:
        raise EvidenceError(
            "there is no evidence of a shard", hint="download the artifacts of the shards into the folder `--shards`"
        )
    for name, value_of in _COMMON_PROPERTIES.items():
        keys = [msgspec.json.encode(value_of(shard), order="deterministic") for shard in shards]
        usual = Counter(keys).most_common(1)[0][0]
        for shard, key in zip(shards, keys, strict=True):
            if key != usual:
                raise EvidenceError(
                    f"{shard.file} is not part of the same run: its {name} is {key.decode()[:80]}, that of the others "
                    f"{usual.decode()[:80]}",
                    hint="merge only the shards of one run",
                )
    occurrences = Counter(shard.run.shard for shard in shards)
    for shard in shards:
        if occurrences[shard.run.shard] > 1:
            files = ", ".join(other.file for other in shards if other.run.shard == shard.run.shard)
            times = occurrences[shard.run.shard]
            raise EvidenceError(
                f"shard {shard.run.shard} of {shard.run.shards} is present {times} times: {files}",
                hint="keep only the file of the newest attempt",
            )


def sum_shards(shards: Sequence[Shard]) -> Tally:
    """Return the sum of the shards' tallies; requires that `check_alike` has passed."""
    return reduce(add, (shard.tally for shard in sorted(shards, key=lambda s: s.run.shard)))
