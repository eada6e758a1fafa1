"""`ghmlops revert` as a person or a workflow runs it: exit code, outputs, text, verdict, GitHub."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import pytest

from ghmlops.act.evidence import encode
from ghmlops.core.evidence.document import Verdict
from ghmlops.core.model import Finding, Outcome
from git_scene import Scene, make_scene
from github_api import spec
from github_api.server import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Ran(NamedTuple):
    """What a run left behind."""

    code: int
    out: str
    err: str
    outputs: dict[str, str]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A remote and the user's clone."""
    return make_scene(tmp_path)


def run(scene: Scene, *args: str, **variables: str) -> Ran:
    """Run the command in the clone and read its outputs."""
    file = scene.home / "outputs"
    file.unlink(missing_ok=True)
    (scene.home / "ghmlops.yml").write_text("version: 1\nservice: shop\ngate: {environment: production, max-age: 2d}\n")
    done = subprocess.run(
        [sys.executable, "-m", "ghmlops", "revert", "--policy", "../ghmlops.yml", *args],
        cwd=scene.work.folder,
        env={
            **scene.work.environ,
            "GITHUB_OUTPUT": str(file),
            "RUNNER_TEMP": str(scene.home / "temp"),
            "GITHUB_REPOSITORY": "acme/shop",
            **variables,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = file.read_text().splitlines() if file.exists() else []
    outputs = {head.partition("<<")[0]: value for head, value in zip(lines[::3], lines[1::3], strict=True)}
    return Ran(done.returncode, done.stdout, done.stderr, outputs)


def bad_commit(scene: Scene) -> str:
    """Push a commit that is to be reverted."""
    bad = scene.work.commit("Bad", {"a.txt": "bad\n"})
    scene.work.push()
    return bad


def write_verdict(scene: Scene, bad: str, /, **changes: Any) -> str:
    """Write a verdict that failed and is confirmed, unless `changes` say otherwise; return its name."""
    finding = Finding(id="accuracy", metric="accuracy", outcome=Outcome.FAIL, reason="r", docs="d")
    verdict = Verdict(
        commit=bad,
        outcome=Outcome.FAIL,
        reason_code="accuracy",
        reason="worse",
        findings=[finding],
        evidence=[],
        service="shop",
        environment="production",
        repository="acme/shop",
        base_sha=(scene.work.git("log", "-1", "--format=%P", bad).split() or ["d" * 40])[0],
        created=datetime.now(UTC).isoformat(),
        confirmed=["regression:accuracy"],
    )
    (scene.home / "verdict.json").write_bytes(encode(msgspec.structs.replace(verdict, **changes)))
    return "../verdict.json"


def test_a_confirmed_failure_is_reverted(scene: Scene) -> None:
    """Exit 0, the outputs of the action, and the reason code of the verdict in the message."""
    bad = bad_commit(scene)
    ran = run(scene, "--commit", bad, "--verdict-file", write_verdict(scene, bad))
    assert ran.code == 0, ran.err
    assert ran.outputs == {
        "outcome": "pass",
        "reason-code": "reverted",
        "state": "reverted",
        "revert-sha": scene.tip(),
        "pull-request": "",
        "dispatched": "",
        "issue": "",
        "record-file": "",
        "follow-up": "",
    }
    assert "Verdict: accuracy" in scene.remote.message("main")
    assert "starts no other workflow" in ran.out
    again = run(scene, "--commit", bad, "--verdict-file", "../verdict.json")
    assert (again.code, again.outputs["state"]) == (0, "already-reverted")


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"confirmed": []}, "failure-not-confirmed"), ({"outcome": Outcome.PASS}, "verdict-not-fail"),
     ({"outcome": Outcome.INCONCLUSIVE}, "verdict-not-fail")],
)  # fmt: skip
def test_a_verdict_that_does_not_ask_for_it(scene: Scene, changes: dict[str, Any], code: str) -> None:
    """Exit 1, one sentence, state `refused`, an annotation, nothing pushed."""
    bad = bad_commit(scene)
    ran = run(scene, "--commit", bad, "--verdict-file", write_verdict(scene, bad, **changes), GITHUB_ACTIONS="true")
    assert (ran.code, ran.outputs["state"], ran.outputs["reason-code"]) == (1, "refused", code)
    assert ran.out.startswith("Not reverted: ")
    assert "::error title=" in ran.err
    assert scene.tip() == bad


