"""Streamed answers (server-sent events) as values that can be compared: what a chat says in the end, or the events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.answers.body import Body, BodyKind, parse_body
from ghmlops.core.answers.chat import chat_value, choices_of

if TYPE_CHECKING:
    from ghmlops.core.answers.answer import Answer

MEDIA_TYPE = "text/event-stream"
UNFINISHED = "unfinished-stream"
"""Flaw of a chat that ends without `[DONE]` and without a reason to finish."""
MAX_WORDS = 2_000
"""Words of a text up to which changed words are counted; a longer text is equal or not."""
_DONE = "[DONE]"


def read_body(answer: Answer) -> Body:
    """Return the body of an answer by its content type: that of a stream becomes a value; never raises."""
    body = parse_stream(answer.body) if answer.media_type == MEDIA_TYPE else None
    return body or parse_body(answer.body)


def parse_stream(data: bytes) -> Body | None:
    """Return the value of a stream of events; `None` if it contains no event.

    Chunks of a chat (`choices` with `delta`, or with `text`) become one object per choice, see `chat.chat_value`. Any
    other stream becomes the list of its events.
    """
    try:
        events = _events(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return Body(kind=BodyKind.NOT_UTF8)
    if not events:
        return None
    chunks = [parse_body(event.encode()) for event in events if event != _DONE]
    if any(chunk.kind is BodyKind.TOO_DEEP for chunk in chunks):
        return Body(kind=BodyKind.TOO_DEEP)
    values = [chunk.value for chunk in chunks if chunk.kind is BodyKind.JSON]
    flaws = {flaw for chunk in chunks for flaw in chunk.flaws}
    if len(values) < len(chunks) or not any(choices_of(value) for value in values):
        plain = [event for event in events if event != _DONE]
        pairs = zip(chunks, plain, strict=True)
        contents = [chunk.value if chunk.kind is BodyKind.JSON else event for chunk, event in pairs]
        return Body(kind=BodyKind.JSON, value={"events": contents}, flaws=tuple(sorted(flaws)))
    value = chat_value(values)
    if _DONE not in events and not all(choice["finish_reason"] for choice in value["choices"]):
        flaws.add(UNFINISHED)
    return Body(kind=BodyKind.JSON, value=value, flaws=tuple(sorted(flaws)))


def changed_words(left: str, right: str) -> float:
    """Return the share of words that differ between two texts, from 0 to 1; 1 for very long texts that differ.

    Words differ if they are not in the longest common subsequence.
    """
    one, other = left.split(), right.split()
    if max(len(one), len(other)) > MAX_WORDS:
        return float(one != other)
    total = len(one) + len(other)
    return (total - 2 * _common(one, other)) / total if total else 0.0


def _common(one: list[str], other: list[str]) -> int:
    """Return the length of the longest common subsequence, with a row of its table in the bits of one integer.

    The zeros of a row are where the table grows (Hyyrö, "Bit-parallel LCS-length computation revisited", 2004). The
    time depends on the lengths alone, whatever a service repeats.
    """
    places: dict[str, int] = {}
    for index, word in enumerate(other):
        places[word] = places.get(word, 0) | 1 << index
    full = (1 << len(other)) - 1
    row = full
    for word in one:
        matches = row & places.get(word, 0)
        row = (row + matches | row - matches) & full
    return len(other) - row.bit_count()


def _events(text: str) -> list[str]:
    """Return the data of each event; comments, names and ids are left out."""
    events = []
    for block in text.replace("\r\n", "\n").replace("\r", "\n").split("\n\n"):
        lines = [line.removeprefix("data:").removeprefix(" ") for line in block.split("\n") if line.startswith("data:")]
        if lines:
            events.append("\n".join(lines))
    return events
