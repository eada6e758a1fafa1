"""The result of a measurement by the library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.api.in_process import with_hint
from ghmlops.core.errors import InputError
from ghmlops.core.model import Finding, Measurement, NotMeasured, Outcome, conclude, failed

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd  # type: ignore[import-untyped]

    from ghmlops.commands.shared.evidence import EvidenceContent
    from ghmlops.core.details import Details


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Result of a measurement.

    Attributes:
        command: the command that would write the same evidence: `regression` or `latency`.
        outcome: as bad as the worst finding; `inconclusive` without any.
        reason_code: id of the finding that decided, or `all-passed`.
        reason: the reason of that finding.
        findings: judged statements, as in the evidence.
        measurements: numbers that were measured, as in the evidence.
        not_measured: what a reader could believe was checked, and was not.
        details: typed details, as in the evidence.
        fingerprints: fingerprints of the data, as in the evidence.
    """

    command: str
    outcome: Outcome
    reason_code: str
    reason: str
    findings: tuple[Finding, ...]
    measurements: tuple[Measurement, ...] = ()
    not_measured: tuple[NotMeasured, ...] = ()
    details: Details | None = None
    fingerprints: Mapping[str, str]

    @property
    def passed(self) -> bool:
        """Whether the outcome is `pass` or `warn`, which the gate lets through."""
        return not failed(self.outcome, Outcome.INCONCLUSIVE)

    @property
    def sentences(self) -> list[str]:
        """The sentences of the pull-request comment: one for each cause, the worst first; empty for a pass."""
        from ghmlops.report.formats.notebook import sentences

        return sentences(self.findings, self.command)

    @property
    def message(self) -> str:
        """The sentences in one text, or the reason if there is no cause."""
        return "\n".join(self.sentences) or self.reason

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per finding with the columns of the evidence; `change` is `estimate`, `low` and `high`.

        Raises:
            InputError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ModuleNotFoundError:
            with with_hint():
                raise InputError("pandas is not installed", hint='pip install "ghmlops[pandas]"') from None
        columns = ("id", "metric", "dataset", "slice", "window", "unit", "baseline", "candidate")
        change, rest = ("estimate", "low", "high"), ("margin", "n", "method", "outcome", "reason")
        rows = [
            {
                **{name: getattr(finding, name) for name in columns},
                **{name: getattr(finding.change, name, None) for name in change},
                **{name: getattr(finding, name) for name in rest},
                "outcome": finding.outcome.value,
            }
            for finding in self.findings
        ]
        return pd.DataFrame(rows, columns=[*columns, *change, *rest])

    def _repr_html_(self) -> str:
        """Return the representation in a notebook."""
        from ghmlops.report.formats.notebook import fragment

        return fragment(self.findings, self.command, self.outcome, self.reason)

    def __str__(self) -> str:
        """Return the outcome and the message."""
        return f"{self.outcome.value}: {self.message}"


def judgement_of(command: str, content: EvidenceContent) -> Judgement:
    """Return the judgement that the evidence of a command would hold."""
    outcome, code, reason = content.ruling or conclude(content.findings)
    return Judgement(
        command=command,
        outcome=outcome,
        reason_code=code,
        reason=reason,
        findings=tuple(content.findings),
        measurements=tuple(content.measurements),
        not_measured=tuple(content.not_measured),
        details=content.details,
        fingerprints=dict(content.fingerprints),
    )