@pytest.mark.parametrize("form", ["{first},{bad}", "{bad},{first}", "{good}..{bad}"])
def test_a_verdict_takes_no_other_commit_along(scene: Scene, form: str) -> None:
    """A list or range with an innocent commit is refused, exit 1; with a person's reason it is reverted."""
    good = scene.tip()
    first = scene.work.commit("Innocent", {"b.txt": "c\n"})
    bad = bad_commit(scene)
    arguments = ["--commit", form.format(first=first, bad=bad, good=good), "--verdict-file", write_verdict(scene, bad)]
    ran = run(scene, *arguments)
    assert (ran.code, ran.outputs["state"], ran.outputs["reason-code"]) == (1, "refused", "verdict-not-about")
    assert f"not about {first[:12]}" in ran.out
    assert "--reason" in ran.out
    assert scene.tip() == bad
    assert run(scene, *arguments, "--reason", "both are slow").code == 0
    assert scene.remote.tree("main") == scene.remote.tree(good)


@pytest.mark.parametrize(
    ("changes", "code", "fact"),
    [
        ({"commit": "e" * 40}, "verdict-not-about", "eeeeeeeeeeee"),
        ({"repository": "evil/shop"}, "verdict-foreign", "evil/shop"),
        ({"service": "search"}, "verdict-foreign", "search"),
        ({"environment": "staging"}, "verdict-foreign", "staging"),
        ({"created": "2020-01-01T00:00:00Z"}, "verdict-stale", "2020-01-01"),
        ({"created": ""}, "verdict-stale", "2 days"),
        ({"base_sha": ""}, "range-unknown", "no other commit"),
        ({"base_sha": "d" * 40}, "base-not-on-branch", "dddddddddddd"),
    ],
)
def test_a_verdict_about_something_else_is_refused(scene: Scene, changes: dict[str, Any], code: str, fact: str) -> None:
    """Another commit, repository, service, environment, age or range: exit 1, nothing pushed, work tree clean."""
    bad = bad_commit(scene)
    before = scene.work.state()
    ran = run(scene, "--commit", bad, "--verdict-file", write_verdict(scene, bad, **changes))
    assert (ran.code, ran.outputs["state"], ran.outputs["reason-code"]) == (1, "refused", code)
    assert fact in ran.out
    assert scene.tip() == bad
    assert scene.work.state() == before


def test_environment_of_the_job_overrides_the_policy(scene: Scene) -> None:
    """A verdict for another environment than that of the policy counts if the job names it."""
    bad = bad_commit(scene)
    name = write_verdict(scene, bad, environment="staging")
    assert run(scene, "--commit", bad, "--verdict-file", name, "--environment", "staging").code == 0


@pytest.mark.parametrize("changes", [{"commit": ""}, {"base_sha": "main"}])
def test_a_verdict_without_full_ids_is_bad_input(scene: Scene, changes: dict[str, Any]) -> None:
    """A verdict that does not name its commits by full SHAs ends with exit 2."""
    bad = bad_commit(scene)
    ran = run(scene, "--commit", bad, "--verdict-file", write_verdict(scene, bad, **changes))
    assert (ran.code, ran.outputs["reason-code"]) == (2, "bad-evidence")
    assert scene.tip() == bad


def push_event(scene: Scene, before: str, after: str, **changes: Any) -> dict[str, str]:
    """Return the variables of a run that a push to `main` started."""
    event = {"ref": "refs/heads/main", "before": before, "after": after, "repository": {"default_branch": "main"}}
    (scene.home / "event.json").write_text(json.dumps(event | changes))
    return {"GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": str(scene.home / "event.json"), "GITHUB_SHA": after}


