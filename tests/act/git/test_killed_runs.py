"""A revert that is killed at any point: the next one removes what it left, and reverts once."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from ghmlops.clients.owned_folders import is_abandoned
from thoroughness import part

if TYPE_CHECKING:
    from git_scene import Scene

# Counts the calls of git and kills this process before or after one of them; prints their number if none is named.
SCRIPT = """
import json, os, pathlib, signal, sys
from ghmlops.act.git import selection
from ghmlops.act.git.revert import Request, revert
from ghmlops.clients.git import client
from ghmlops.core.revert.grounds import Grounds
from ghmlops.core.revert.spec import parse_spec

folder, commit, temp, victim, moment = json.loads(sys.argv[1])
calls, original = 0, client.run_process

def counted(args, **options):
    global calls
    calls += 1
    if calls == victim and moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = original(args, **options)
    if calls == victim:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

client.run_process = counted
grounds = Grounds(by_person=True, reason="it is slow")
request = Request(selection=selection.Request(spec=parse_spec(commit), grounds=grounds), branch="main", temp=temp)
git = client.open_repository(pathlib.Path(folder), dict(os.environ))
print(calls, revert(git, request, forge=None, note=print).state, calls)
"""


def _run(scene: Scene, commit: str, victim: int, moment: str = "") -> subprocess.CompletedProcess[str]:
    argument = json.dumps([str(scene.work.folder), commit, str(scene.home / "temp"), victim, moment])
    command = [sys.executable, "-c", SCRIPT, argument]
    return subprocess.run(command, env=scene.work.environ, capture_output=True, text=True, check=False)


def _private_refs(scene: Scene) -> list[str]:
    return scene.work.git("for-each-ref", "--format=%(refname)", "refs/ghmlops/").split()


def test_a_run_that_is_killed_at_any_call_of_git_leaves_nothing_to_the_next(scene: Scene) -> None:
    """Before and after each call: no reference, folder or record is left, and the commit is reverted once."""
    bad = scene.work.commit("Bad", {"b.txt": "bad\n"})
    scene.work.push()
    total = int(_run(scene, bad, 0).stdout.split()[-1])
    assert total > 15
    left = killed = 0
    points = part([(victim, moment) for victim in range(2, total + 1) for moment in ("before", "after")])
    for victim, moment in points:
        scene.remote.git("update-ref", "refs/heads/main", bad)
        killed += _run(scene, bad, victim, moment).returncode == -9
        left += bool(_private_refs(scene))
        assert _run(scene, bad, 0).returncode == 0
        assert _private_refs(scene) == []
        assert list((scene.home / "temp").iterdir()) == []
        assert len(scene.work.git("worktree", "list").splitlines()) == 1
        assert scene.remote.git("rev-list", "--count", f"{bad}..main") == "1"
        assert scene.remote.git("show", "main:b.txt") == "b"
    assert killed == len(points)
    assert left > len(points) / 2  # most of the killed runs did leave a reference


def test_references_of_others_stay(scene: Scene) -> None:
    """A reference of a process that runs, and one with another name, are not removed."""
    tip = scene.tip()
    names = ["refs/ghmlops/run-1-0-0-abc", "refs/ghmlops/mine"]
    for name in names:
        scene.work.git("update-ref", name, tip)
    assert _run(scene, scene.work.commit("Bad", {"b.txt": "bad\n"}), 0).returncode != 0  # it was not pushed
    assert sorted(_private_refs(scene)) == sorted(names)
    assert not is_abandoned("run-1-0-0-abc", "run-")
