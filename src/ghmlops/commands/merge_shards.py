"""Joins the evidence of the shards of one latency run and judges their sum."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from ghmlops.commands.shared.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Common, Doc, Output, Result
from ghmlops.core.details.latency import LatencyDetails
from ghmlops.core.evidence.document import EVIDENCE_SCHEMA, Evidence, entries_of
from ghmlops.core.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.latency.shards import Shard
    from ghmlops.core.policy.latency import Latency


class Inputs(Common, frozen=True, kw_only=True):
    """Inputs of `merge-shards`."""

    shards: Annotated[
        str, Doc(description="Folder of the shards' evidence; each may have a folder of its own in it.")
    ] = "shards"


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    EVIDENCE_OUTPUT,
    Output("p99", "99th percentile of the candidate's response time in milliseconds."),
    Output("ratio-p99", "Candidate over baseline at the 99th percentile; empty without a baseline."),
    Output("shards", "How many shards were joined."),
)


def run(inputs: Inputs, services: Services) -> Result:
    """Read the shards, see that they belong together, judge their sum, write it as the evidence of `latency`.

    Raises:
        EvidenceError: a file is unusable or of another run, a shard is there twice, or none is there at all.
        PolicyError: the policy is invalid or has no section `latency`.
        InputError: the commit under test is not known, or the evidence folder cannot be written to.
    """
    from ghmlops.act.evidence import evidence_name, write_evidence
    from ghmlops.commands.latency.command import result_of
    from ghmlops.core.errors import EvidenceError

    started = services.now()
    shards = _read(services.cwd / inputs.shards, inputs.shards)
    if inputs.leg and inputs.leg != shards[0].leg:
        raise EvidenceError(
            f"the shards are of leg {shards[0].leg[:80]!r}, not {inputs.leg[:80]!r}",
            hint="leave `--leg` out to take theirs",
        )
    policy = _policy(inputs, services, shards)
    if inputs.dry_run:
        return Result(
            outcome=Outcome.PASS,
            reason_code="dry-run",
            reason=f"Would join {len(shards)} of {shards[0].run.shards} shards.",
            text="\n".join(shard.file for shard in shards),
            outputs={"shards": str(len(shards))},
        )
    evidence = _joined(inputs, services, shards, policy, started)
    log = _logs(services.cwd / inputs.shards, inputs.shards, shards)
    write_evidence(services.cwd / inputs.evidence_dir, evidence, {"hlog": log})
    result = result_of(evidence, str(Path(inputs.evidence_dir) / evidence_name(evidence.command, evidence.leg)))
    result.outputs["shards"] = str(len(shards))
    return result


def _read(folder: Path, shown: str) -> list[Shard]:
    import hashlib

    from ghmlops.core.latency.shards import check_alike, read_shard
    from ghmlops.measure.evidence import decode, read_bounded

    found = []
    for path in _files(folder):
        name = f"{shown}/{path.relative_to(folder)}"
        data = read_bounded(path, name)
        evidence = decode(data, Evidence, EVIDENCE_SCHEMA, name)
        found.append(read_shard(name, "sha256:" + hashlib.sha256(data).hexdigest(), evidence))
    check_alike(found)
    return sorted(found, key=lambda shard: shard.run.shard)


def _files(folder: Path) -> list[Path]:
    """Return the evidence files of a folder and of the folders in it, where downloaded artifacts lie."""
    from ghmlops.core.errors import EvidenceError
    from ghmlops.measure.evidence import MAX_FILES, list_evidence

    found = list_evidence(folder)
    inner = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    for path in inner[: MAX_FILES + 1]:
        if path.is_symlink():
            raise EvidenceError(f"{path} is a link", hint="keep nothing but the shards' evidence in the folder")
        found += list_evidence(path)
    if len(found) > MAX_FILES or len(inner) > MAX_FILES:
        raise EvidenceError(f"{folder} holds more than {MAX_FILES} files or folders", hint="is this the right folder?")
    return found


def _policy(inputs: Inputs, services: Services, shards: Sequence[Shard]) -> Latency:
    """Return the policy's section, which must be the one that the shards were sent by, on the same commit."""
    from ghmlops.commands.shared.policy_file import load_policy
    from ghmlops.commands.shared.provenance import commit_under_test
    from ghmlops.core.errors import EvidenceError, PolicyError
    from ghmlops.core.latency.shard_check import contradiction, planned
    from ghmlops.core.load import presets
    from ghmlops.measure.checkout import fingerprint

    path, origin = services.cwd / inputs.policy, shards[0].evidence.provenance
    written = load_policy(path, inputs.policy).latency
    if written is None:
        raise PolicyError(f"{inputs.policy} has no section `latency`", hint="name the policy of the shards")
    policy = presets.apply(written)
    if origin.fingerprints.get("policy") != fingerprint(path):
        raise EvidenceError(
            f"the shards were sent by another policy than {inputs.policy}",
            hint="check out the commit that they measured",
        )
    if origin.head_sha != commit_under_test(services):
        raise EvidenceError(
            f"the shards measured commit {origin.head_sha[:40]}, not the one under test",
            hint="merge them in the run that sent them",
        )
    whole = planned(policy, origin.seed)
    for shard in shards:
        if problem := contradiction(shard, policy, whole):
            raise EvidenceError(
                f"{shard.file} is not of a run by {inputs.policy}: {problem}",
                hint="write it with the same release of ghmlops",
            )
    return policy


