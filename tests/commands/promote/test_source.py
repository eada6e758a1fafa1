"""Sources that are not there: an error when they are asked, and not before."""

from __future__ import annotations

import pytest

from ghmlops.commands.promote.source import DeferredPrometheus, NoSource
from ghmlops.core.errors import PolicyError, ServiceError
from ghmlops.core.policy.promote import Observe, Prometheus


def test_a_token_that_is_missing() -> None:
    """The variable is read by the first query."""
    observe = Observe(prometheus=Prometheus(url="http://127.0.0.1:9", token_variable="TOKEN"))
    with pytest.raises(PolicyError, match="TOKEN"):
        DeferredPrometheus(observe, {}).query("up")
    with pytest.raises(ServiceError):
        DeferredPrometheus(observe, {"TOKEN": "t"}).query("up")


def test_no_source_shows_nothing() -> None:
    """Not even that there were no requests."""
    assert NoSource().read() is None
