"""What happens between the revert and the remote: races, rules, lost answers, tokens, interruptions."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from ghmlops.core.errors import GitError, NeedsPerson, PermissionMissing
from git_http import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from git_http import HttpRemote
    from git_sandbox import Repo
    from git_scene import Scene

TOKEN = "ghs_0123456789abcdefghij"
HEADER = "Basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()


@dataclass
class Pulls:
    """The forge of a test: remembers pull requests, one for each pair of branches."""

    rules: tuple[str, ...] = ()
    opened: list[dict[str, str]] = field(default_factory=list)

    def blocking_rules(self, branch: str) -> tuple[str, ...]:
        """Return the rules it was made with."""
        return self.rules if branch == "main" else ()

    def open_pull_request(self, *, head: str, base: str, title: str, body: str) -> int:
        """Open it once."""
        given = {"head": head, "base": base, "title": title, "body": body}
        if given not in self.opened:
            self.opened.append(given)
        return 1 + self.opened.index(given)


def bad_commit(scene: Scene) -> str:
    """Push a commit that is to be reverted."""
    bad = scene.work.commit("Bad", {"a.txt": "bad\n"})
    scene.work.push()
    return bad


def refuse_pushes(remote: Repo, branch: str) -> None:
    """Let the remote refuse a branch, in GitHub's words."""
    hook = remote.folder / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        "#!/bin/sh\nwhile read old new ref; do\n"
        f'  case "$ref" in {branch}) echo "error: GH006: Protected branch update failed for $ref." >&2; exit 1;; esac\n'
        "done\n"
    )
    hook.chmod(0o755)


def git_that_first(scene: Scene, script: str) -> dict[str, str]:
    """Return an environ whose `git push` first runs a shell script, with `$GIT` the real git."""
    folder = scene.home / "bin"
    folder.mkdir()
    real = shutil.which("git")
    shim = folder / "git"
    shim.write_text(
        f'#!/bin/sh\nGIT={real}\nif [ "$1" = push ]; then (unset GIT_CONFIG_COUNT; {script}); fi\nexec {real} "$@"\n'
    )
    shim.chmod(0o755)
    environ = scene.work.environ
    return {**environ, "PATH": f"{folder}:{environ['PATH']}"}


@pytest.mark.parametrize("times", [1, 2])
def test_a_branch_that_moves_is_followed(scene: Scene, times: int) -> None:
    """A push by somebody else in between is kept: the revert is made again on top of it."""
    bad = bad_commit(scene)
    other = scene.clone("other")
    count = scene.home / "count"
    environ = git_that_first(
        scene,
        f"echo x >>{count}; [ $(wc -l <{count}) -le {times} ] && cd {other.folder} && date +%N >>c.txt && $GIT add -A "
        f"&& $GIT -c user.name=o -c user.email=o@e commit -qm Other && $GIT push -q origin HEAD",
    )
    ended = scene.revert(bad, environ=environ)
    assert ended.state == "reverted"
    assert scene.tip() == ended.revert_sha
    subjects = scene.remote.git("log", "--format=%s", "main").splitlines()
    assert subjects == ['Revert "Bad"', *["Other"] * times, "Bad", "Begin"]
    assert len(scene.notes) == times


def test_a_branch_that_never_rests_is_left_to_a_person(scene: Scene) -> None:
    """After three attempts it ends; what the others pushed stays, nothing of ours is there."""
    bad = bad_commit(scene)
    other = scene.clone("other")
    environ = git_that_first(
        scene,
        f"cd {other.folder} && date +%N >>c.txt && $GIT add -A "
        "&& $GIT -c user.name=o -c user.email=o@e commit -qm Other && $GIT push -q origin HEAD",
    )
    with pytest.raises(NeedsPerson, match="moved 3 times"):
        scene.revert(bad, environ=environ)
    assert scene.remote.git("log", "--format=%s", "main").splitlines() == ["Other"] * 3 + ["Bad", "Begin"]


def test_a_branch_rewritten_in_between_is_never_overwritten(scene: Scene) -> None:
    """Where somebody replaces the bad commit by force, the revert ends with a refusal and the branch stays theirs."""
    bad = bad_commit(scene)
    other = scene.clone("other")
    other.git("reset", "--quiet", "--hard", "HEAD^")
    theirs = other.commit("Better", {"a.txt": "better\n"})
    environ = git_that_first(scene, f"cd {other.folder} && $GIT push -q --force origin HEAD:main")
    with pytest.raises(NeedsPerson) as caught:
        scene.revert(bad, environ=environ)
    assert caught.value.reason_code == "commit-not-on-branch"
    assert scene.tip() == theirs


