"""Fixtures of the tests of previews."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from preview_services import Services

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def services(tmp_path: Path) -> Services:
    """Services in a folder with a subfolder for temporary files."""
    (tmp_path / "temp").mkdir()
    return Services(tmp_path)
