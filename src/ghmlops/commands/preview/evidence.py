"""The evidence and the summary of `preview`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.shared.evidence import EvidenceContent, Summary
from ghmlops.core.model import Finding, Measurement, Outcome
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from pathlib import Path

DOCS = "actions/preview/README.md"


def evidence_content(reason: str, seconds: float | None) -> EvidenceContent:
    """Return the content of the evidence; without `seconds` the service was not ready."""
    outcome = Outcome.ERROR if seconds is None else Outcome.PASS
    finding = Finding(
        id="preview-ready",
        metric="startup-time",
        description="Whether the service answered its readiness probe in time.",
        outcome=outcome,
        reason=reason,
        docs=f"{DOCS}#start-a-command",
        unit="s",
        candidate=seconds,
        n=1 if seconds is not None else 0,
    )
    startup = Measurement(id="startup-time", arm="candidate", unit="s", n=1, values={"seconds": seconds})
    return EvidenceContent(
        findings=[finding],
        measurements=[startup] if seconds is not None else [],
        ruling=(outcome, "preview-ready" if outcome is Outcome.PASS else "service-not-ready", reason),
    )


def summary(url: str, pid: str = "", log: Path | None = None) -> Summary:
    """Return what the command prints and outputs for a service that is ready."""
    lines = [
        f"ready at {url}",
        f"log: {log}" if log else "",
        f"terminate it with `ghmlops preview --stop {pid}`" if pid else "",
    ]
    return Summary(
        text=terminal.block(line for line in lines if line),
        outputs={"url": url, "pid": pid},
        data={"url": url, "pid": pid, "log": str(log) if log else ""},
    )
