"""Fixtures: a local GitHub API per test, and clients for it that do not sleep."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from ghmlops.clients.github.client import Client, connect
from github_api import spec
from github_api.server import Api, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEAD = "a" * 40


@pytest.fixture
def api() -> Iterator[Api]:
    """The server with one repository and one pull request; no request may violate GitHub's OpenAPI description."""
    if not spec.default_file().is_file():
        pytest.skip(f"GitHub's OpenAPI description is missing; {spec.FETCH}")
    seed = {"repositories": {"acme/shop": {}}, "pull_requests": [{"number": 7, "head_sha": HEAD}]}
    with running(seed) as server:
        yield server
        assert server.violations == []


@pytest.fixture
def sleeps() -> list[float]:
    """Seconds of each sleep that the client asked for."""
    return []


@pytest.fixture
def notes() -> list[str]:
    """Notes that the client reported to the user."""
    return []


class SimulatedTime:
    """A monotonic clock that only sleeping advances."""

    def __init__(self, sleeps: list[float]) -> None:
        self.sleeps = sleeps

    def clock(self) -> float:
        """Return the sum of all sleeps in seconds."""
        return sum(self.sleeps)


@pytest.fixture
def client_for(api: Api, sleeps: list[float], notes: list[str]) -> Iterator[Callable[[str], Client]]:
    """Return a client for a token."""
    with contextlib.ExitStack() as stack:

        def open_client(token: str) -> Client:
            connection = connect(
                token=token,
                api_url=api.url,
                repository="acme/shop",
                note=notes.append,
                sleep=sleeps.append,
                clock=SimulatedTime(sleeps).clock,
            )
            return stack.enter_context(connection)

        yield open_client


@pytest.fixture
def client(client_for: Callable[[str], Client]) -> Client:
    """A client with the workflow's own token, which has every write permission."""
    return client_for("t")
