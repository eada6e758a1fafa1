"""Findings on a single shard, and on the sum of all shards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.latency.constants import MAX_START_DELAY
from ghmlops.core.latency.findings import judge_tally
from ghmlops.core.latency.guards import guard_findings
from ghmlops.core.latency.shards.evidence import sum_shards
from ghmlops.core.model import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.details.load_runs import ShardRun
    from ghmlops.core.latency.shards.evidence import Shard
    from ghmlops.core.latency.tally import Tally
    from ghmlops.core.policy.latency import Latency

DOCS = "actions/merge-shards/README.md#shards"


def shard_findings(run: ShardRun, tally: Tally) -> list[Finding]:
    """Return the findings on one shard alone: that it is only a part, and its guards."""
    part = Finding(
        id="shard",
        metric="shards",
        description="A shard is a part of a measurement and no measurement by itself.",
        outcome=Outcome.INCONCLUSIVE,
        reason=f"Shard {run.shard} of {run.shards} is only a part; `ghmlops merge-shards` judges all shards together.",
        docs=DOCS,
        n=tally.requests,
    )
    # Blocks without enough responses are judged in the sum, which knows whether failed requests explain them.
    return [part, *guard_findings(msgspec.structs.replace(tally, missing=0), None)]


def judge_shards(shards: Sequence[Shard], policy: Latency) -> list[Finding]:
    """Return every finding of the sum; all are withdrawn if a shard is missing, was late, or violated a guard."""
    first = _shards_finding(shards)
    findings = judge_tally(sum_shards(shards), policy)
    if first.outcome is Outcome.PASS:
        return [first, *findings]
    return [first, *(f if f.id.startswith("guard-") else _withdraw(f) for f in findings)]


def _withdraw(finding: Finding) -> Finding:
    reason = f"Not judged, because the load was not the planned one: {finding.reason}"
    return msgspec.structs.replace(finding, outcome=Outcome.INCONCLUSIVE, reason=reason)


def _shards_finding(shards: Sequence[Shard]) -> Finding:
    """Return the finding on the shards themselves: all are present, started together, and violated no guard."""
    total = shards[0].run.shards
    by_number = {shard.run.shard: shard for shard in sorted(shards, key=lambda shard: shard.run.shard)}
    missing = [str(number) for number in range(1, total + 1) if number not in by_number]
    late = [f"{n} ({s.run.late:.1f} s)" for n, s in by_number.items() if s.run.late > MAX_START_DELAY]
    early = [f"{n} ({s.run.early:.1f} s)" for n, s in by_number.items() if s.run.early > MAX_START_DELAY]
    errors = [f"shard {n}: {reason.rstrip('.')}" for n, s in by_number.items() if (reason := _guard_reason(s))]
    sent, schedule = sum(shard.tally.requests for shard in shards), shards[0].run.schedule
    if not missing and sent != schedule:
        errors.append(f"the shards sent {sent:,} requests per arm, but the schedule has {schedule:,}")
    lists = {"missing": missing, "started late": late, "started early": early}
    problems = [f"{name}: shard {', '.join(numbers)} of {total}" for name, numbers in lists.items() if numbers]
    limit = f"within {MAX_START_DELAY:g} s"
    if errors:
        outcome, reason = Outcome.ERROR, "; ".join([*errors, *problems]) + "."
    elif problems:
        outcome = Outcome.INCONCLUSIVE
        reason = f"The {total} shards did not offer their load together; {'; '.join(problems)} ({limit} is required)."
    else:
        outcome, reason = Outcome.PASS, f"All {total} shards are present and started {limit} of the common start."
    return Finding(
        id="shards",
        metric="shards",
        description="Every shard of the schedule was sent, and all began together.",
        outcome=outcome,
        reason=reason,
        docs=DOCS,
        n=len(shards),
    )


def _guard_reason(shard: Shard) -> str:
    """Return the reason of the guard that a shard violated, by its evidence or by its counts; empty if none."""
    evidence = shard.evidence
    if evidence.outcome is Outcome.ERROR or any(f.outcome is Outcome.ERROR for f in evidence.findings):
        return evidence.reason
    findings = shard_findings(shard.run, shard.tally)
    return next((f.reason for f in findings if f.outcome is Outcome.ERROR), "")
