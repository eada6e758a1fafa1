# ruff: noqa: RUF012  (msgspec copies the default value of a field)
"""The two files that jobs exchange: evidence of one measurement, and the verdict merged from all evidence.

The JSON Schemas in `ghmlops/schemas/` are generated from these types (`ghmlops.core.evidence.schema`).
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from ghmlops.core.details import Details
from ghmlops.core.model import Finding, Frozen, Measurement, NotMeasured, Outcome

EVIDENCE_SCHEMA = "ghmlops/evidence/v1"
VERDICT_SCHEMA = "ghmlops/verdict/v1"


class ComparedPart(Frozen, frozen=True, kw_only=True):
    """A part of what both sides consist of, as it is on each; an empty side is without it.

    Attributes:
        kind: `policy`, `policy-key`, `environment`, `package` or `machine`.
        name: the file, key or package.
        baseline: digest, value or version of the baseline.
        candidate: the same of the candidate.
    """

    kind: str
    name: str
    baseline: str
    candidate: str


class Provenance(Frozen, frozen=True, kw_only=True):
    """Origin of a measurement, complete enough to repeat it."""

    repository: str
    head_sha: str
    """The commit under test; empty for a local run without one, whose evidence no gate accepts."""
    dirty: bool = False
    """Whether a tracked file differed from the commit when the measurement began."""
    base_sha: str = ""
    """The commit that was the baseline; empty without one."""
    service: str = ""
    run_id: str = ""
    run_attempt: int = 1
    event: str = ""
    """Event that started the run."""
    workflow: str = ""
    """Path of the workflow file, if it is known."""
    version: str = ""
    """Version of ghmlops."""
    started: str = ""
    """ISO 8601 UTC."""
    seconds: float | None = None
    seed: int | None = None
    fingerprints: dict[str, str] = {}
    """`code`, `data`, `environment`, `policy`, `base-policy` (the policy at `base_sha`) and others, to `sha256:<hex>`
    or a git object id."""
    parts: Annotated[list[ComparedPart], msgspec.Meta(max_length=300)] = []
    """What was compared beside the measurement: policy, lock file and machine, and what differs in them."""


class Evidence(Frozen, frozen=True, kw_only=True, tag_field="schema", tag=EVIDENCE_SCHEMA):
    """One measurement by one command: the file `<command>[-<leg>].json`."""

    command: str
    outcome: Outcome
    provenance: Provenance
    leg: str = ""
    reason_code: str = ""
    reason: str = ""
    findings: list[Finding] = []
    measurements: list[Measurement] = []
    not_measured: list[NotMeasured] = []
    details: Details | None = None
    """Settings in force, tables and what is needed to reproduce the run; never judged. For a shard of a load test, also
    the counts that `merge-shards` adds up."""


class EvidenceFile(Frozen, frozen=True, kw_only=True):
    """One evidence file of a verdict, and the outcome that it counted as."""

    file: str
    sha256: str
    command: str = ""
    leg: str = ""
    outcome: Outcome = Outcome.ERROR


class Verdict(Frozen, frozen=True, kw_only=True, tag_field="schema", tag=VERDICT_SCHEMA):
    """The merged verdict for one exact commit: `verdict.json`."""

    commit: str
    outcome: Outcome
    reason_code: str
    reason: str
    findings: list[Finding]
    evidence: list[EvidenceFile]
    service: str = ""
    environment: str = ""
    repository: str = ""
    base_sha: str = ""
    """The commit that the judged one was compared with; empty if it was compared with none."""
    run_id: str = ""
    """The run that measured; empty if it is unknown or if several did."""
    run_attempt: int = 0
    """Newest attempt of that run; 0 if unknown."""
    legs: dict[str, tuple[str, ...]] = {}
    """Command to the legs that counted."""
    created: str = ""
    version: str = ""
    confirmed: list[str] = []
    """`<command>:<finding id>` of failures that may be acted on without a person: deterministic ones, and those that a
    second run on a fresh deployment with swapped slots repeated."""
    override: str = ""
    """Reason of the person who overrode an `inconclusive` verdict; otherwise empty."""
    not_measured: list[NotMeasured] = []
