"""What a load may quote, and the order of its calls."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.commands.shared.load.request_source import RequestSource
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Latency
from ghmlops.measure.load.target import Target
from ghmlops.measure.requests.calls import Calls


def source(*, private: bool = False) -> RequestSource:
    """Return a source with two calls of one endpoint."""
    calls = [Call(endpoint=0, path="/", body=body) for body in (b"1", b"2")]
    prepared = Calls(calls=calls, endpoint_ranges=[range(2)], truncated_files=[], fingerprints={})
    return RequestSource(policy=Latency(), calls=prepared, seed=1, private=private)


def target(address: str) -> Target:
    """Return a target that answered at an address."""
    return Target(url="http://h", host="h", port=80, tls=None, prefix="", authority="h", address=address)


@pytest.mark.parametrize(
    ("addresses", "private", "quotes"),
    [
        (["127.0.0.1"], False, True),
        (["127.0.0.1", "::1"], False, True),
        (["127.0.0.1"], True, False),
        (["9.9.9.9"], False, False),
        (["127.0.0.1", "9.9.9.9"], False, False),
    ],
)
def test_only_local_responses_without_secrets_are_quoted(addresses: list[str], private: bool, quotes: bool) -> None:
    """No example of a response is kept if a header contains a variable, or if an arm is not on this machine."""
    load = source(private=private).load([target(address) for address in addresses], np.arange(4) / 10)
    assert load.quotes == quotes


def test_each_request_has_a_call_and_a_write_order() -> None:
    """Both follow from the seed."""
    load = source().load([target("127.0.0.1")], np.arange(6) / 10)
    assert sorted(load.order) == [0, 0, 0, 1, 1, 1]
    assert list(load.write_order) == source().write_order(6).tolist()
