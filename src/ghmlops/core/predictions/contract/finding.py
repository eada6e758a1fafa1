"""How a finding of the contract is written: its place in the documents, its outcome by share, its counts."""

from __future__ import annotations

from decimal import Decimal

from ghmlops.core.model import Finding, Outcome
from ghmlops.core.predictions.ruling import DOCS as README

DOCS = f"{README}#the-contract"
TOLERATED = 0.01
"""Share of missing, added or contradicting rows above which the two artifacts do not describe the same data."""


def finding(name: str, outcome: Outcome, reason: str, *, n: int | None = None, prefix: str = "contract-") -> Finding:
    """Return a finding of the contract, or of its kind where `prefix` says so."""
    return Finding(
        id=f"{prefix}{name}",
        metric="contract",
        outcome=outcome,
        reason=reason,
        docs=DOCS,
        description="Do both artifacts describe the same rows, completely?",
        method="count",
        n=n,
    )


def by_share(count: int, whole: int) -> Outcome:
    """Fail where `count` is more of `whole` than is tolerated, else warn."""
    return Outcome.FAIL if count > TOLERATED * whole else Outcome.WARN


def of(count: int, whole: int) -> str:
    """Return `count` of `whole` with its share in percent, of two significant digits; only the whole reads 100 %."""
    share = 100 * count / whole if whole else 0.0
    if 99 <= share < 100:
        return f"{count:,} of {whole:,} ({min(share, 99.99):.4g} %)"
    return f"{count:,} of {whole:,} ({Decimal(f'{share:.2g}'):f} %)"  # `g` alone would write 1e+02 and 5e-05


def listed(parts: tuple[str, ...] | list[str], most: int = 5) -> str:
    """Return at most `most` parts with commas, and how many are left out."""
    shown = ", ".join(parts[:most])
    return shown if len(parts) <= most else f"{shown} and {len(parts) - most} more"
