"""What a service answered to one request, or how it failed to answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AnswerKind(StrEnum):
    """Kind of an answer. Only `ANSWERED` has a complete body."""

    ANSWERED = "answered"
    """A complete HTTP response with any status but 429."""
    THROTTLED = "throttled"
    """429, also after the waiting that its Retry-After asks for."""
    REFUSED = "refused"
    """No connection."""
    RESET = "reset"
    """The connection ended before a response began, or the request could not be written."""
    TIMEOUT = "timeout"
    TRUNCATED = "truncated"
    """The connection ended, or the response became malformed, within a response."""
    TOO_LARGE = "too-large"
    """The body exceeds the limit; the rest was not read."""
    MALFORMED = "malformed"
    """Something that is not HTTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer.

    Attributes:
        kind: whether there is a complete response, or why not.
        status: HTTP status; 0 without a response head.
        media_type: content type in lower case, without parameters.
        body: body as far as it was read.
        retry_after: value of the header Retry-After; empty without one.
        seconds: time from writing the request to the end of the answer.
        problem: what the operating system or the parser reported; empty without a problem.
    """

    kind: AnswerKind
    status: int = 0
    media_type: str = ""
    body: bytes = b""
    retry_after: str = ""
    seconds: float = 0.0
    problem: str = ""

    @property
    def successful(self) -> bool:
        """Whether there is a complete response with a 2xx status."""
        return self.kind is AnswerKind.ANSWERED and 200 <= self.status < 300
