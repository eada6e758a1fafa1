"""A request as it is sent: independent of the policy, so that it can be saved and replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.model import Frozen
from ghmlops.core.synthetic import batches
from ghmlops.core.synthetic.ask import When

if TYPE_CHECKING:
    from ghmlops.core.synthetic.rows.fields import Json


class Part(Frozen, frozen=True, kw_only=True):
    """The part of a batch's answer that is judged.

    Attributes:
        total: instances of the batch.
        offset: index of the first instance that is judged.
        count: instances that are judged.
        whole: whether the batch is a list of whole bodies, so that its answer is a list of whole answers.
    """

    total: int
    offset: int
    count: int = 1
    whole: bool = False

    def of(self, answer: Json) -> Json:
        """Return the part of a decoded answer; `None` if the answer has no list of this length."""
        if self.whole:
            return batches.element(answer, self.total, self.offset)
        return batches.cut(answer, self.total, self.offset, self.count)


class Message(Frozen, frozen=True, kw_only=True):
    """A request to one endpoint.

    Attributes:
        endpoint: index of the endpoint in the policy.
        path: path with the payload's fields filled in.
        text: body; `None` without one, or if it is not UTF-8.
        raw: body that is not UTF-8.
        when: when it is sent.
        part: the part of the answer that is judged; `None`: all of it.
    """

    endpoint: int
    path: str
    text: str | None = None
    raw: bytes | None = None
    when: When = When.ALONE
    part: Part | None = None

    @property
    def body(self) -> bytes | None:
        """Body as it is sent."""
        return self.raw if self.text is None else self.text.encode()


def message(
    endpoint: int, path: str, body: bytes | None, *, when: When = When.ALONE, part: Part | None = None
) -> Message:
    """Return a message; a body that is UTF-8 is saved as text."""
    try:
        text, raw = (None if body is None else body.decode()), None
    except UnicodeDecodeError:
        text, raw = None, body
    return Message(endpoint=endpoint, path=path, text=text, raw=raw, when=when, part=part)
