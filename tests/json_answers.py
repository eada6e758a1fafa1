"""Answers of services as values, without a service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ghmlops.core.answers.answer import Answer, AnswerKind
from ghmlops.core.synthetic.compare import Reading, reading

if TYPE_CHECKING:
    from ghmlops.core.synthetic.message import Part


def answered(value: Any, status: int = 200, part: Part | None = None) -> Reading:
    """Return an answer with this body: bytes as they are, any other value as JSON."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    answer = Answer(kind=AnswerKind.ANSWERED, status=status, media_type="application/json", body=body)
    return reading(answer, part)


def failure(kind: AnswerKind) -> Reading:
    """Return an answer of a kind without a body."""
    return reading(Answer(kind=kind))
