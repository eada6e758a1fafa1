"""A remote with a short history and a clone of it, for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_scene import Scene, make_scene

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A remote whose `main` has one commit with a file of 20 lines, and a clone that has checked it out."""
    return make_scene(tmp_path)
