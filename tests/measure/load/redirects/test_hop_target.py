"""Which hosts a redirect may lead to."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from ghmlops.core.errors import ServiceError
from ghmlops.core.load.allowed_hosts import HostRules
from ghmlops.core.load.redirects import Hop, RedirectError, RedirectRules
from ghmlops.core.load.routing import Proxy
from ghmlops.measure.load.redirects.hop_target import contact_hop
from ghmlops.measure.load.target import parse_target

ORIGIN = parse_target("http://127.0.0.1:8000", "url")


def _hop(host: str, port: int) -> Hop:
    return Hop(scheme="http", host=host, port=port, authority=f"{host}:{port}", path="/")


@pytest.mark.parametrize(
    ("host", "allowed", "targets", "error"),
    [
        ("192.0.2.1", (), (), RedirectError),
        ("169.254.169.254", ("*.example.com",), (), RedirectError),
        ("localhost.invalid", ("localhost.invalid",), (), ServiceError),  # allowed; its name cannot be resolved
        ("127.0.0.1", (), (), ServiceError),  # nothing listens
    ],
)
def test_hosts(host: str, allowed: tuple[str, ...], targets: tuple[str, ...], error: type[Exception]) -> None:
    """The rules of the inputs apply to each address of the host; a metadata service is no redirect target."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(error):
        contact_hop(_hop(host, port), ORIGIN, RedirectRules(hosts=HostRules(allowed=allowed, targets=targets)))


def test_this_machine_is_reached_directly_only() -> None:
    """The address that answered is stored; behind a proxy or `connect-to` no other host is contacted."""
    rules = RedirectRules(hosts=HostRules())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        hop = _hop("127.0.0.1", listener.getsockname()[1])
        target = contact_hop(hop, replace(ORIGIN, client_certificate="client.pem"), rules)
        assert (target.address, target.port, target.prefix) == ("127.0.0.1", hop.port, "")
        assert target.client_certificate == ""
        routed = replace(ORIGIN, proxy=Proxy(host="127.0.0.1", port=3128)), replace(ORIGIN, connect_host="127.0.0.2")
        for origin in routed:
            with pytest.raises(RedirectError):
                contact_hop(hop, origin, rules)
