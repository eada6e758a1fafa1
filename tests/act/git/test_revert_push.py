"""Publishing a revert: races, branch rules, lost responses, tokens and interrupts."""

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

    from ghmlops.core.revert.api_commit import ApiRevert
    from ghmlops.core.revert.push_result import Published
    from git_http import HttpRemote
    from git_sandbox import Repo
    from git_scene import Scene

TOKEN = "ghs_0123456789abcdefghij"
HEADER = "Basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()


@dataclass
class FakeForge:
    """A forge that records pull requests, one per pair of branches."""

    rules: tuple[str, ...] = ()
    pull_requests: list[dict[str, str]] = field(default_factory=list)

    def may_change_workflows(self) -> bool:
        """Return whether the token may push workflows."""
        return True

    def blocking_rules(self, branch: str) -> tuple[str, ...]:
        """Return the configured rules for `main`."""
        return self.rules if branch == "main" else ()

    def publish_commits(self, *, branch: str, tip: str, revert: ApiRevert) -> Published:
        """Fail: only verified commits are created by a forge."""
        raise AssertionError((branch, tip, revert))

    def open_pull_request(self, *, head: str, base: str, title: str, body: str) -> int:
        """Record the pull request once and return its number."""
        pull_request = {"head": head, "base": base, "title": title, "body": body}
        if pull_request not in self.pull_requests:
            self.pull_requests.append(pull_request)
        return 1 + self.pull_requests.index(pull_request)


def bad_commit(scene: Scene) -> str:
    """Push a commit to revert."""
    bad = scene.work.commit("Bad", {"a.txt": "bad\n"})
    scene.work.push()
    return bad


def reject_pushes(remote: Repo, branch: str) -> None:
    """Make the remote reject pushes to a branch, with the message of GitHub."""
    hook = remote.folder / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        "#!/bin/sh\nwhile read old new ref; do\n"
        f'  case "$ref" in {branch}) echo "error: GH006: Protected branch update failed for $ref." >&2; exit 1;; esac\n'
        "done\n"
    )
    hook.chmod(0o755)


def git_with_push_hook(scene: Scene, script: str) -> dict[str, str]:
    """Return an environment whose `git push` first runs a shell script, in which `$GIT` is the real git."""
    folder = scene.home / "bin"
    folder.mkdir()
    real_git = shutil.which("git")
    wrapper = folder / "git"
    wrapper.write_text(
        f"#!/bin/sh\nGIT={real_git}\n"
        f'if [ "$1" = push ]; then (unset GIT_CONFIG_COUNT; {script}); fi\nexec {real_git} "$@"\n'
    )
    wrapper.chmod(0o755)
    environ = scene.work.environ
    return {**environ, "PATH": f"{folder}:{environ['PATH']}"}


@pytest.mark.parametrize("times", [1, 2])
def test_revert_is_created_again_if_the_branch_moves(scene: Scene, times: int) -> None:
    """After a push by somebody else in between, the revert is created again on top of it."""
    bad = bad_commit(scene)
    other = scene.clone("other")
    count = scene.home / "count"
    environ = git_with_push_hook(
        scene,
        f"echo x >>{count}; [ $(wc -l <{count}) -le {times} ] && cd {other.folder} && date +%N >>c.txt && $GIT add -A "
        f"&& $GIT -c user.name=o -c user.email=o@e commit -qm Other && $GIT push -q origin HEAD",
    )
    result = scene.revert(bad, environ=environ)
    assert result.state == "reverted"
    assert scene.tip() == result.revert_sha
    subjects = scene.remote.git("log", "--format=%s", "main").splitlines()
    assert subjects == ['Revert "Bad"', *["Other"] * times, "Bad", "Begin"]
    assert len(scene.notes) == times


def test_branch_that_moves_every_time_requires_a_person(scene: Scene) -> None:
    """After three attempts the revert is given up; the pushes of others stay, and nothing else was pushed."""
    bad = bad_commit(scene)
    other = scene.clone("other")
    environ = git_with_push_hook(
        scene,
        f"cd {other.folder} && date +%N >>c.txt && $GIT add -A "
        "&& $GIT -c user.name=o -c user.email=o@e commit -qm Other && $GIT push -q origin HEAD",
    )
    with pytest.raises(NeedsPerson, match="3 times") as caught:
        scene.revert(bad, environ=environ)
    assert caught.value.reason_code == "branch-moves"
    assert scene.remote.git("log", "--format=%s", "main").splitlines() == ["Other"] * 3 + ["Bad", "Begin"]


def test_rewritten_branch_is_never_overwritten(scene: Scene) -> None:
    """If somebody replaces the bad commit with a forced push, the revert is refused and the branch does not change."""
    bad = bad_commit(scene)
    other = scene.clone("other")
    other.git("reset", "--quiet", "--hard", "HEAD^")
    theirs = other.commit("Better", {"a.txt": "better\n"})
    environ = git_with_push_hook(scene, f"cd {other.folder} && $GIT push -q --force origin HEAD:main")
    with pytest.raises(NeedsPerson) as caught:
        scene.revert(bad, environ=environ)
    assert caught.value.reason_code == "commit-not-on-branch"
    assert scene.tip() == theirs


