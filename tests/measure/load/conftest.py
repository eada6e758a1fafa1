"""A service in its own process for the tests of the load generator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import scoring_service

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """Address of a service whose behaviour is selected by the path."""
    with scoring_service.started() as url:
        yield url