def three_commits(scene: Scene) -> tuple[str, str]:
    """Push three commits at once, of which the oldest is bad; return the commit before the push and the newest."""
    before = scene.tip()
    scene.work.commit("Bad model", {"model.txt": "bad\n"})
    scene.work.commit("Rename a test", {"b.txt": "c\n"})
    last = scene.work.commit("Docs", {"docs.md": "d\n"})
    scene.work.push()
    return before, last


@pytest.mark.parametrize("source", ["event", "input"])
def test_a_push_is_reverted_as_a_whole(scene: Scene, source: str) -> None:
    """A failed push of three commits is reverted completely: the bad model is gone, and the tree is that before."""
    before, last = three_commits(scene)
    environ = push_event(scene, before, last) if source == "event" else {}
    arguments = ["--before", before] if source == "input" else []
    name = write_verdict(scene, last, base_sha=before)
    ran = run(scene, "--commit", last, "--verdict-file", name, *arguments, **environ)
    assert (ran.code, ran.outputs["state"]) == (0, "reverted"), ran.err
    assert scene.remote.tree("main") == scene.remote.tree(before)


def test_a_single_commit_leaves_the_rest_and_names_it(scene: Scene) -> None:
    """With `single-commit`, exit 1: the branch still contains the change, and the differing files are named."""
    before, last = three_commits(scene)
    arguments = ["--verdict-file", write_verdict(scene, last, base_sha=before), "--before", before]
    ran = run(scene, "--commit", last, *arguments, "--single-commit", "--json")
    assert (ran.code, ran.outputs["state"], ran.outputs["outcome"]) == (1, "partly-reverted", "inconclusive")
    data = json.loads(ran.out)
    assert (data["differences"], data["base"]) == (["b.txt", "model.txt"], before)
    assert scene.remote.git("log", "-1", "--format=%s", "main") == 'Revert "Docs"'


@pytest.mark.parametrize("source", ["event", "unknown", "other branch", "other push"])
def test_more_than_the_push_requires_a_person(scene: Scene, source: str) -> None:
    """If the range since the last deployment is longer than the push, or may be, nothing is pushed without review."""
    deployed = scene.tip()
    before = scene.work.commit("Earlier push", {"b.txt": "c\n"})
    scene.work.push()
    last = bad_commit(scene)
    events: dict[str, tuple[str, str, dict[str, str]]] = {
        "event": (before, last, {}),
        "other branch": (deployed, last, {"ref": "refs/heads/other"}),
        "other push": (deployed, before, {}),
    }
    environ = {}
    if source in events:
        old, new, changes = events[source]
        environ = push_event(scene, old, new, **changes)
    ran = run(scene, "--commit", last, "--verdict-file", write_verdict(scene, last, base_sha=deployed), **environ)
    assert (ran.code, ran.outputs["state"], ran.outputs["reason-code"]) == (1, "refused", "review-required")
    assert scene.tip() == last


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--commit", "a" * 40], "`verdict-file` and `reason`"),
        (["--reason", "x"], "input `commit` is required"),
        (["--commit", "main", "--reason", "x"], "input `commit`"),
        (["--commit=--upload-pack=x", "--reason", "x"], "input `commit`"),
        (["--commit", "a" * 40, "--reason", "x", "--mode", "pul-request"], "did you mean `pull-request`"),
        (["--commit", "a" * 40, "--reason", "x", "--branch=--force"], "input `branch`"),
        (["--commit", "a" * 40, "--verdict-file", "none.json"], "none.json does not exist"),
        (["--commit", "#7", "--reason", "x"], "needs a token"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(scene: Scene, args: list[str], message: str) -> None:
    """Each mistake is named, without a traceback."""
    ran = run(scene, *args)
    assert ran.code == 2
    assert message in ran.err
    assert "Traceback" not in ran.err


def test_an_unreachable_remote_is_exit_2(scene: Scene) -> None:
    """A remote that is not there is not a refusal."""
    bad = bad_commit(scene)
    scene.work.git("remote", "set-url", "origin", "http://127.0.0.1:1/x.git")
    ran = run(scene, "--commit", bad, "--reason", "slow")
    assert (ran.code, ran.outputs["reason-code"]) == (2, "git-failed")


def test_a_conflict_is_exit_1(scene: Scene) -> None:
    """The files are named, and the reason code says conflict."""
    bad = bad_commit(scene)
    scene.work.commit("Over it", {"a.txt": "other\n"})
    scene.work.push()
    ran = run(scene, "--commit", bad, "--reason", "slow")
    assert (ran.code, ran.outputs["reason-code"], ran.outputs["state"]) == (1, "revert-conflict", "refused")
    assert "a.txt" in ran.out


def test_a_dry_run_prints_the_plan(scene: Scene) -> None:
    """The text and the JSON tell what would be reverted; the remote is as it was."""
    bad = bad_commit(scene)
    ran = run(scene, "--commit", bad, "--reason", "slow", "--dry-run", "--json")
    assert ran.code == 0
    output = json.loads(ran.out)
    assert (output["state"], output["reverted"], output["reason_code"]) == ("planned", [bad], "dry-run")
    assert "a.txt" in output["diffstat"][0]
    assert scene.tip() == bad


def protect(scene: Scene) -> None:
    """Let the remote refuse `main`, in GitHub's words."""
    hook = scene.remote.folder / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        '#!/bin/sh\nread old new ref\n[ "$ref" != refs/heads/main ] || { echo "error: GH006" >&2; exit 1; }\n'
    )
    hook.chmod(0o755)


