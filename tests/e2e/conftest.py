"""Fixtures: a folder to run workflows in, and the local GitHub API. Tests are skipped if the runner is missing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from github_api.server import running
from github_api.spec import default_file
from runner import ACT, TOKEN, World, make_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from github_api.server import Api

PERMISSIONS = {
    "actions": "read",
    "checks": "write",
    "contents": "write",
    "deployments": "write",
    "pull_requests": "write",
    "statuses": "write",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and skip them with a reason if a tool is missing."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            if not ACT.is_file():
                item.add_marker(pytest.mark.skip("act is missing: `scripts/test` builds it if Go is installed"))
            elif not default_file().is_file():
                item.add_marker(pytest.mark.skip("GitHub's API description is missing: `scripts/test` installs it"))


@pytest.fixture
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """Yield the folder of a consumer; no process in it may outlive the test. The jobs of one file install the suite."""
    world = make_world(tmp_path / "w", installs=request.path.name == "test_actions.py")
    yield world
    assert processes_in(world.folder) == []


@pytest.fixture
def api() -> Iterator[Api]:
    """Yield GitHub's API with `acme/consumer`; every request and response must match its published description."""
    token = {"login": "github-actions[bot]", "kind": "installation", "permissions": PERMISSIONS}
    with running({"repositories": {"acme/consumer": {}}, "tokens": {TOKEN: token}}) as server:
        yield server
        assert server.violations == []


def processes_in(folder: Path) -> list[str]:
    """Return the command lines of the processes whose working directory is inside `folder`."""
    commands = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and Path(os.readlink(process / "cwd")).is_relative_to(folder):
                commands.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:  # it has ended, or belongs to another user
            continue
    return commands
