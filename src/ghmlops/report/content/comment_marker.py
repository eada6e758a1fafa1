"""Hidden lines of a comment: one identifies the comment, the other the commit that it is about."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from ghmlops.core.context import is_sha
from ghmlops.core.model import Outcome
from ghmlops.report.content.run_facts import ReportedOutcome

if TYPE_CHECKING:
    from ghmlops.core.evidence.document import Verdict
    from ghmlops.report.content.run_facts import Facts

_MAX_WORD = 200
_MAX_ATTEMPT_DIGITS = 9
_MAX_RUN_DIGITS = 18


class Subject(NamedTuple):
    """The commit that a comment is about, the run that reported on it, and the commit before."""

    current: ReportedOutcome
    run: str
    attempt: int
    previous: ReportedOutcome | None

    def newer_than(self, commit: str, run: str, attempt: int, head: str) -> bool:
        """Return whether a report on `commit` by attempt `attempt` of `run` must not replace this comment.

        A report on `head`, the current head of the pull request, always replaces one on another commit, and is never
        replaced by one. Otherwise (run id, attempt) decides.
        """
        if commit != self.current.commit and head in (commit, self.current.commit):
            return self.current.commit == head
        return (_number(run), attempt) < (_number(self.run), self.attempt)

    def before(self, commit: str) -> ReportedOutcome | None:
        """Return the report of another commit that precedes a report on `commit`."""
        return self.previous if self.current.commit == commit else self.current


def marker(service: str, workflow: str) -> str:
    """Return the hidden line that identifies the comment of `service` and `workflow`; neither can end the line."""
    return f"<!-- ghmlops:report service={_word(service)} workflow={_word(workflow)} -->"


def subject_line(verdict: Verdict, facts: Facts) -> str:
    """Return the hidden, machine-readable line with the commit, the run and the outcome of a report."""
    fields = {
        "commit": verdict.commit,
        "run": facts.run_id,
        "attempt": str(facts.run_attempt),
        "outcome": verdict.outcome.value,
    }
    if facts.previous:
        fields |= {"previous": facts.previous.commit, "previous-outcome": facts.previous.outcome.value}
    return f"<!-- ghmlops:commit {' '.join(f'{key}={_word(value)}' for key, value in fields.items())} -->"


def read_subject(body: str) -> Subject | None:
    """Return what the comment with this text is about; None if its second line is not a `subject_line`."""
    lines = body.strip().splitlines()
    words = lines[1].split() if len(lines) > 1 else []
    fields = dict(word.partition("=")[::2] for word in words if "=" in word)
    attempt = fields.get("attempt", "")
    is_number = attempt.isascii() and attempt.isdecimal() and len(attempt) <= _MAX_ATTEMPT_DIGITS
    if words[:2] != ["<!--", "ghmlops:commit"] or not is_number:
        return None
    current = _reported(fields.get("commit", ""), fields.get("outcome", ""))
    previous = _reported(fields.get("previous", ""), fields.get("previous-outcome", ""))
    return Subject(current, fields.get("run", ""), int(attempt), previous) if current else None


def _reported(commit: str, outcome: str) -> ReportedOutcome | None:
    return ReportedOutcome(commit, Outcome(outcome)) if is_sha(commit) and outcome in list(Outcome) else None


def _word(value: str) -> str:
    """Return `value` percent-encoded, without two adjacent hyphens; a long one is truncated and ends in its digest."""
    encoded = re.sub(r"-(?=-)|(?<=-)-", "%2D", quote(value, safe="-._", errors="replace"))
    if len(encoded) <= _MAX_WORD:
        return encoded
    digest = hashlib.sha256(value.encode(errors="replace")).hexdigest()[:20]
    return f"{re.sub('%.?$', '', encoded[: _MAX_WORD - 21])}.{digest}"


def _number(run: str) -> int:
    """Return the id of a run as a number; 0 for a local run, which has none."""
    return int(run) if run.isascii() and run.isdecimal() and len(run) <= _MAX_RUN_DIGITS else 0