def test_a_branch_rewound_in_between_ends_with_the_good_tree(scene: Scene) -> None:
    """Where somebody takes the bad commit away, a fast-forward brings it only together with its revert."""
    bad = bad_commit(scene)
    good = scene.work.git("rev-parse", f"{bad}^")
    environ = git_that_first(scene, f"$GIT --git-dir={scene.remote.folder} update-ref refs/heads/main {good}")
    assert scene.revert(bad, environ=environ).state == "reverted"
    assert scene.remote.tree("main") == scene.remote.tree(good)


def test_a_protected_branch_without_a_token_is_for_a_person(scene: Scene) -> None:
    """The remote's own words are in the error, and nothing was pushed."""
    bad = bad_commit(scene)
    refuse_pushes(scene.remote, "refs/heads/main")
    with pytest.raises(NeedsPerson, match=r"GH006: Protected branch update failed for refs/heads/main") as caught:
        scene.revert(bad)
    assert caught.value.reason_code == "branch-protected"
    assert scene.remote.git("for-each-ref", "--format=%(refname)").splitlines() == ["refs/heads/main"]
    assert scene.tip() == bad


def test_a_protected_branch_gets_one_pull_request(scene: Scene) -> None:
    """With a token the revert waits on a branch of its own; running again finds branch and pull request."""
    bad = bad_commit(scene)
    refuse_pushes(scene.remote, "refs/heads/main")
    pulls = Pulls()
    ended = scene.revert(bad, forge=pulls)
    name = f"ghmlops/revert-{bad[:12]}"
    assert (ended.state, ended.number) == ("pull-request", 1)
    assert scene.tip(name) == ended.revert_sha
    assert scene.remote.tree(name) == scene.remote.tree(f"{bad}^")
    assert scene.tip() == bad
    again = scene.revert(bad, forge=pulls)
    assert (again.number, again.revert_sha) == (1, ended.revert_sha)
    assert [(p["head"], p["base"], p["title"]) for p in pulls.opened] == [(name, "main", 'Revert "Bad"')]
    assert pulls.opened[0]["body"].splitlines()[0] == f"This reverts commit {bad}."


def test_known_rules_are_respected_without_a_push(scene: Scene) -> None:
    """Where GitHub tells of rules the branch itself is not tried."""
    bad = bad_commit(scene)
    ended = scene.revert(bad, forge=Pulls(rules=("pull_request",)))
    assert ended.state == "pull-request"
    assert "pull_request" in ended.said
    assert scene.tip() == bad


def test_a_pull_request_can_be_asked_for(scene: Scene) -> None:
    """`mode: pull-request` leaves an open branch alone too; without a token it is refused."""
    bad = bad_commit(scene)
    with pytest.raises(NeedsPerson, match="pull-request"):
        scene.revert(bad, pull_request=True)
    assert scene.revert(bad, pull_request=True, forge=Pulls()).state == "pull-request"
    assert scene.tip() == bad


def test_a_branch_left_behind_by_a_merged_revert_moves_on(scene: Scene) -> None:
    """After its pull request was merged and a person brought the change back, the same branch serves again."""
    bad = bad_commit(scene)
    pulls = Pulls()
    first = scene.revert(bad, pull_request=True, forge=pulls)
    scene.work.git("pull", "--quiet", "origin", f"ghmlops/revert-{bad[:12]}")
    scene.work.git("revert", "--no-edit", "HEAD")
    scene.work.push()
    second = scene.revert(bad, pull_request=True, forge=pulls)
    assert second.state == "pull-request"
    assert scene.tip(f"ghmlops/revert-{bad[:12]}") == second.revert_sha != first.revert_sha


def test_a_foreign_branch_of_that_name_is_not_written_to(scene: Scene) -> None:
    """A branch that happens to have the name is left as it is."""
    bad = bad_commit(scene)
    name = f"ghmlops/revert-{bad[:12]}"
    scene.work.git("checkout", "--quiet", "-b", name)
    theirs = scene.work.commit("Mine", {"mine.txt": "m\n"})
    scene.work.push()
    with pytest.raises(NeedsPerson) as caught:
        scene.revert(bad, pull_request=True, forge=Pulls())
    assert caught.value.reason_code == "branch-taken"
    assert scene.tip(name) == theirs


def test_both_branches_refused(scene: Scene) -> None:
    """Where the remote takes no branch at all, a person hears both reasons."""
    bad = bad_commit(scene)
    refuse_pushes(scene.remote, "*")
    with pytest.raises(NeedsPerson, match=r"neither `main` nor `ghmlops/revert-[0-9a-f]{12}` takes the revert.*GH006"):
        scene.revert(bad, forge=Pulls())


@pytest.fixture
def web(scene: Scene) -> Iterator[HttpRemote]:
    """The remote over HTTP, behind a token."""
    scene.remote.git("config", "http.receivepack", "true")
    with serving(scene.remote.folder.parent, HEADER) as server:
        yield server