@pytest.mark.parametrize("rules", [[], ["pull_request"]])
def test_a_protected_branch_ends_in_one_pull_request(scene: Scene, rules: list[str]) -> None:
    """Known by its rules or by the refused push: exit 1, since a person has to merge; a second run finds the same."""
    if not spec.default_file().is_file():
        pytest.skip(f"GitHub's OpenAPI description is not here; {spec.FETCH}")
    bad = bad_commit(scene)
    protect(scene)
    name = f"ghmlops/revert-{bad[:12]}"
    refs = {f"heads/{name}": "a" * 40}  # the API's own idea of the branch; git's is on the remote
    with running({"repositories": {"acme/shop": {"rules": {"main": rules}, "refs": refs}}}) as api:
        environ = {"GITHUB_API_URL": api.url, "GITHUB_REPOSITORY": "acme/shop", "GHMLOPS_TOKEN": "t"}
        first = run(scene, "--commit", bad, "--reason", "slow", **environ)
        again = run(scene, "--commit", bad, "--reason", "slow", **environ)
        assert (first.code, first.outputs["state"], first.outputs["outcome"]) == (1, "pull-request", "inconclusive"), (
            first
        )
        assert first.outputs["pull-request"] == again.outputs["pull-request"] != ""
        assert first.outputs["revert-sha"] == again.outputs["revert-sha"] == scene.tip(name)
        assert scene.tip() == bad
        assert api.violations == []


def test_unreadable_rules_end_in_a_pull_request(scene: Scene) -> None:
    """If the rules of the branch cannot be read, nothing is pushed to it, although the remote would accept the push."""
    if not spec.default_file().is_file():
        pytest.skip(f"GitHub's OpenAPI description is not here; {spec.FETCH}")
    bad = bad_commit(scene)
    refs = {f"heads/ghmlops/revert-{bad[:12]}": "a" * 40}
    faults = [{"kind": "status", "status": 403, "path": "/rules/", "times": 9}]
    with running({"repositories": {"acme/shop": {"refs": refs}}, "faults": faults}) as api:
        environ = {"GITHUB_API_URL": api.url, "GHMLOPS_TOKEN": "t"}
        ran = run(scene, "--commit", bad, "--reason", "slow", **environ)
    assert (ran.code, ran.outputs["state"]) == (1, "pull-request"), ran.err
    assert scene.tip() == bad


