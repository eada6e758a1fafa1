"""Checks the addresses of alerts before a command acts, and sends an alert after it did."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from ghmlops.core.errors import InputError, ServiceError
from ghmlops.core.steps.alert import Alert, address_problem, slack_body, webhook_body

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Services, WithAlerts
    from ghmlops.core.policy.document import Policy

    T = TypeVar("T", bound=WithAlerts)


def check_alerts(inputs: WithAlerts, policy: Policy) -> None:
    """Check the addresses of the alerts.

    Raises:
        InputError: An address is malformed, or its host is not in `alerts.hosts`; the message does not contain it.
    """
    for problem in usable_addresses(inputs, policy)[1]:
        raise problem


def usable_addresses(inputs: T, policy: Policy) -> tuple[T, tuple[InputError, ...]]:
    """Return the inputs without the addresses that are malformed or not allowed, and what is wrong with these."""
    hosts = policy.alerts.hosts if policy.alerts else ()
    problems = []
    for name in ("alert_webhook", "alert_slack"):
        address = getattr(inputs, name).strip()
        if address and (problem := address_problem(address, hosts)):
            inputs = replace(inputs, **{name: ""})
            problems.append(
                InputError(
                    f"input `{name.replace('_', '-')}`: the address {problem}",
                    hint="list the host in the trusted policy, for example `alerts: {hosts: [hooks.slack.com]}`",
                )
            )
    return inputs, tuple(problems)


def send_alert(alert: Alert, inputs: WithAlerts, services: Services) -> tuple[str, ...]:
    """Send an alert to the addresses of the inputs. What happened is recorded already, so a failure is a note.

    Args:
        alert: The alert.
        inputs: Inputs of the command, whose addresses were checked by `check_alerts` or `usable_addresses`.
        services: Services of the command.

    Returns:
        One sentence for each address that it could not be delivered to.
    """
    from ghmlops.act.alerts import deliver

    bodies = (
        ("alert-webhook", inputs.alert_webhook, webhook_body(alert)),
        ("alert-slack", inputs.alert_slack, slack_body(alert)),
    )
    problems = []
    for name, address, body in bodies:
        if not address or inputs.dry_run:
            continue
        try:
            deliver(address.strip(), body, alert.id, sleep=time.sleep)
            services.console.note(f"an alert was sent to the address of `{name}`: {alert.event}")
        except ServiceError as error:
            problems.append(f"the alert of `{name}` was not delivered: {error.message}")
            services.console.note(problems[-1])
    return tuple(problems)
