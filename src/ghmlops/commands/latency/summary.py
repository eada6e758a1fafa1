"""Summary of the evidence of `latency` and `merge-shards`: terminal text, step outputs and JSON data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.shared.evidence import Summary
from ghmlops.core.model import finite
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from ghmlops.core.evidence.document import Evidence


def summarise(evidence: Evidence, file: str) -> Summary:
    """Return text, outputs and data for the evidence written to `file`."""
    p99 = next(m.values["p99"] for m in evidence.measurements if (m.id, m.arm) == ("response-time", "candidate"))
    change = next((f.change for f in evidence.findings if f.id == "latency-p99"), None)
    ratio = finite(1 + change.estimate) if change and change.estimate is not None else None
    return Summary(
        text=terminal.latency(evidence, file),
        outputs={
            "p99": "" if p99 is None else f"{p99:.3f}",
            "ratio-p99": "" if ratio is None else f"{ratio:.4f}",
        },
        data={"p99_ms": p99, "ratio_p99": ratio},
    )