def over(scene: Scene, web: HttpRemote) -> str:
    """Push a bad commit, then let the clone use the HTTP remote."""
    bad = bad_commit(scene)
    scene.work.git("remote", "set-url", "origin", f"{web.url}/remote.git")
    return bad


def test_the_token_opens_an_http_remote_and_is_kept_nowhere(scene: Scene, web: HttpRemote) -> None:
    """Fetch and push carry exactly one header with the token; an older one in the settings is replaced."""
    bad = over(scene, web)
    scene.work.git("config", f"http.{web.url}/.extraheader", "AUTHORIZATION: basic b2xk")
    ended = scene.revert(bad, token=TOKEN)
    assert ended.state == "reverted"
    assert scene.tip() == ended.revert_sha
    assert {tuple(given) for _, _, given in web.seen} == {(HEADER,)}
    assert any(method == "POST" and "git-receive-pack" in path for method, path, _ in web.seen)
    kept = [p for p in scene.home.rglob("*") if p.is_file() and TOKEN.encode() in p.read_bytes()]
    assert kept == []


def test_a_wrong_or_missing_token_is_one_sentence(scene: Scene, web: HttpRemote) -> None:
    """Without the right token the remote cannot be read; the error does not ask at a terminal and shows no token."""
    bad = over(scene, web)
    wrong = "ghs_wrongwrongwrongwrong"
    for token in ("", wrong):
        with pytest.raises(GitError) as caught:
            scene.revert(bad, token=token)
        assert "contents: write" in caught.value.hint
        assert wrong not in caught.value.message


def test_a_token_in_the_remotes_address_is_not_shown(scene: Scene) -> None:
    """Credentials inside an address are left out of messages."""
    bad = bad_commit(scene)
    scene.work.git("remote", "set-url", "origin", "http://user:hunter2secret@127.0.0.1:1/x.git")
    with pytest.raises(GitError) as caught:
        scene.revert(bad)
    assert "hunter2secret" not in caught.value.message


def test_the_token_does_not_follow_a_redirect(scene: Scene, web: HttpRemote) -> None:
    """A remote that points elsewhere does not get the token sent there."""
    bad = over(scene, web)
    with serving(scene.remote.folder.parent, HEADER) as elsewhere:
        web.redirect = elsewhere.url
        with pytest.raises(GitError):
            scene.revert(bad, token=TOKEN)
        assert elsewhere.seen == []


def test_a_token_that_may_not_push(scene: Scene, web: HttpRemote) -> None:
    """403: without GitHub around a person is needed; with it, the missing permission is named."""
    bad = over(scene, web)
    web.refuse_push = 403
    with pytest.raises(NeedsPerson, match="403"):
        scene.revert(bad, token=TOKEN)
    with pytest.raises(PermissionMissing) as caught:
        scene.revert(bad, token=TOKEN, forge=Pulls())
    assert "contents: write" in caught.value.hint
    assert scene.tip() == bad


def test_a_lost_answer_is_looked_up(scene: Scene, web: HttpRemote) -> None:
    """A push that landed although its answer was lost is a revert, not an error and not a second commit."""
    bad = over(scene, web)
    web.lose_push = True
    ended = scene.revert(bad, token=TOKEN)
    assert ended.state == "reverted"
    assert scene.tip() == ended.revert_sha
    assert scene.remote.git("rev-list", "--count", "main") == "3"


def test_a_remote_that_fails_on_push_is_unreachable(scene: Scene, web: HttpRemote) -> None:
    """A server error is exit 2: nothing was judged about the commit, and nothing landed."""
    bad = over(scene, web)
    web.refuse_push = 500
    with pytest.raises(GitError) as caught:
        scene.revert(bad, token=TOKEN)
    assert caught.value.exit_code == 2
    assert scene.tip() == bad


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing(scene: Scene, how: signal.Signals) -> None:
    """Interrupted while it pushes: exit 130, no process, no work tree, no reference, and the checkout as it was."""
    bad = bad_commit(scene)
    (scene.work.folder / "a.txt").write_text("my edits\n")
    before = scene.work.state()
    started = scene.home / "started"
    environ = git_that_first(scene, f"echo $$ >{started}; sleep 60")
    process = subprocess.Popen(
        [sys.executable, "-m", "ghmlops", "revert", "--commit", bad, "--reason", "slow"],
        cwd=scene.work.folder,
        env={**environ, "RUNNER_TEMP": str(scene.home / "temp")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        wait_for(started)
        process.send_signal(how)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    assert scene.work.state() == before
    assert scene.tip() == bad
    assert list((scene.home / "temp").iterdir()) == []
    assert not alive(int(started.read_text()))


def wait_for(path: Path) -> None:
    """Wait until a file has a line."""
    end = time.monotonic() + 30
    while not (path.exists() and path.read_text().endswith("\n")):
        assert time.monotonic() < end, f"{path.name} did not come"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """True where a process runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
