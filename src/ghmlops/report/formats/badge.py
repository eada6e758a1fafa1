"""The outcome as a badge: JSON for the endpoint of shields.io, which draws `label | message`.

Format: https://shields.io/badges/endpoint-badge, `schemaVersion` 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.model import Outcome
from ghmlops.report.text import escape

if TYPE_CHECKING:
    from ghmlops.core.evidence.document import Verdict

MAX_LABEL = 40
"""Characters of the service's name; a badge is one word beside another."""
COLOURS = {
    Outcome.ERROR: "critical",
    Outcome.FAIL: "critical",
    Outcome.INCONCLUSIVE: "inactive",
    Outcome.WARN: "important",
    Outcome.PASS: "success",
}
"""Colours of shields.io by meaning. `isError` keeps the address of the badge from replacing that of an error."""
_MARKUP = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&'\u2028\u2029"})


def badge(verdict: Verdict) -> str:
    """Return the JSON of the badge of a verdict.

    The name of the service is untrusted: the badge has `MAX_LABEL` printable characters of it at most, and no character
    of the file has a meaning in HTML.
    """
    content = {
        "schemaVersion": 1,
        "label": escape.one_line(verdict.service, MAX_LABEL) or "ghmlops",
        "message": verdict.outcome.value,
        "color": COLOURS[verdict.outcome],
        "isError": verdict.outcome is Outcome.ERROR,
    }
    return msgspec.json.encode(content).decode().translate(_MARKUP) + "\n"
