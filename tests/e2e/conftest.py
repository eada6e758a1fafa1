"""A world to run workflows in, and the local GitHub API. Skipped by name where the runner is not built."""

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
    "contents": "write",
    "deployments": "write",
    "pull_requests": "write",
    "statuses": "write",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs with the runner, and say what is missing where it cannot."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            if not ACT.is_file():
                item.add_marker(pytest.mark.skip("act is not built: `scripts/test` does it where Go is on the machine"))
            elif not default_file().is_file():
                item.add_marker(pytest.mark.skip("GitHub's API description is missing: `scripts/test` gets it by npm"))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A consumer's world; nothing that runs in it may outlive the test."""
    made = make_world(tmp_path / "w")
    yield made
    assert processes_in(made.folder) == []


@pytest.fixture
def api() -> Iterator[Api]:
    """GitHub's API, where `acme/consumer` is; every request and answer fits its published description."""
    token = {"login": "github-actions[bot]", "kind": "installation", "permissions": PERMISSIONS}
    with running({"repositories": {"acme/consumer": {}}, "tokens": {TOKEN: token}}) as server:
        yield server
        assert server.violations == []


def processes_in(folder: Path) -> list[str]:
    """Return the command lines of the processes that work in a folder below `folder`."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and Path(os.readlink(process / "cwd")).is_relative_to(folder):
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:  # it has ended, or is somebody else's
            continue
    return found
