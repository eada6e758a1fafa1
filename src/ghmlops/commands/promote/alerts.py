"""Alerts people to a promotion that holds, rolled back, or became an incident: once, also over several runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.commands.shared.alerts.send import send_alert, usable_addresses
from ghmlops.core.steps.alert import Alert, Event
from ghmlops.measure.checkout import repository_name

if TYPE_CHECKING:
    from ghmlops.commands.promote.inputs import Inputs
    from ghmlops.commands.promote.job import Job
    from ghmlops.commands.promote.walk import Walk
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.errors import ServiceError
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.promotion.record import PromotionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """The alerts of one run.

    Args:
        job: Everything that the promotion needs.
        walk: The promotion, which knows what the runs before alerted people to.
        inputs: Inputs of the command, with the addresses.
        policy: The policy, which allows hosts.
        services: Services of the command.
    """

    job: Job
    walk: Walk
    inputs: Inputs
    policy: Policy
    services: Services

    def report_end(self, record: PromotionRecord) -> None:
        """Send the alert about the end of a run, unless a run before sent it: a hold that goes on is reported once."""
        if record.event == "incident" and record.incident:
            undone = self._send("incident", record.incident, record.caveats[-1])
        elif record.event:
            undone = self._send(record.event, record.reason_code, record.reason)
        else:
            return
        if record.decision == "rollback":  # nobody looks at what needs no person, unless it is said
            for what in undone:
                self.walk.journal.add_undone(what)

    def rollback_failed(self, error: ServiceError) -> None:
        """Send the alert about a rollback that the target did not let end; the next run continues it."""
        self._send("incident", error.reason_code, f"The traffic could not be returned: {error.message}.")

    def _send(self, event: Event, reason_code: str, reason: str) -> tuple[str, ...]:
        """Send an alert that no run before sent; return what could not be sent: one sentence each."""
        services, job, journal = self.services, self.job, self.walk.journal
        if journal.alerted == reason_code:
            return ()
        inputs, refused = usable_addresses(self.inputs, self.policy)
        undone = tuple(f"an alert was not sent: {problem.message}" for problem in refused)
        if not (inputs.alert_webhook or inputs.alert_slack):
            return undone
        alert = Alert(
            event=event,
            command="promote",
            repository=services.context.repository or repository_name(services.cwd),
            service=job.service,
            environment=job.environment,
            commit=job.commit,
            reason_code=reason_code,
            reason=reason,
            run_url=services.context.run_url,
            time=services.now().isoformat(timespec="seconds"),
        )
        undone += send_alert(alert, inputs, services)
        with journal.duty("that people were alerted was not recorded"):
            self.walk.mark_alerted(reason_code)
        return undone