def test_rewound_branch_has_the_good_tree(scene: Scene) -> None:
    """If somebody removes the bad commit, the fast-forward push adds it only together with its revert."""
    bad = bad_commit(scene)
    good = scene.work.git("rev-parse", f"{bad}^")
    environ = git_with_push_hook(scene, f"$GIT --git-dir={scene.remote.folder} update-ref refs/heads/main {good}")
    assert scene.revert(bad, environ=environ).state == "reverted"
    assert scene.remote.tree("main") == scene.remote.tree(good)


def test_protected_branch_without_a_token_requires_a_person(scene: Scene) -> None:
    """The error contains the message of the remote, and nothing was pushed."""
    bad = bad_commit(scene)
    reject_pushes(scene.remote, "refs/heads/main")
    with pytest.raises(NeedsPerson, match=r"GH006: Protected branch update failed for refs/heads/main") as caught:
        scene.revert(bad)
    assert caught.value.reason_code == "branch-protected"
    assert scene.remote.git("for-each-ref", "--format=%(refname)").splitlines() == ["refs/heads/main"]
    assert scene.tip() == bad


def test_revert_of_a_protected_branch_waits_in_one_pull_request(scene: Scene) -> None:
    """With a token, the revert waits on a separate branch; a second run finds branch and pull request."""
    bad = bad_commit(scene)
    reject_pushes(scene.remote, "refs/heads/main")
    forge = FakeForge()
    result = scene.revert(bad, forge=forge)
    name = f"ghmlops/revert-{bad[:12]}"
    assert (result.state, result.pull_request) == ("pull-request", 1)
    assert scene.tip(name) == result.revert_sha
    assert scene.remote.tree(name) == scene.remote.tree(f"{bad}^")
    assert scene.tip() == bad
    again = scene.revert(bad, forge=forge)
    assert (again.pull_request, again.revert_sha) == (1, result.revert_sha)
    assert [(p["head"], p["base"], p["title"]) for p in forge.pull_requests] == [(name, "main", 'Revert "Bad"')]
    assert forge.pull_requests[0]["body"].splitlines()[0] == f"This reverts commit {bad}."


def test_blocking_rules_prevent_the_push(scene: Scene) -> None:
    """If GitHub reports blocking rules, no push to the branch is attempted."""
    bad = bad_commit(scene)
    result = scene.revert(bad, forge=FakeForge(rules=("pull_request",)))
    assert result.state == "pull-request"
    assert "pull_request" in result.cause
    assert scene.tip() == bad


def test_pull_request_only(scene: Scene) -> None:
    """In this mode an unprotected branch does not change either; without a token, the revert is refused."""
    bad = bad_commit(scene)
    with pytest.raises(NeedsPerson) as caught:
        scene.revert(bad, pull_request_only=True)
    assert caught.value.reason_code == "branch-protected"
    assert scene.revert(bad, pull_request_only=True, forge=FakeForge()).state == "pull-request"
    assert scene.tip() == bad


def test_branch_of_a_merged_revert_is_used_again(scene: Scene) -> None:
    """After its pull request was merged and the change was applied again, the same branch is moved forward."""
    bad = bad_commit(scene)
    forge = FakeForge()
    first = scene.revert(bad, pull_request_only=True, forge=forge)
    scene.work.git("pull", "--quiet", "origin", f"ghmlops/revert-{bad[:12]}")
    scene.work.git("revert", "--no-edit", "HEAD")
    scene.work.push()
    second = scene.revert(bad, pull_request_only=True, forge=forge)
    assert second.state == "pull-request"
    assert scene.tip(f"ghmlops/revert-{bad[:12]}") == second.revert_sha != first.revert_sha


def test_different_branch_of_the_same_name_does_not_change(scene: Scene) -> None:
    """A branch of that name without the revert is not overwritten, and a person must decide."""
    bad = bad_commit(scene)
    name = f"ghmlops/revert-{bad[:12]}"
    scene.work.git("checkout", "--quiet", "-b", name)
    theirs = scene.work.commit("Other work", {"other.txt": "o\n"})
    scene.work.push()
    with pytest.raises(NeedsPerson) as caught:
        scene.revert(bad, pull_request_only=True, forge=FakeForge())
    assert caught.value.reason_code == "branch-taken"
    assert scene.tip(name) == theirs


def test_rejection_of_both_branches_is_reported(scene: Scene) -> None:
    """If the remote rejects both branches, the error names both, with the message of the remote."""
    bad = bad_commit(scene)
    reject_pushes(scene.remote, "*")
    with pytest.raises(NeedsPerson, match=r"`main`.*`ghmlops/revert-[0-9a-f]{12}`.*GH006") as caught:
        scene.revert(bad, forge=FakeForge())
    assert caught.value.reason_code == "branch-protected"


@pytest.fixture
def web(scene: Scene) -> Iterator[HttpRemote]:
    """The remote over HTTP, which requires a token."""
    scene.remote.git("config", "http.receivepack", "true")
    with serving(scene.remote.folder.parent, HEADER) as server:
        yield server


