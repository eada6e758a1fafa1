"""The readiness probe: 2xx in time, or an error with the last answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from preview_services import Services

if TYPE_CHECKING:
    pass


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("never", "Connection refused.*loading"),
        ("mute", "no answer"),
        ("dripping", "not HTTP|no answer"),
        ("busy", "503"),
    ],
)
def test_the_wait_is_bounded(services: Services, kind: str, words: str) -> None:
    """Whatever the service does instead of answering, the wait ends in time and the last answer is reported."""
    error = services.start_failure(kind, timeout=4.0)
    assert "http://127.0.0.1:" in error.message
    assert " 4 s" in error.message
    assert re.search(words, error.message)


def test_a_redirect_is_not_followed(services: Services) -> None:
    """A path that answers 302 is not ready, and the message contains the status."""
    assert "302" in services.start_failure("plain", timeout=4.0, ready="/moved").message


def test_the_query_of_the_probe_is_redacted(services: Services) -> None:
    """A query may contain a secret."""
    error = services.start_failure("plain", timeout=4.0, ready="/nope?token=s3cret")
    assert all(part in error.message for part in ("/nope", " 4 s", "404"))
    assert "s3cret" not in error.message
