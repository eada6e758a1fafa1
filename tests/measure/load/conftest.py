"""A real service for the generator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import scoring_service

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """Address of a service that answers as the path asks."""
    with scoring_service.started() as url:
        yield url
