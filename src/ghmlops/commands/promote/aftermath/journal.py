"""The record of a promotion, written after every decision, and what could not be done about its end.

A rollback is never stopped by something that the traffic does not need: a record that cannot be written and a GitHub
that does not answer are noted, and named at the end.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec

from ghmlops.act.files import write_atomically
from ghmlops.core.errors import GhmlopsError
from ghmlops.core.promotion.record import Decision, PromotionRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ghmlops.commands.promote.deployment import Deployment
    from ghmlops.commands.promote.job import Job
    from ghmlops.commands.promote.observer import Observer

RECORD = "the record was not written"
QUARANTINE = "the deployment was not closed as a failure, so that its commit is not in quarantine"


@dataclass(slots=True, kw_only=True)
class Journal:
    """What is written about one promotion.

    Args:
        job: Everything that it needs.
        deployment: The GitHub deployment.
        observer: What is known about it so far.
        note: Reports to the user what could not be done.
        run_url: Address of the run; may be empty.
        person: Login of the person who started the run; may be empty.
        held_since: Since when it is on hold, by the runs before this one; empty if it is not.
        alerted: Reason code of what people were alerted to, by this run or those before it; empty if to nothing.

    Attributes:
        undone: What had to follow the end and was not done: one sentence each.
        is_written: Whether the newest record is on disk.
    """

    job: Job
    deployment: Deployment
    observer: Observer
    note: Callable[[str], None]
    run_url: str = ""
    person: str = ""
    held_since: str = ""
    alerted: str = ""
    undone: list[str] = field(init=False, default_factory=list)
    is_written: bool = field(init=False, default=False)
    _record: PromotionRecord | None = field(init=False, default=None)
    _missing: tuple[str, ...] = field(init=False, default=())

    def go_without(self, problems: Sequence[GhmlopsError]) -> None:
        """Note what a rollback is done without."""
        for error in problems:
            self.note(f"rollback: goes on without what it does not need: {error.message}")
        self._missing = tuple(f"The rollback was done without what could not be used: {e.message}." for e in problems)

    def add_caveat(self, sentence: str) -> None:
        """Add what the record says limits the verdict."""
        self._missing += (sentence,)

    def add_not_measured(self, sentence: str) -> None:
        """Add what the record says was not measured."""
        self.job = replace(self.job, not_measured=(*self.job.not_measured, sentence))

    @contextlib.contextmanager
    def duty(self, otherwise: str) -> Iterator[None]:
        """Do something that must follow the end; a failure is named at the end, and stops nothing.

        Args:
            otherwise: What is the case if it fails.
        """
        try:
            yield
        except GhmlopsError as error:
            self.add_undone(f"{otherwise}: {error.message}")

    def add_undone(self, what: str) -> None:
        """Add something that had to follow the end and was not done."""
        self.note(f"not done: {what}")
        self.undone.append(f"{what[:1].upper()}{what[1:]}.")

    def write_end(
        self, decision: Decision, reason_code: str, reason: str, incident: tuple[str, str] = ("", "")
    ) -> PromotionRecord:
        """Write the record of the end, and return it; one that cannot be written is named at the end."""
        record = self._describe(decision, reason_code, reason, incident)
        if decision != "hold":
            record = msgspec.structs.replace(record, end_time=self.observer.now().isoformat(timespec="seconds"))
        with self.duty(RECORD):
            self._save(record)
        return record

    def write_progress(self, decision: Decision, reason_code: str = "", reason: str = "") -> None:
        """Write how far the promotion is, or what it is about to do, so that the next run can go on from there.

        A record that cannot be written is a note: the candidate is judged on, and no rollback waits for a full disk.
        """
        record = self._describe(decision, reason_code, reason, ("", ""))
        try:
            self._save(record)
        except GhmlopsError as error:
            self.note(f"{RECORD}: {error.message}")

    def mark_alerted(self, reason_code: str) -> None:
        """Write that people were alerted, so that the runs that continue do not repeat it."""
        self.alerted = reason_code
        if self._record:
            self._save(msgspec.structs.replace(self._record, alerted=reason_code))

    def close(self, record: PromotionRecord) -> PromotionRecord:
        """Return the last record with what was not done, and write it if it can be written."""
        if not self.undone:
            return record
        record = msgspec.structs.replace(record, undone=tuple(self.undone), alerted=self.alerted)
        with contextlib.suppress(GhmlopsError):  # that it was not written is named already
            self._save(record)
        return record

    def _describe(
        self, decision: Decision, reason_code: str, reason: str, incident: tuple[str, str]
    ) -> PromotionRecord:
        observer = self.observer
        return PromotionRecord(
            commit=self.job.commit,
            environment=self.job.environment,
            service=self.job.service,
            run_url=self.run_url,
            base_sha=self.deployment.baseline_commit,
            override=self.deployment.override,
            person=self.person,
            rungs=tuple(observer.rungs),
            decision=decision,
            reason_code=reason_code,
            reason=reason,
            shares=observer.shares,
            held_since=self.held_since,
            alerted=self.alerted,
            sticky=observer.sticky,
            not_measured=self.job.not_measured,
            caveats=(*self._missing, *observer.caveats(), *filter(None, incident[1:])),
            incident=incident[0],
        )

    def _save(self, record: PromotionRecord) -> None:
        self._record, self.is_written = record, False
        write_atomically(self.job.record_path, msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")
        self.is_written = True
