"""Result of measuring predictions again without code of the change; a job output carries it to the gate."""

from __future__ import annotations

from typing import Literal

import msgspec

from ghmlops.core.errors import InputError
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


REQUIRED = "required"
"""Value of the input `remeasured` if the job that measures again delivered nothing."""


def read_remeasured(text: str) -> Remeasured | None:
    """Return the content of the input `remeasured`; an empty result if it is `required`, `None` if it is not demanded.

    Raises:
        InputError: It is not the output of `remeasure`.
    """
    if not text:
        return None
    if text == REQUIRED:
        return Remeasured()
    try:
        return msgspec.json.decode(text, type=Remeasured)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InputError(
            f"input `remeasured`: not a result of `ghmlops remeasure`: {ascii(str(error))[1:120]}",
            hint="pass the output `remeasured` of actions/remeasure, or `required`",
        ) from None
