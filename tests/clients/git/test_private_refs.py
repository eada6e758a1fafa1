"""Private references are removed at the end, also after an error."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from ghmlops.clients.git.client import open_repository
from ghmlops.clients.git.private_refs import OTHER, private_ref
from git_sandbox import GIT

if TYPE_CHECKING:
    from pathlib import Path


def test_both_references_of_a_block_are_removed(tmp_path: Path) -> None:
    """What killed runs leave is tested in tests/act/git/test_killed_runs.py."""
    for command in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "-m", "x"]):
        subprocess.run(["git", *command], cwd=tmp_path, env={**GIT, "PATH": "/usr/bin:/bin"}, check=True)
    git = open_repository(tmp_path, {"PATH": "/usr/bin:/bin"})

    def fail() -> None:
        with private_ref(git) as ref:
            for name in (ref, ref + OTHER):
                git.read("update-ref", name, "HEAD")
            assert len(git.read("for-each-ref", "refs/ghmlops/").splitlines()) == 2
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        fail()
    assert git.read("for-each-ref", "refs/ghmlops/") == ""
