"""Evidence of every command: one function builds it, writes it and summarises it.

A command opens a recorder before it measures, which fails early if the evidence could not be written or would have no
commit. `record` turns the content into the evidence file and the result of the command.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from ghmlops.commands.shared.base import Result
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.evidence.reservations import reservations
from ghmlops.core.model import Finding, Measurement, NotMeasured, Outcome, conclude

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ghmlops.commands.shared.base import Common, Services
    from ghmlops.core.details import Details
    from ghmlops.core.evidence.document import Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """Where the evidence of a run goes, and where it comes from.

    Attributes:
        command: the command in the evidence and in the name of its file.
        leg: name of the leg; empty if there is a single one.
        folder: folder of the evidence files.
        folder_name: the folder as the user named it.
        provenance: origin of the measurement, without times, seed and fingerprints of the data.
        started: start of the measurement.
        began: start of the measurement on the monotonic clock in seconds; the time of day may be set back meanwhile.
    """

    command: str
    leg: str
    folder: Path
    folder_name: str
    provenance: Provenance
    started: datetime
    began: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceContent:
    """Content of one evidence file.

    Attributes:
        findings: judged statements.
        measurements: numbers that were measured.
        not_measured: what a reader could believe was checked, and was not.
        details: typed details of the command; `None` if it has none.
        seed: seed of the measurement, if it has one.
        fingerprints: fingerprints of the data; those of code, environment and policy are already in the provenance.
        started: start of the measurement in ISO 8601, if it is not the recorder's.
        ruling: outcome, reason code and reason, if they do not follow from the findings alone.
        companions: content of the files next to the evidence, by file name extension.
    """

    findings: list[Finding]
    measurements: list[Measurement] = field(default_factory=list)
    not_measured: list[NotMeasured] = field(default_factory=list)
    details: Details | None = None
    seed: int | None = None
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    started: str = ""
    ruling: tuple[Outcome, str, str] | None = None
    companions: Mapping[str, bytes] = field(default_factory=dict)


class Summary(NamedTuple):
    """What a command adds to the result that follows from its evidence: terminal text, step outputs, JSON data."""

    text: str = ""
    outputs: Mapping[str, str] = {}
    data: Mapping[str, Any] = {}


def open_recorder(
    command: str, inputs: Common, services: Services, *, leg: str | None = None, earlier: Recorder | None = None
) -> Recorder:
    """Check that evidence can be written and that its commit is known; the measurement starts now.

    Args:
        command: the command in the evidence.
        inputs: inputs of the command that runs.
        services: services of the command that runs.
        leg: replaces the leg of the inputs.
        earlier: a recorder of the same run, whose provenance is used again, because git takes its time.

    Raises:
        InputError: The leg is not a plain name, the folder cannot be written to, or the commit is unknown in a workflow
            run.
    """
    from ghmlops.act.evidence import check_writable
    from ghmlops.commands.shared.provenance import provenance

    name = inputs.leg if leg is None else leg
    folder = services.cwd / inputs.evidence_dir
    if not inputs.dry_run:
        check_writable(folder, command, name)
    return Recorder(
        command=command,
        leg=name,
        folder=folder,
        folder_name=inputs.evidence_dir,
        provenance=earlier.provenance if earlier else provenance(inputs, services),
        started=services.now(),
        began=time.monotonic(),
    )


def build(recorder: Recorder, content: EvidenceContent) -> Evidence:
    """Return the evidence of a measurement that has ended now."""
    outcome, code, reason = content.ruling or conclude(content.findings)
    started = recorder.started.isoformat(timespec="seconds").replace("+00:00", "Z")
    return Evidence(
        command=recorder.command,
        leg=recorder.leg,
        outcome=outcome,
        reason_code=code,
        reason=reason,
        provenance=msgspec.structs.replace(
            recorder.provenance,
            started=content.started or started,
            seconds=round(time.monotonic() - recorder.began, 3),
            seed=content.seed,
            fingerprints=recorder.provenance.fingerprints | {k: v for k, v in content.fingerprints.items() if v},
        ),
        findings=content.findings,
        measurements=content.measurements,
        not_measured=[*content.not_measured, *reservations(recorder.provenance)],
        details=content.details,
    )


def record(
    recorder: Recorder, content: EvidenceContent, summarise: Callable[[Evidence, str], Summary] = lambda *_: Summary()
) -> Result:
    """Build the evidence, write it with its companions, and return the result of the command.

    Args:
        recorder: where the evidence goes and comes from.
        content: content of the file.
        summarise: returns text, outputs and data for the evidence and its path, as the user would write it.

    Raises:
        InputError: The evidence cannot be written.
    """
    from ghmlops.act.evidence import write_evidence

    evidence = build(recorder, content)
    written = write_evidence(recorder.folder, evidence, content.companions)
    file = str(Path(recorder.folder_name) / written.name)
    summary = summarise(evidence, file)
    lines = [f"not measured: {item.what}: {item.why}" for item in reservations(evidence.provenance)]
    added = [line for line in lines if line not in summary.text]
    return Result(
        outcome=evidence.outcome,
        reason_code=evidence.reason_code,
        reason=evidence.reason,
        outputs={"evidence-file": file, **summary.outputs},
        text="\n".join([summary.text.rstrip("\n"), *added]) if added else summary.text,
        data={"evidence_file": file, **summary.data},
        findings=tuple(evidence.findings),
    )