def _joined(
    inputs: Inputs, services: Services, shards: Sequence[Shard], policy: Latency, started: datetime
) -> Evidence:
    import msgspec

    from ghmlops.commands.latency.evidence import confirmation, full_arms
    from ghmlops.commands.shared.provenance import provenance
    from ghmlops.core.latency import details as told
    from ghmlops.core.latency.shards import judge_shards, sum_up
    from ghmlops.core.model import conclude

    tally, findings = sum_up(shards), judge_shards(shards, policy)
    outcome, code, reason = conclude(findings)
    first = shards[0].evidence
    origin = provenance(inputs, services, started, seed=first.provenance.seed, fingerprints=_fingerprints(shards))
    begun = min(shard.evidence.provenance.started for shard in shards)
    limits = [note for shard in shards for note in full_arms(shard.run.arms, shard.run, policy.connections)]
    return Evidence(
        command="latency",
        leg=shards[0].leg,
        outcome=outcome,
        reason_code=code,
        reason=reason,
        provenance=msgspec.structs.replace(origin, started=begun),
        findings=findings,
        measurements=told.measurements(tally),
        not_measured=[*told.not_measured(tally, policy), *{note.what: note for note in limits}.values()],
        details=LatencyDetails(
            entries={
                "settings": entries_of(first).get("settings", {}),
                "replay": entries_of(first).get("replay", {}),
                "judged_an_arm": tally.requests,
                "duet": told.duet_details(tally, policy, extended=False) if tally.baseline else {},
                "endpoints": told.endpoint_details(tally, policy),
                "failures": told.failure_details(tally, _examples(shards)),
                "generator": told.generator_details(tally),
                "shards": [_shown(shard) for shard in shards],
                "shards_planned": shards[0].run.shards,
                "confirms": confirmation(_confirms(shards), findings),
            }
        ),
    )


def _fingerprints(shards: Sequence[Shard]) -> dict[str, str]:
    data = {k: v for k, v in shards[0].evidence.provenance.fingerprints.items() if k.startswith(("data", "trace"))}
    return data | {f"shard:{shard.run.shard}": shard.sha256 for shard in shards}


def _shown(shard: Shard) -> dict[str, Any]:
    return {
        "shard": shard.run.shard,
        "requests": shard.tally.requests,
        "warmup": shard.run.warmup,
        "began": shard.run.began,
        "started_late_s": round(shard.run.late, 3),
        "late_sends": shard.tally.sends.late,
    }


def _examples(shards: Sequence[Shard]) -> dict[str, dict[str, str]]:
    """Return for each arm and kind of failure the example of the first shard that has one."""
    found: dict[str, dict[str, str]] = {}
    for shard in shards:
        failures = entries_of(shard.evidence).get("failures")
        for arm in shard.tally.arms:
            kinds = failures.get(arm) if isinstance(failures, dict) else None
            for kind, body in kinds.items() if isinstance(kinds, dict) else ():
                example = body.get("example") if isinstance(body, dict) else None
                if isinstance(example, str) and example:
                    found.setdefault(arm, {}).setdefault(str(kind), example[:500])
    return found


def _confirms(shards: Sequence[Shard]) -> dict[str, Any]:
    """Return what the shards of a confirming run were to confirm; empty for any other run."""
    confirms = entries_of(shards[0].evidence).get("confirms")
    if not isinstance(confirms, dict):
        return {}
    failed = confirms.get("failed")
    if not isinstance(failed, list) or not all(isinstance(name, str) for name in failed):
        return {}
    return {name: value for name, value in confirms.items() if name != "failed_again"}


def _logs(folder: Path, shown: str, shards: Sequence[Shard]) -> bytes:
    """Return the sum of the shards' histogram logs.

    Raises:
        EvidenceError: a log is missing, is not the one that was written with the evidence, or counts something else.
    """
    import hashlib

    from ghmlops.core.errors import DataError, EvidenceError
    from ghmlops.core.latency.interval_log import counted, sum_logs
    from ghmlops.measure.evidence import read_bounded

    found, hint = [], "keep each shard's `.hlog` beside its evidence"
    for shard in shards:
        name = shard.file.removesuffix("json") + "hlog"
        data = read_bounded(folder / Path(name).relative_to(shown), name)
        if shard.run.hlog != "sha256:" + hashlib.sha256(data).hexdigest():
            raise EvidenceError(f"{name} is not the one that was written with {shard.file}", hint=hint)
        try:
            seen = counted(data)
        except DataError as error:
            raise EvidenceError(f"{name}: {error.message}", hint=hint) from None
        wanted = {arm: part.spreads["response-time"].histogram for arm, part in shard.tally.arms.items()}
        if any(seen.get(arm) != histogram for arm, histogram in wanted.items() if histogram.total):
            raise EvidenceError(f"{name} does not count what {shard.file} does", hint=hint)
        found.append(data)
    start = shards[0].run.start_at
    return sum_logs(found, shards[0].run.began if start is None else start)
