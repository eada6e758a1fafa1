"""The hidden lines of a comment: whose it is, and which commit it speaks of."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from ghmlops.core.context import is_sha
from ghmlops.core.model import Outcome
from ghmlops.report.content.run_facts import Told

if TYPE_CHECKING:
    from ghmlops.core.evidence.document import Verdict
    from ghmlops.report.content.run_facts import Facts

_LONGEST = 200


class Subject(NamedTuple):
    """What a comment speaks of, and what it spoke of before."""

    now: Told
    run: str
    attempt: int
    previous: Told | None

    def newer_than(self, commit: str, run: str, attempt: int, head: str) -> bool:
        """True where a report of `run` on `commit` must not replace this comment.

        That is where it speaks of `head`, which the pull request has moved on to, or of a later attempt of the run.
        """
        if commit != self.now.commit:
            return self.now.commit == head
        return run == self.run and attempt < self.attempt

    def before(self, commit: str) -> Told | None:
        """Return what was said of another commit before a report on `commit`."""
        return self.previous if self.now.commit == commit else self.now


def marker(service: str, workflow: str) -> str:
    """Return the hidden line that makes a comment the one of `service` and `workflow`; nothing in them can end it."""
    return f"<!-- ghmlops:report service={_word(service)} workflow={_word(workflow)} -->"


def subject_line(verdict: Verdict, facts: Facts) -> str:
    """Return the hidden line that tells a program which commit the comment speaks of, and what it says."""
    told = {
        "commit": verdict.commit,
        "run": facts.run_id,
        "attempt": str(facts.run_attempt),
        "outcome": verdict.outcome.value,
    }
    if facts.previous:
        told |= {"previous": facts.previous.commit, "previous-outcome": facts.previous.outcome.value}
    return f"<!-- ghmlops:commit {' '.join(f'{key}={_word(value)}' for key, value in told.items())} -->"


def read_subject(body: str) -> Subject | None:
    """Return what the comment with this text speaks of, or `None` where its second line does not say."""
    lines = body.strip().splitlines()
    words = lines[1].split() if len(lines) > 1 else []
    told = dict(word.partition("=")[::2] for word in words if "=" in word)
    attempt = told.get("attempt", "")
    if words[:2] != ["<!--", "ghmlops:commit"] or not (attempt.isascii() and attempt.isdecimal() and len(attempt) < 10):
        return None
    earlier = _named(told.get("previous", ""), told.get("previous-outcome", ""))
    now = _named(told.get("commit", ""), told.get("outcome", ""))
    return Subject(now, told.get("run", ""), int(attempt), earlier) if now else None


def _named(commit: str, outcome: str) -> Told | None:
    return Told(commit, Outcome(outcome)) if is_sha(commit) and outcome in list(Outcome) else None


def _word(value: str) -> str:
    """Return `value` percent-encoded, a hyphen too where another stands beside it; a long one ends in its digest."""
    shown = re.sub(r"-(?=-)|(?<=-)-", "%2D", quote(value, safe="-._", errors="replace"))
    if len(shown) <= _LONGEST:
        return shown
    digest = hashlib.sha256(value.encode(errors="replace")).hexdigest()[:20]
    return f"{re.sub('%.?$', '', shown[: _LONGEST - 21])}.{digest}"
