"""Shards of one schedule: which part each sends, whether they belong together, and their sum. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

import msgspec

from ghmlops.core.details.latency import LatencyDetails, ShardRun
from ghmlops.core.errors import EvidenceError, InputError
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.latency.findings import guard_findings, judge_tally
from ghmlops.core.latency.tally import Tally
from ghmlops.core.latency.tally_file import unpack
from ghmlops.core.model import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ghmlops.core.policy.latency import Latency

DOCS = "actions/merge-shards/README.md#shards"
MOST_SHARDS = 256
LATE_START = 1.0
"""Seconds behind the common start from which on a shard was late: the others had begun without it."""
_FURTHEST = 3600.0
_SHARD = re.compile(r"([0-9]{1,4})/([0-9]{1,4})")
_EPOCH = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?")
_HINT = "write both shards of a half as `1/2` and `2/2`; there may be 256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One shard's evidence file, read and checked."""

    file: str
    sha256: str
    evidence: Evidence
    details: LatencyDetails
    run: ShardRun
    tally: Tally

    @property
    def leg(self) -> str:
        """The leg without the shard's own part."""
        return self.evidence.leg.removesuffix(shard_leg("", self.run.shard, self.run.shards)).removesuffix("-")


def shard_leg(leg: str, shard: int, shards: int) -> str:
    """Return the leg of a shard's evidence: `shard-3-of-16`, the leg given in front."""
    return f"{leg}-shard-{shard}-of-{shards}" if leg else f"shard-{shard}-of-{shards}"


def parse_shard(text: str) -> tuple[int, int] | None:
    """Read the input `shard`: `3/16`, or nothing.

    Raises:
        InputError: it is neither.
    """
    if not text:
        return None
    found = _SHARD.fullmatch(text.strip())
    if not found:
        raise InputError(f'input `shard`: expected k/N such as 3/16, got "{text[:40]}"', hint=_HINT)
    shard, shards = int(found[1]), int(found[2])
    if not 1 <= shards <= MOST_SHARDS:
        raise InputError(f"input `shard`: {shards} shards; expected 1 to {MOST_SHARDS}", hint=_HINT)
    if not 1 <= shard <= shards:
        raise InputError(f"input `shard`: there is no shard {shard} of {shards}; they are counted from 1", hint=_HINT)
    return shard, shards


def parse_start(text: str, now: float) -> float | None:
    """Read the input `start-at`: seconds of the Unix epoch, or nothing. A time that has passed is taken as it is.

    Raises:
        InputError: it is not a number, or more than an hour ahead of `now`.
    """
    if not text:
        return None
    hint = "give seconds of the Unix epoch, for example `$(($(date +%s) + 60))`"
    if not _EPOCH.fullmatch(text.strip()):
        raise InputError(f'input `start-at`: expected a number of seconds, got "{text[:40]}"', hint=hint)
    value = float(text)
    if value > now + _FURTHEST:
        ahead = value - now
        raise InputError(f"input `start-at`: {ahead:,.0f} s ahead; expected at most {_FURTHEST:,.0f}", hint=hint)
    return value


def read_shard(file: str, sha256: str, evidence: Evidence) -> Shard:
    """Return a shard from its evidence, which another job has written.

    Raises:
        EvidenceError: it is not the evidence of a shard, or its numbers are impossible.
    """
    details = evidence.details
    if evidence.command != "latency" or not isinstance(details, LatencyDetails) or details.shard is None:
        raise EvidenceError(
            f"{file} is not the evidence of a shard", hint="keep nothing else in the folder of the shards"
        )
    hint = "write it with the same release of ghmlops"
    run = details.shard
    if details.tally is None:
        raise EvidenceError(f"{file} is not usable as the evidence of a shard: it contains no tally", hint=hint)
    try:
        tally = unpack(details.tally)
    except ValueError as error:  # msgspec.ValidationError is one
        raise EvidenceError(f"{file} is not usable as the evidence of a shard: {error}", hint=hint) from None
    if problem := _impossible(run, tally, evidence):
        raise EvidenceError(f"{file} is not usable as the evidence of a shard: {problem}", hint=hint)
    return Shard(file=file, sha256=sha256, evidence=evidence, details=details, run=run, tally=tally)


def _impossible(run: ShardRun, tally: Tally, evidence: Evidence) -> str:
    together = run.shards == 1 or run.start_at is not None
    times = [run.began, 0.0 if run.start_at is None else run.start_at]
    if not (1 <= run.shard <= run.shards <= MOST_SHARDS and run.warmup >= 0):
        return f"there is no shard {run.shard} of {run.shards}"
    if not (together and all(math.isfinite(time) and 0 <= time < 1e11 for time in times)):
        return "its start is no time"
    if sorted(run.arms) != sorted(tally.arms) or not len(run.arms) == len(run.connections) == len(run.waited):
        return "its arms are not those of its tally"
    if any(pair.shard != run.shard for pair in tally.pairs) or not tally.whole or tally.requests != tally.most:
        return "it is not the whole part of one shard"
    if evidence.outcome not in (Outcome.INCONCLUSIVE, Outcome.ERROR):
        return f"its outcome is {evidence.outcome.value}, and a part is no measurement"
    named = evidence.leg.endswith(shard_leg("", run.shard, run.shards))
    return "" if named else f"its leg is {evidence.leg[:80]!r}"


