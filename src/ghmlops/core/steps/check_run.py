"""The check run that carries the verdict on a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

import msgspec

from ghmlops.core.model import Outcome
from ghmlops.core.steps.github_limits import CHECK_SUMMARY_LIMIT
from ghmlops.core.steps.step import short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Verdict

TITLE_LIMIT = 200
_CONCLUSIONS = {
    Outcome.PASS: "success",
    Outcome.WARN: "neutral",
    Outcome.INCONCLUSIVE: "action_required",
    Outcome.FAIL: "failure",
    Outcome.ERROR: "action_required",
}
"""A required check lets a change through at `success` and `neutral`: the outcomes that the gate lets through, too.
An inconclusive verdict needs a person or another run: it is not `neutral`."""


class Annotation(NamedTuple):
    """A message beside a line of a file."""

    path: str
    line: int
    level: str
    """`failure` or `warning`."""
    title: str
    message: str


class CheckRun(msgspec.Struct, frozen=True, kw_only=True):
    """One completed check run.

    Attributes:
        name: name, by which a ruleset requires it.
        head_sha: commit.
        run_id: id of the run that measured.
        attempt: its attempt; (run id, attempt) decides which verdict stands.
        conclusion: `success`, `neutral`, `failure` or `action_required`.
        title: one line.
        summary: Markdown.
        details_url: address of the run that measured; may be empty.
        annotations: messages beside lines of files, worst first, always in the same order.
    """

    name: str
    head_sha: str
    run_id: int
    attempt: int
    conclusion: str
    title: str
    summary: str
    details_url: str = ""
    annotations: tuple[Annotation, ...] = ()

    mark: ClassVar[str] = "ghmlops"

    @property
    def external_id(self) -> str:
        """Order of the check run, in the form that GitHub stores with it."""
        return f"{self.mark}:{self.run_id}:{self.attempt}"

    def is_older_than(self, external_id: str) -> bool:
        """Return whether the check run with this `external_id` is of a later run or attempt."""
        _, _, order = external_id.partition(":")
        run_id, _, attempt = order.partition(":")
        if not all(text.isascii() and text.isdecimal() and len(text) <= 18 for text in (run_id, attempt)):
            return False
        return (self.run_id, self.attempt) < (int(run_id), int(attempt))


def verdict_check(  # noqa: PLR0913  (the parts of a check run)
    verdict: Verdict, summary: str, *, run_id: int, attempt: int, url: str, annotations: Sequence[Annotation] = ()
) -> CheckRun:
    """Return the check run of a verdict: `pass` and `warn` let the change through, everything else does not.

    Args:
        verdict: The verdict on the head of the pull request.
        summary: The report in Markdown.
        run_id: Id of the run that measured.
        attempt: Its attempt.
        url: Its address.
        annotations: Its findings beside the lines of the policy, worst first.
    """
    return CheckRun(
        name="/".join(part for part in ("ghmlops", verdict.service) if part),
        head_sha=verdict.commit,
        run_id=run_id,
        attempt=attempt,
        conclusion=_CONCLUSIONS[verdict.outcome],
        title=short(f"{verdict.outcome.value}: {verdict.reason}", TITLE_LIMIT),
        summary=summary if len(summary) <= CHECK_SUMMARY_LIMIT else "The report is longer than a check run can be.",
        details_url=url,
        annotations=tuple(annotations),
    )
