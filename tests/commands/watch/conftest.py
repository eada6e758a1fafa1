"""The watched service with a local API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from github_api import spec
from github_api.server import running
from watched_service import WatchedService

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WatchedService]:
    """The service; at the end no request may have broken GitHub's description."""
    if not spec.default_file().is_file():
        pytest.skip(f"GitHub's OpenAPI description is not here; {spec.FETCH}")
    with running({"repositories": {"acme/shop": {}}}) as api:
        yield WatchedService(tmp_path, api, monkeypatch)
        assert api.violations == []