_ALIKE: dict[str, Callable[[Shard], Any]] = {
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
    "measurements": lambda s: [sorted(arm.spreads) for arm in s.tally.arms.values()],
    "endpoints": lambda s: [len(arm.endpoints) for arm in s.tally.arms.values()],
}
"""What all shards of one run have in common."""


def check_alike(shards: Sequence[Shard]) -> None:
    """See that all shards are parts of one run, each there once.

    Raises:
        EvidenceError: none is there, one differs from most others (it is named), or one is there twice.
    """
    if not shards:
        raise EvidenceError(
            "no shard's evidence was found", hint="download the artifacts of the shards into the folder `--shards`"
        )
    for what, of in _ALIKE.items():
        keys = [msgspec.json.encode(of(shard), order="deterministic") for shard in shards]
        usual = Counter(keys).most_common(1)[0][0]
        for shard, key in zip(shards, keys, strict=True):
            if key != usual:
                seen, other = key.decode()[:80], usual.decode()[:80]
                raise EvidenceError(
                    f"{shard.file} is not a part of the same run: its {what} is {seen}, that of others {other}",
                    hint="merge the shards of one run only",
                )
    counted = Counter(shard.run.shard for shard in shards)
    for shard in shards:
        if counted[shard.run.shard] > 1:
            files = ", ".join(other.file for other in shards if other.run.shard == shard.run.shard)
            raise EvidenceError(
                f"shard {shard.run.shard} of {shard.run.shards} is there {counted[shard.run.shard]} times: {files}",
                hint="keep the one of the newest attempt",
            )


def sum_up(shards: Sequence[Shard]) -> Tally:
    """Return the sum of the shards' tallies; `check_alike` has passed."""
    return reduce(add, (shard.tally for shard in sorted(shards, key=lambda s: s.run.shard)))


def shard_findings(run: ShardRun, tally: Tally) -> list[Finding]:
    """Return what one shard says by itself: that it is only a part, and its guards."""
    part = Finding(
        id="shard",
        metric="shards",
        description="A shard is a part of a measurement and no measurement by itself.",
        outcome=Outcome.INCONCLUSIVE,
        reason=f"Shard {run.shard} of {run.shards}; `ghmlops merge-shards` judges them together.",
        docs=DOCS,
        n=tally.requests,
    )
    # Blocks without enough answers are the sum's to judge: whether failed requests explain them is seen there.
    return [part, *guard_findings(msgspec.structs.replace(tally, missing=0), None)]


def judge_shards(shards: Sequence[Shard], policy: Latency) -> list[Finding]:
    """Return every finding of the sum; judgements are taken back where a shard is missing, was late or tripped."""
    first = _shards_finding(shards)
    found = judge_tally(sum_up(shards), policy)
    if first.outcome is Outcome.PASS:
        return [first, *found]
    return [first, *(f if f.id.startswith("guard-") else _taken_back(f) for f in found)]


def _taken_back(finding: Finding) -> Finding:
    reason = f"Not judged, because the load was not the one asked for: {finding.reason}"
    return msgspec.structs.replace(finding, outcome=Outcome.INCONCLUSIVE, reason=reason)


def _shards_finding(shards: Sequence[Shard]) -> Finding:
    """Return the finding on the shards themselves: all there, begun together, none of them tripped."""
    several = shards[0].run.shards
    there = {shard.run.shard: shard for shard in shards}
    missing = [str(number) for number in range(1, several + 1) if number not in there]
    late = [f"{n} ({s.run.late:.1f} s)" for n, s in sorted(there.items()) if s.run.late > LATE_START]
    early = [f"{n} ({s.run.early:.1f} s)" for n, s in sorted(there.items()) if s.run.early > LATE_START]
    tripped = [f"shard {n}: {why}" for n, s in sorted(there.items()) if (why := _tripped(s))]
    outcome, reason = Outcome.PASS, f"All {several} shards are there and began together."
    sent, schedule = sum(shard.tally.requests for shard in shards), shards[0].run.schedule
    if not missing and sent != schedule:
        tripped.append(f"the shards sent {sent:,} requests an arm, and the schedule has {schedule:,}")
    problems = []
    if missing:
        problems.append(f"missing: shard {', '.join(missing)} of {several}")
    if late:
        problems.append(f"started late: shard {', '.join(late)} of {several}")
    if early:
        problems.append(f"started early: shard {', '.join(early)} of {several}")
    if tripped:
        outcome, reason = Outcome.ERROR, "; ".join([*(t.rstrip(".") for t in tripped), *problems]) + "."
    elif problems:
        outcome = Outcome.INCONCLUSIVE
        reason = f"The shards did not offer the whole load together; {'; '.join(problems)}."
    return Finding(
        id="shards",
        metric="shards",
        description="Every shard of the schedule was sent, and all began together.",
        outcome=outcome,
        reason=reason,
        docs=DOCS,
        n=len(shards),
    )


def _tripped(shard: Shard) -> str:
    """Say which guard of a shard tripped, by its own words or by its counts; empty where none did."""
    evidence = shard.evidence
    if evidence.outcome is Outcome.ERROR or any(f.outcome is Outcome.ERROR for f in evidence.findings):
        return evidence.reason
    found = shard_findings(shard.run, shard.tally)
    return next((f.reason for f in found if f.outcome is Outcome.ERROR), "")