def use_http(scene: Scene, web: HttpRemote) -> str:
    """Push a bad commit, then switch the clone to the HTTP remote."""
    bad = bad_commit(scene)
    scene.work.git("remote", "set-url", "origin", f"{web.url}/remote.git")
    return bad


def test_token_authenticates_and_is_not_stored(scene: Scene, web: HttpRemote) -> None:
    """Every request has exactly one header, with the token; an older one in the configuration is replaced."""
    bad = use_http(scene, web)
    scene.work.git("config", f"http.{web.url}/.extraheader", "AUTHORIZATION: basic b2xk")
    result = scene.revert(bad, token=TOKEN)
    assert result.state == "reverted"
    assert scene.tip() == result.revert_sha
    assert {tuple(headers) for _, _, headers in web.requests} == {(HEADER,)}
    assert any(method == "POST" and "git-receive-pack" in path for method, path, _ in web.requests)
    files = [p for p in scene.home.rglob("*") if p.is_file() and TOKEN.encode() in p.read_bytes()]
    assert files == []


def test_invalid_or_missing_token_is_reported(scene: Scene, web: HttpRemote) -> None:
    """Without a valid token the remote is unreadable; git does not prompt, and the error does not contain the token."""
    bad = use_http(scene, web)
    wrong = "ghs_wrongwrongwrongwrong"
    for token in ("", wrong):
        with pytest.raises(GitError) as caught:
            scene.revert(bad, token=token)
        assert "contents: write" in caught.value.hint
        assert wrong not in caught.value.message


def test_credentials_of_the_remote_address_are_redacted(scene: Scene) -> None:
    """Credentials in the address of the remote do not appear in messages."""
    bad = bad_commit(scene)
    scene.work.git("remote", "set-url", "origin", "http://user:hunter2secret@127.0.0.1:1/x.git")
    with pytest.raises(GitError) as caught:
        scene.revert(bad)
    assert "hunter2secret" not in caught.value.message


def test_token_is_not_sent_to_a_redirect_target(scene: Scene, web: HttpRemote) -> None:
    """If the remote redirects to another server, nothing is sent there."""
    bad = use_http(scene, web)
    with serving(scene.remote.folder.parent, HEADER) as elsewhere:
        web.redirect = elsewhere.url
        with pytest.raises(GitError):
            scene.revert(bad, token=TOKEN)
        assert elsewhere.requests == []


def test_token_without_write_permission(scene: Scene, web: HttpRemote) -> None:
    """A 403 without a forge requires a person; with one, the missing permission is named."""
    bad = use_http(scene, web)
    web.refuse_push = 403
    with pytest.raises(NeedsPerson, match="403"):
        scene.revert(bad, token=TOKEN)
    with pytest.raises(PermissionMissing) as caught:
        scene.revert(bad, token=TOKEN, forge=FakeForge())
    assert "contents: write" in caught.value.hint
    assert scene.tip() == bad


def test_lost_response_to_a_push_is_resolved(scene: Scene, web: HttpRemote) -> None:
    """A push that succeeded although its response was lost is a revert, not an error, and is not repeated."""
    bad = use_http(scene, web)
    web.lose_push = True
    result = scene.revert(bad, token=TOKEN)
    assert result.state == "reverted"
    assert scene.tip() == result.revert_sha
    assert scene.remote.git("rev-list", "--count", "main") == "3"


def test_server_error_on_push_is_a_git_error(scene: Scene, web: HttpRemote) -> None:
    """A server error means exit code 2; nothing was pushed."""
    bad = use_http(scene, web)
    web.refuse_push = 500
    with pytest.raises(GitError) as caught:
        scene.revert(bad, token=TOKEN)
    assert caught.value.exit_code == 2
    assert scene.tip() == bad


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_leaves_nothing(scene: Scene, signal_number: signal.Signals) -> None:
    """An interrupt during a push exits with 130 and leaves nothing behind; the checkout is unchanged."""
    bad = bad_commit(scene)
    (scene.work.folder / "a.txt").write_text("my edits\n")
    before = scene.work.state()
    pid_file = scene.home / "started"
    environ = git_with_push_hook(scene, f"echo $$ >{pid_file}; sleep 60")
    process = subprocess.Popen(
        [sys.executable, "-m", "ghmlops", "revert", "--commit", bad, "--reason", "slow"],
        cwd=scene.work.folder,
        env={**environ, "RUNNER_TEMP": str(scene.home / "temp")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        wait_for(pid_file)
        process.send_signal(signal_number)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert b"Traceback" not in stderr
    assert scene.work.state() == before
    assert scene.tip() == bad
    assert list((scene.home / "temp").iterdir()) == []
    assert not is_running(int(pid_file.read_text()))


def wait_for(path: Path) -> None:
    """Wait until a file contains a complete line."""
    end = time.monotonic() + 30
    while not (path.exists() and path.read_text().endswith("\n")):
        assert time.monotonic() < end, f"{path.name} was not written"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Return whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
