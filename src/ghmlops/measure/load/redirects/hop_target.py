"""The service that a redirect to another host leads to: checked against the allowed hosts, and contacted once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.load.allowed_hosts import is_allowed
from ghmlops.core.load.redirects import RedirectError
from ghmlops.measure.load.connecting.probe import probe
from ghmlops.measure.load.target import parse_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.load.redirects import Hop, RedirectRules
    from ghmlops.measure.load.target import Target


def contact_hop(hop: Hop, origin: Target, rules: RedirectRules) -> Target:
    """Return the service that a redirect leads to, with the address that answered; it gets no client certificate.

    Args:
        hop: Where the redirect leads: to another origin than that of the service.
        origin: The service that redirects.
        rules: The hosts that may be loaded.

    Raises:
        RedirectError: The host may not be loaded.
        ServiceError: It cannot be reached.
    """
    if origin.proxy is not None or origin.connect_host:
        raise RedirectError(
            f"the redirect leads to another host, {hop.host[:100]}, and the service is reached through a proxy or "
            "`connect-to`"
        )

    def check(addresses: Sequence[str]) -> None:
        for address in addresses:
            if not is_allowed(hop.host, address, rules.hosts):
                raise RedirectError(
                    f"the redirect leads to {hop.host[:100]}, which `allow-hosts` or `targets` does not include"
                )

    return probe(parse_target(f"{hop.scheme}://{hop.authority}", "url", rules.ca_file), "url", check)
