"""The common parts of every finding of the contract: its fields, its outcome by share, and how counts are written."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from decimal import Decimal

from ghmlops.core.model import Finding, Outcome
from ghmlops.core.predictions.constants import MAX_FAULTY_SHARE
from ghmlops.core.predictions.findings import DOCS


def contract_finding(name: str, outcome: Outcome, reason: str, *, n: int | None = None) -> Finding:
    """Return the finding `contract-<name>`; `n` counts the rows concerned."""
    return Finding(
        id=f"contract-{name}",
        metric="contract",
        outcome=outcome,
        reason=reason,
        docs=f"{DOCS}#the-contract",
        description="Do both artifacts describe the same rows, completely?",
        method="count",
        n=n,
    )


def outcome_by_share(count: int, total: int) -> Outcome:
    """Return fail if `count` exceeds the tolerated share of `total`, else warn."""
    return Outcome.FAIL if count > MAX_FAULTY_SHARE * total else Outcome.WARN


def share_limit(count: int, total: int) -> str:
    """Return the clause that compares a share with the tolerated one: "more than the 1 % tolerated"."""
    return state_limit(beyond=outcome_by_share(count, total) is Outcome.FAIL)


def state_limit(*, beyond: bool) -> str:
    """Return the clause about a share beyond or within the tolerated one."""
    return f"{'more than' if beyond else 'within'} the {100 * MAX_FAULTY_SHARE:g} % tolerated"


def count_of(count: int, total: int) -> str:
    """Return "30 of 1,000 (3 %)": two significant digits of the percentage, and 100 % only if all are counted."""
    share = 100 * count / total if total else 0.0
    if 99 <= share < 100:
        return f"{count:,} of {total:,} ({min(share, 99.99):.4g} %)"
    # Decimal, because the format `g` alone would write 1e+02 and 5e-05.
    return f"{count:,} of {total:,} ({Decimal(f'{share:.2g}'):f} %)"


def enumerate_parts(parts: Sequence[str], max_parts: int = 5) -> str:
    """Return at most `max_parts` parts separated by commas, and the number of those left out."""
    text = ", ".join(parts[:max_parts])
    return text if len(parts) <= max_parts else f"{text} and {len(parts) - max_parts} more"


def visible(text: str) -> str:
    """Return a text in quotes, with characters that cannot be seen as code points: combining marks, blanks, controls.

    A plain space needs none, because the quotes show it.
    """
    return '"' + "".join(c if _is_visible(c) else f"\\u{ord(c):04x}" for c in text) + '"'


def _is_visible(character: str) -> bool:
    return character == " " or unicodedata.category(character)[0] not in "MZC"
