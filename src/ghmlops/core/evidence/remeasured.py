"""Result of measuring predictions again without code of the change; a job output carries it to the gate."""

from __future__ import annotations

from typing import Literal

import msgspec

from ghmlops.core.model import Outcome

Rule = Literal["evidence-repeated", "evidence-differs", "evidence-not-repeated"]


class Repetition(msgspec.Struct, frozen=True, kw_only=True):
    """Comparison of one evidence file with its repetition.

    Attributes:
        file: name of the evidence file, for messages.
        sha256: digest of the bytes of that file in hexadecimal; it identifies the evidence.
        rule: id of the finding that the gate derives.
        outcome: outcome of that finding.
        reason: one sentence.
    """

    file: str
    sha256: str
    rule: Rule
    outcome: Outcome
    reason: str


class Remeasured(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="ghmlops/remeasured/v1"):
    """What was measured again for one commit.

    Attributes:
        commit: full SHA of the commit that is judged; empty if nothing was measured again.
        repetitions: one per evidence file of `regression`.
    """

    commit: str = ""
    repetitions: tuple[Repetition, ...] = ()
