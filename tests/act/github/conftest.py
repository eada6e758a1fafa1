"""A local GitHub API for each test, and clients on it that do not really sleep."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from ghmlops.act.github.client import Client, connect
from github_api import spec
from github_api.server import Api, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEAD = "a" * 40


@pytest.fixture
def api() -> Iterator[Api]:
    """The server with one repository and one pull request; at the end nothing may have broken the specification."""
    if not spec.default_file().is_file():
        pytest.skip(f"GitHub's OpenAPI description is not here; {spec.FETCH}")
    seed = {"repositories": {"acme/shop": {}}, "pull_requests": [{"number": 7, "head_sha": HEAD}]}
    with running(seed) as server:
        yield server
        assert server.violations == []


@pytest.fixture
def sleeps() -> list[float]:
    """Seconds the client would have slept."""
    return []


@pytest.fixture
def notes() -> list[str]:
    """What the client told a person."""
    return []


@pytest.fixture
def client_for(api: Api, sleeps: list[float], notes: list[str]) -> Iterator[Callable[[str], Client]]:
    """Return a client for a token."""
    with contextlib.ExitStack() as stack:

        def make(token: str) -> Client:
            opened = connect(
                token=token, api_url=api.url, repository="acme/shop", note=notes.append, sleep=sleeps.append
            )
            return stack.enter_context(opened)

        yield make


@pytest.fixture
def client(client_for: Callable[[str], Client]) -> Client:
    """A client with the workflow's own token, which may write everything."""
    return client_for("t")
