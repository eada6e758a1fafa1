"""A remote with a little history, a clone of it, and the revert as the command calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_scene import Scene, make_scene

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A remote whose `main` holds one commit with 20 lines, and a clone with it checked out."""
    return make_scene(tmp_path)