RECORDED = [
    # pushes that GitHub lists: (before, after) by name, fault, exit code, state
    ([("deployed", "last")], {}, 0, "reverted"),
    ([("before", "last"), ("deployed", "before")], {}, 1, "pull-request"),
    ([("deployed", "before")], {}, 1, "pull-request"),
    ([], {}, 1, "pull-request"),
    ([("deployed", "last")], {"kind": "status", "status": 403, "path": "/activity", "times": 9}, 1, "pull-request"),
]


@pytest.mark.parametrize("event", ["workflow_run", "workflow_dispatch"])
@pytest.mark.parametrize(("pushes", "fault", "code", "state"), RECORDED)
def test_github_lists_the_judged_push(
    scene: Scene, event: str, pushes: list[tuple[str, str]], fault: dict[str, Any], code: int, state: str
) -> None:
    """No push started the run: GitHub's list says what the branch had before; if it does not, a person must merge."""
    if not spec.default_file().is_file():
        pytest.skip(f"GitHub's OpenAPI description is not here; {spec.FETCH}")
    deployed = scene.tip()
    before = scene.work.commit("Bad", {"a.txt": "bad\n"})
    last = scene.work.commit("Docs", {"docs.md": "d\n"})
    scene.work.push()
    names = {"deployed": deployed, "before": before, "last": last}
    activity = [
        {"ref": "refs/heads/main", "before": names[a], "after": names[b], "timestamp": f"2026-01-0{9 - i}T00:00:00Z"}
        for i, (a, b) in enumerate(pushes)
    ]
    (scene.home / "event.json").write_text(json.dumps({"repository": {"default_branch": "main"}}))
    arguments = ["--verdict-file", write_verdict(scene, last, base_sha=deployed)]
    refs = {f"heads/ghmlops/revert-{last[:12]}": "a" * 40}
    with running({"repositories": {"acme/shop": {"refs": refs, "activity": activity}}}) as api:
        api.seed(faults=[fault] if fault else [])
        environ = {"GITHUB_API_URL": api.url, "GHMLOPS_TOKEN": "t", "GITHUB_EVENT_NAME": event}
        environ["GITHUB_EVENT_PATH"] = str(scene.home / "event.json")
        ran = run(scene, "--commit", last, *arguments, **environ)
        assert api.violations == []
    assert (ran.code, ran.outputs["state"]) == (code, state), ran.err
    assert (scene.remote.tree("main") == scene.remote.tree(deployed)) is (state == "reverted")


def test_longer_range_waits_in_a_pull_request(scene: Scene) -> None:
    """With a token, the range since the last deployment is reverted in a pull request, exit 1."""
    if not spec.default_file().is_file():
        pytest.skip(f"GitHub's OpenAPI description is not here; {spec.FETCH}")
    deployed = scene.tip()
    before = scene.work.commit("Earlier push", {"b.txt": "c\n"})
    last = bad_commit(scene)
    name = f"ghmlops/revert-{last[:12]}"
    arguments = ["--verdict-file", write_verdict(scene, last, base_sha=deployed), "--before", before]
    with running({"repositories": {"acme/shop": {"refs": {f"heads/{name}": "a" * 40}}}}) as api:
        environ = {"GITHUB_API_URL": api.url, "GHMLOPS_TOKEN": "t"}
        ran = run(scene, "--commit", last, *arguments, **environ)
    assert (ran.code, ran.outputs["state"], ran.outputs["reason-code"]) == (1, "pull-request", "pull-request"), ran.err
    assert scene.tip() == last
    assert scene.remote.tree(name) == scene.remote.tree(deployed)


