"""Sends an alert to a webhook: a few tries, no redirects, and never the address in a message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ghmlops.core.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

TRIES = 3
"""Times that a delivery is tried."""
TIMEOUT = 5.0
"""Seconds to connect, and between two parts of the response."""
PAUSES = (0.5, 2.0)
"""Seconds before the second and the third try."""


def deliver(address: str, body: dict[str, Any], delivery_id: str, *, sleep: Callable[[float], None]) -> None:
    """Post a JSON object, with an id by which the receiver recognises a repeated delivery.

    Args:
        address: Address of the webhook, a secret.
        body: The object.
        delivery_id: Sent as `Idempotency-Key`.
        sleep: Waits for some seconds.

    Raises:
        ServiceError: The receiver did not accept it; the message names neither address nor response.
    """
    import requests

    problem = ""
    for attempt in range(TRIES):
        if attempt:
            sleep(PAUSES[attempt - 1])
        try:
            with requests.Session() as session:
                session.auth = _unchanged  # the credentials of a .netrc are for others
                headers = {"Idempotency-Key": delivery_id, "User-Agent": "ghmlops"}
                response = session.post(
                    address, json=body, headers=headers, timeout=TIMEOUT, allow_redirects=False, stream=True
                )
                status = response.status_code
                response.close()
        except requests.Timeout:
            problem = f"no response within {TIMEOUT:.0f} s"
            continue
        except requests.RequestException:
            problem = "the connection failed"
            continue
        if 200 <= status < 300:
            return
        problem = f"the response has the status {status}"
        if status < 500 and status != 429:
            break
    raise ServiceError(problem, hint="check the address in the secret, and whether the receiver is up")


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Return a request without credentials."""
    return request
