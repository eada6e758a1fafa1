"""The one connection to GitHub of a command, which has one deadline for all requests."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.commands.shared.base import Services
    from ghmlops.measure.github import Client


@contextlib.contextmanager
def connection(token: str, services: Services) -> Iterator[Client]:
    """Yield a client for the repository of the run.

    Raises:
        InputError: The token, address or repository is missing or malformed.
    """
    from ghmlops.measure.checkout import repository_name
    from ghmlops.measure.github import connect

    repository = services.context.repository or repository_name(services.cwd)
    note = services.console.note
    with connect(token=token, api_url=services.context.api_url, repository=repository, note=note) as client:
        yield client
