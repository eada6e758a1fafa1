"""The hypothesis of a change: lines `Expect: p99 -10%` in the text of its pull request."""

from __future__ import annotations

import re

from ghmlops.core.model import Frozen

MAX_HYPOTHESES = 20
"""Expectations of one pull request that are recorded."""
MAX_TEXT = 200
"""Characters of an expectation that are recorded."""
_LINE = re.compile(r"^[ \t>*-]*expect:[ \t]*(\S.*)$", re.IGNORECASE | re.MULTILINE)
_CHANGE = re.compile(r"([A-Za-z][A-Za-z0-9._-]{0,63})\s+([+\-\u2212])\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(%?)\.?")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FENCE = re.compile(r"^(`{3,}|~{3,}).*?(?:^\1|\Z)", re.DOTALL | re.MULTILINE)


class Hypothesis(Frozen, frozen=True, kw_only=True):
    """One expected change.

    Attributes:
        text: The expectation as the author wrote it.
        metric: Its metric; empty if the text is not a metric with a signed number.
        change: The change; relative if `percent`, as a fraction (-0.1 for `-10%`).
        percent: Whether the change is relative.
    """

    text: str
    metric: str = ""
    change: float | None = None
    percent: bool = False


def parse_hypotheses(body: str) -> tuple[Hypothesis, ...]:
    """Return the expectations of a pull request, in their order; HTML comments and code blocks do not count.

    A line may contain several, separated by commas. Text that is no metric with a signed number stays as text: an
    author's expectation is never dropped because it is not a number.

    Args:
        body: Text of the pull request, Markdown.
    """
    text = _FENCE.sub("", _COMMENT.sub("", body.replace("\r\n", "\n")))
    parts = [part.strip() for line in _LINE.findall(text) for part in line.split(",") if part.strip()]
    return tuple(_parse(part) for part in parts[:MAX_HYPOTHESES])


def _parse(text: str) -> Hypothesis:
    match = _CHANGE.fullmatch(text)
    short = " ".join(text.split())[:MAX_TEXT]
    if match is None:
        return Hypothesis(text=short)
    size = float(match[3]) / (100 if match[4] else 1)
    return Hypothesis(
        text=short, metric=match[1].lower(), change=size if match[2] == "+" else -size, percent=bool(match[4])
    )