@contextlib.contextmanager
def pulls_api(pull: dict[str, Any], messages: list[str]) -> Iterator[str]:
    """Serve one pull request and its commits."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            answer: Any = {"message": "Not Found"}
            if path.endswith("/pulls/7"):
                answer = {**pull, "url": f"{base}/repos/acme/shop/pulls/7"}
            elif path.endswith("/pulls/7/commits"):
                answer = [{"sha": "a" * 40, "commit": {"message": m}} for m in messages]
            elif "/rules/" in path:
                answer = []
            body = json.dumps(answer).encode()
            self.send_response(404 if isinstance(answer, dict) and "message" in answer else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Keep the test's output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    base = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield base
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("kind", ["merge", "squash", "rebase"])
def test_a_pull_request_is_undone_as_it_was_merged(scene: Scene, kind: str) -> None:
    """`#7` becomes its merge commit, its squashed commit, or each of its rebased commits, newest first.

    A verdict about the merged commit is about all of them.
    """
    good = scene.tip()
    messages = ["One\n\nwhy", "Two"]
    scene.work.git("checkout", "--quiet", "-b", "topic")
    for place, message in enumerate(messages):
        scene.work.commit(message, {f"{place}.txt": "x\n"})
    scene.work.git("checkout", "--quiet", "main")
    if kind == "merge":
        scene.work.git("merge", "--quiet", "--no-ff", "-m", "Merge pull request #7", "topic")
    elif kind == "squash":
        scene.work.git("merge", "--quiet", "--squash", "topic")
        scene.work.commit("Topic (#7)", {})
    else:
        for place, message in enumerate(messages):
            scene.work.commit(message + "\n", {f"{place}.txt": "x\n"})
    merged = scene.work.git("rev-parse", "HEAD")
    scene.work.push()
    pull = {
        "number": 7, "merged": True, "merge_commit_sha": merged, "base": {"ref": "main", "sha": good},
        "head": {"ref": "topic", "sha": scene.work.git("rev-parse", "topic")},
    }  # fmt: skip
    with pulls_api(pull, messages) as url:
        environ = {"GITHUB_API_URL": url, "GITHUB_REPOSITORY": "acme/shop", "GHMLOPS_TOKEN": "t"}
        person = run(scene, "--commit", "#7", "--reason", "slow", "--dry-run", **environ)
        foreign = run(scene, "--commit", "#7", "--verdict-file", write_verdict(scene, good), **environ)
        verdict = write_verdict(scene, merged, base_sha=good)
        ran = run(scene, "--commit", "#7", "--verdict-file", verdict, "--before", good, **environ)
    assert person.code == 0, person.out
    assert (foreign.code, foreign.outputs["reason-code"]) == (1, "verdict-not-about")
    assert ran.code == 0, ran.err
    assert scene.remote.tree("main") == scene.remote.tree(good)
    new = scene.remote.git("log", "--format=%s", f"{merged}..main").splitlines()
    assert (
        new
        == {
            "merge": ['Revert "Merge pull request #7"'],
            "squash": ['Revert "Topic (#7)"'],
            "rebase": ['Revert "One"', 'Revert "Two"'],
        }[kind]
    )


def test_a_pull_request_that_is_not_merged_is_bad_input(scene: Scene) -> None:
    """There is nothing to revert yet; and one that does not exist is named."""
    pull = {"number": 7, "merged": False, "merge_commit_sha": "a" * 40, "base": {"ref": "main", "sha": "b" * 40}}
    with pulls_api(pull, ["One"]) as url:
        environ = {"GITHUB_API_URL": url, "GITHUB_REPOSITORY": "acme/shop", "GHMLOPS_TOKEN": "t"}
        ran = run(scene, "--commit", "#7", "--reason", "slow", **environ)
        missing = run(scene, "--commit", "#8", "--reason", "slow", **environ)
    assert (ran.code, missing.code) == (2, 2)
    assert "#7 is not merged" in ran.err
    assert "#8" in missing.err
