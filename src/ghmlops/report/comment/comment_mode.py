"""When a comment is created: always, if something changed, if the gate would stop the change, or never."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import InputError
from ghmlops.core.model import Outcome
from ghmlops.core.policy.paths import NOT_AFFECTED
from ghmlops.report.text import numbers

if TYPE_CHECKING:
    from ghmlops.core.evidence.document import Verdict

MODES = ("always", "changes", "failures", "off")
"""Values of the input `comment`."""


def check_mode(mode: str) -> None:
    """Raise unless `mode` is one of `MODES`.

    Raises:
        InputError: It is not.
    """
    if mode not in MODES:
        raise InputError(
            f'input `comment`: expected {", ".join(MODES[:-1])} or {MODES[-1]}, got "{mode[:40]}"',
            hint="--comment always",
        )


def creates_comment(mode: str, verdict: Verdict) -> bool:
    """Return whether a pull request without a comment receives one. An existing comment is edited unless `off`.

    A change that does not affect the service creates none.

    Args:
        mode: `always`; `changes`: if a measured value clearly became better or worse, or the outcome is not `pass`;
            `failures`: if the gate would not let the commit through; `off`: never.
        verdict: The verdict that is reported.
    """
    # In a repository of many services, most changes do not affect this one.
    if verdict.outcome is Outcome.PASS and any(finding.id == NOT_AFFECTED for finding in verdict.findings):
        return False
    if mode == "failures":
        return verdict.outcome not in (Outcome.PASS, Outcome.WARN)
    if mode == "changes":
        return verdict.outcome is not Outcome.PASS or any(
            numbers.tendency(finding).startswith(("\u2191", "\u2193")) for finding in verdict.findings
        )
    return mode == "always"
