"""Folders of killed runs are removed by the next run; those of anything else stay."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ghmlops.clients.owned_folders import abandoned_folders, create_owned_folder, is_abandoned

PREFIX = "ghmlops-test-"
SCRIPT = f"""
import os, signal, sys
from ghmlops.clients.owned_folders import create_owned_folder
folder = create_owned_folder({PREFIX!r}, sys.argv[1])
(folder / "file").write_text("x")
print(folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def _killed_folder(parent: Path) -> Path:
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(parent)], capture_output=True, text=True, check=False)
    return Path(done.stdout.strip())


def test_the_folder_of_a_killed_process_is_removed_by_the_next(tmp_path: Path) -> None:
    """SIGKILL leaves the folder with its files; creating the next one removes it."""
    left = _killed_folder(tmp_path)
    assert (left / "file").exists()
    folder = create_owned_folder(PREFIX, str(tmp_path))
    assert list(tmp_path.iterdir()) == [folder]


def test_folders_of_living_processes_and_of_others_stay(tmp_path: Path) -> None:
    """A living owner, another prefix, a foreign name, a link, another process namespace, a reused process id."""
    mine = create_owned_folder(PREFIX, str(tmp_path))
    dead = _killed_folder(tmp_path)
    other = tmp_path / dead.name.replace(PREFIX, "other-")
    foreign, link = tmp_path / f"{PREFIX}notes", tmp_path / f"{dead.name}x"
    for folder in (other, foreign):
        folder.mkdir()
    link.symlink_to(foreign)
    assert abandoned_folders(str(tmp_path), PREFIX) == [dead]
    pid, start, namespace, end = mine.name.removeprefix(PREFIX).split("-")
    assert not is_abandoned(mine.name, PREFIX)
    assert is_abandoned(f"{PREFIX}{pid}-{int(start) + 1}-{namespace}-{end}", PREFIX)
    assert not is_abandoned(f"{PREFIX}{pid}-{int(start) + 1}-{int(namespace) + 1}-{end}", PREFIX)
    assert int(pid) == os.getpid()
