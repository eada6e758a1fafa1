"""Reverts on real repositories: what they write, what they refuse, and what they do not change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.core.errors import GitError, InputError, NeedsPerson
from ghmlops.core.revert.grounds import Grounds
from git_sandbox import Repo
from git_scene import LINES

if TYPE_CHECKING:
    from git_scene import Scene

BOT = "github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>"


def with_line(line: int, text: str) -> str:
    """Return the 20 lines with one of them replaced."""
    return LINES.replace(f"line {line}\n", f"{text}\n")


def failure(scene: Scene, commit: str, base: str = "") -> Grounds:
    """Return the grounds of a confirmed failure of `commit`, by default compared with its first parent."""
    base = base or scene.remote.git("rev-parse", f"{commit}^")
    return Grounds(by_person=False, reason_code="accuracy", verdict_commit=commit, verdict_base=base)


def test_revert_commit_on_the_tip(scene: Scene) -> None:
    """The remote receives one commit on its tip, with the good tree, the message and the bot as author."""
    good = scene.tip()
    bad = scene.work.commit("Make it slow", {"a.txt": with_line(3, "slow"), "new.txt": "n\n"})
    scene.work.push()

    result = scene.revert(bad, run_url="https://github.com/acme/shop/actions/runs/1")

    assert result.state == "reverted"
    assert scene.tip() == result.revert_sha
    assert scene.remote.git("rev-parse", f"{result.revert_sha}^") == bad
    assert scene.remote.tree(result.revert_sha) == scene.remote.tree(good)
    assert scene.remote.git("log", "-1", "--format=%an <%ae>%n%cn <%ce>", result.revert_sha) == f"{BOT}\n{BOT}"
    assert scene.remote.message(result.revert_sha) == "\n".join(
        [
            'Revert "Make it slow"',
            "",
            f"This reverts commit {bad}.",
            "",
            "Reason: it is slow",
            "Run: https://github.com/acme/shop/actions/runs/1",
            "",
            f"Ghmlops-Reverts: {bad}",
        ]
    )


@pytest.mark.parametrize("place", ["config", "environment"])
def test_bot_is_always_the_author(scene: Scene, place: str) -> None:
    """Author and committer are the bot, although the runner or the user has configured another identity."""
    bad = scene.work.commit("Make it slow", {"a.txt": "x\n"})
    scene.work.push()
    environ = scene.work.environ
    if place == "config":
        scene.work.git("config", "user.name", "Grace")
        scene.work.git("config", "user.email", "grace@example.com")
        scene.work.git("config", "author.name", "Grace")
    else:
        environ |= {"GIT_AUTHOR_NAME": "Grace", "GIT_COMMITTER_EMAIL": "grace@example.com", "EMAIL": "g@example.com"}
    result = scene.revert(bad, environ=environ)
    assert scene.remote.git("log", "-1", "--format=%an <%ae>%n%cn <%ce>", result.revert_sha) == f"{BOT}\n{BOT}"


def test_only_the_selected_commit_is_reverted(scene: Scene) -> None:
    """Later commits stay; only the change of the selected commit is reverted."""
    bad = scene.work.commit("Make it slow", {"a.txt": with_line(3, "slow")})
    scene.work.commit("Later", {"b.txt": "better\n"})
    scene.work.push()
    scene.revert(bad)
    assert scene.remote.git("show", "main:a.txt") == LINES.strip()
    assert scene.remote.git("show", "main:b.txt") == "better"


def test_merge_commit_is_reverted_to_the_parent_that_the_branch_had(scene: Scene) -> None:
    """All changes of the merge are reverted, and the message names the parent that the branch followed."""
    good = scene.tip()
    scene.work.git("checkout", "--quiet", "-b", "topic")
    scene.work.commit("One", {"one.txt": "1\n"})
    scene.work.commit("Two", {"two.txt": "2\n"})
    scene.work.git("checkout", "--quiet", "main")
    scene.work.git("merge", "--quiet", "--no-ff", "-m", "Merge topic", "topic")
    merge = scene.work.git("rev-parse", "HEAD")
    scene.work.push()
    result = scene.revert(merge, tip_before=good)
    assert scene.remote.tree("main") == scene.remote.tree(good)
    assert re.findall(r"[0-9a-f]{40}", scene.remote.message(result.revert_sha))[:2] == [merge, good]


def test_several_commits_are_reverted_newest_first(scene: Scene) -> None:
    """A list in any order yields one revert commit each, newest first, pushed together."""
    good = scene.tip()
    first = scene.work.commit("First", {"a.txt": with_line(3, "x")})
    second = scene.work.commit("Second", {"a.txt": with_line(3, "y")})
    scene.work.push()
    result = scene.revert(f"{first}, {second[:9]}")
    subjects = scene.remote.git("log", "-2", "--format=%s", "main").splitlines()
    assert subjects == ['Revert "First"', 'Revert "Second"']
    assert scene.remote.tree("main") == scene.remote.tree(good)
    assert [c.sha for c in result.plan.commits] == [second, first]


def test_range_excludes_its_start(scene: Scene) -> None:
    """`A..B` reverts the commits after A, up to and including B."""
    start = scene.work.commit("Start", {"a.txt": with_line(3, "x")})
    scene.work.commit("Middle", {"a.txt": with_line(3, "y")})
    end = scene.work.commit("End", {"b.txt": "c\n"})
    scene.work.push()
    scene.revert(f"{start}..{end}")
    assert scene.remote.tree("main") == scene.remote.tree(start)


def test_conflict_of_one_commit_stops_all(scene: Scene) -> None:
    """If one of several commits is in conflict, nothing is pushed, although the others could be reverted."""
    first = scene.work.commit("First", {"a.txt": with_line(3, "x")})
    scene.work.commit("Over it", {"a.txt": with_line(3, "z")})
    third = scene.work.commit("Third", {"b.txt": "c\n"})
    scene.work.push()
    before = scene.tip()
    with pytest.raises(NeedsPerson, match=r"a\.txt") as caught:
        scene.revert(f"{first},{third}")
    assert caught.value.reason_code == "revert-conflict"
    assert scene.tip() == before


def test_conflict_names_the_files_and_changes_nothing(scene: Scene) -> None:
    """A conflict is refused with the names of the files; remote and checkout are unchanged."""
    bad = scene.work.commit("Bad", {"a.txt": with_line(3, "x"), "odd name é.txt": "1\n"})
    scene.work.commit("Over it", {"a.txt": with_line(3, "z"), "odd name é.txt": "2\n"})
    scene.work.push()
    tip, state = scene.tip(), scene.work.state()
    with pytest.raises(NeedsPerson) as caught:
        scene.revert(bad)
    assert caught.value.reason_code == "revert-conflict"
    assert caught.value.exit_code == 1
    assert "a.txt, odd name é.txt" in caught.value.message
    assert scene.tip() == tip
    assert scene.work.state() == state


def test_second_run_changes_nothing(scene: Scene) -> None:
    """A second run pushes nothing and reports that the commit is already reverted."""
    bad = scene.work.commit("Bad", {"a.txt": with_line(3, "x")})
    scene.work.push()
    scene.revert(bad)
    tip = scene.tip()
    again = scene.revert(bad, grounds=failure(scene, bad))
    assert again.state == "already-reverted"
    assert scene.tip() == tip


def test_proven_revert_counts_after_later_edits(scene: Scene) -> None:
    """An earlier revert that is the exact inverse counts, although later edits would conflict."""
    bad = scene.work.commit("Bad", {"a.txt": with_line(3, "x")})
    scene.work.git("revert", "--no-edit", bad)
    scene.work.commit("Over it", {"a.txt": with_line(3, "new idea")})
    scene.work.push()
    tip = scene.tip()
    assert scene.revert(bad, grounds=failure(scene, bad)).state == "already-reverted"
    assert scene.tip() == tip


def test_false_claim_of_a_revert_does_not_count(scene: Scene) -> None:
    """The message of a later commit alone does not make a change count as reverted."""
    bad = scene.work.commit("Bad", {"a.txt": with_line(3, "x")})
    scene.work.commit(f"Trust me\n\nThis reverts commit {bad}.\n", {"a.txt": with_line(3, "x, but worse")})
    scene.work.push()
    with pytest.raises(NeedsPerson) as caught:
        scene.revert(bad)
    assert caught.value.reason_code == "revert-conflict"


def test_change_that_was_applied_again_requires_a_person(scene: Scene) -> None:
    """Without a person, a commit is reverted once; after its change was applied again, a person must ask."""
    bad = scene.work.commit("Bad", {"a.txt": with_line(3, "x")})
    scene.work.push()
    first = scene.revert(bad)
    scene.work.git("pull", "--quiet")
    scene.work.git("revert", "--no-edit", first.revert_sha)
    scene.work.push()
    with pytest.raises(NeedsPerson) as caught:
        scene.revert(bad, grounds=failure(scene, bad))
    assert caught.value.reason_code == "reverted-before"
    assert scene.revert(bad).state == "reverted"


def test_own_revert_requires_a_person(scene: Scene) -> None:
    """A revert by ghmlops is not reverted on the grounds of a verdict; a person may revert it."""
    bad = scene.work.commit("Bad", {"a.txt": with_line(3, "x")})
    scene.work.push()
    own = scene.revert(bad).revert_sha
    with pytest.raises(NeedsPerson) as caught:
        scene.revert(own, grounds=failure(scene, own))
    assert caught.value.reason_code == "own-revert"
    assert scene.revert(own).state == "reverted"
    assert scene.remote.tree("main") == scene.remote.tree(bad)


def test_root_commit_is_refused(scene: Scene) -> None:
    """The first commit of a branch has no parent to go back to."""
    with pytest.raises(NeedsPerson) as caught:
        scene.revert(scene.tip())
    assert caught.value.reason_code == "root-commit"


def test_commit_of_another_branch_is_refused(scene: Scene) -> None:
    """A commit that the branch does not contain, or no longer after a rewrite of its history, is refused."""
    bad = scene.work.commit("Bad", {"a.txt": with_line(3, "x")})
    scene.work.push()
    scene.work.git("reset", "--quiet", "--hard", "HEAD^")
    scene.work.commit("Other", {"b.txt": "c\n"})
    scene.work.git("push", "--quiet", "--force", "origin", "HEAD")
    with pytest.raises(NeedsPerson) as caught:
        scene.revert(bad)
    assert caught.value.reason_code == "commit-not-on-branch"


def test_named_branch_is_used(scene: Scene) -> None:
    """With `branch`, the default branch does not change."""
    main = scene.tip()
    scene.work.git("checkout", "--quiet", "-b", "release/1.x")
    bad = scene.work.commit("Bad", {"a.txt": with_line(3, "x")})
    scene.work.push()
    scene.revert(bad, branch="release/1.x")
    assert scene.remote.tree("release/1.x") == scene.remote.tree(main)
    assert scene.tip() == main


def test_checkout_of_the_user_does_not_change(scene: Scene) -> None:
    """Changed, staged and untracked files, index, branches and HEAD are the same before and after."""
    bad = scene.work.commit("Bad", {"a.txt": with_line(3, "x")})
    scene.work.push()
    (scene.work.folder / "a.txt").write_text("my edits\n")
    (scene.work.folder / "b.txt").write_text("staged\n")
    scene.work.git("add", "b.txt")
    (scene.work.folder / "untracked.txt").write_text("u\n")
    before = scene.work.state()
    scene.revert(bad)
    assert scene.work.state() == before
    assert list((scene.home / "temp").iterdir()) == []


@pytest.mark.parametrize("mode", ["--no-cone", "--cone"])
def test_sparse_checkout_of_the_user_does_not_change(scene: Scene, mode: str) -> None:
    """In a clone that has checked out some files only, the others are reverted too, and its patterns stay."""
    bad = scene.work.commit("Bad", {"a.txt": with_line(3, "x"), "folder/c.txt": "c\n"})
    later = scene.work.commit("Later", {"a.txt": with_line(3, "x").replace("line 15\n", "y\n")})
    scene.work.push()
    scene.work.git("sparse-checkout", "set", mode, "folder" if mode == "--cone" else "/b.txt")
    patterns = scene.work.folder / ".git" / "info" / "sparse-checkout"
    before = (scene.work.state(), patterns.read_text(), scene.work.git("config", "--list", "--local"))
    assert scene.revert(bad).state == "reverted"
    assert scene.remote.git("show", "main:a.txt") == LINES.replace("line 15\n", "y\n").strip()
    assert scene.remote.git("diff", "--name-only", later, "main").split() == ["a.txt", "folder/c.txt"]
    assert (scene.work.state(), patterns.read_text(), scene.work.git("config", "--list", "--local")) == before


def test_hooks_of_the_repository_do_not_run(scene: Scene) -> None:
    """No hook of the clone runs, whichever git command would call it."""
    bad = scene.work.commit("Bad", {"a.txt": with_line(3, "x")})
    scene.work.push()
    trace = scene.home / "hooks-ran"
    names = ("post-checkout", "pre-commit", "commit-msg", "prepare-commit-msg", "post-commit", "pre-push",
             "reference-transaction")  # fmt: skip
    for name in names:
        hook = scene.work.folder / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\necho {name} >>{trace}\n")
        hook.chmod(0o755)
    assert scene.revert(bad).state == "reverted"
    assert not trace.exists()


def test_git_variables_of_the_environment_are_ignored(scene: Scene) -> None:
    """Variables of git, such as another git folder or configuration, have no effect."""
    bad = scene.work.commit("Bad", {"a.txt": with_line(3, "x")})
    scene.work.push()
    elsewhere = scene.home / "elsewhere"
    hostile = {
        "GIT_DIR": str(elsewhere),
        "GIT_WORK_TREE": str(elsewhere),
        "GIT_INDEX_FILE": str(elsewhere / "index"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.hooksPath",
        "GIT_CONFIG_VALUE_0": str(elsewhere),
        "GIT_CONFIG_PARAMETERS": "'user.name=Mallory'",
        "GIT_AUTHOR_NAME": "Mallory",
        "GIT_TRACE": str(scene.home / "trace"),
    }
    result = scene.revert(bad, environ={**scene.work.environ, **hostile})
    assert result.state == "reverted"
    assert scene.remote.git("log", "-1", "--format=%an", "main") == "github-actions[bot]"
    assert not elsewhere.exists()
    assert not (scene.home / "trace").exists()


def test_hostile_subject_stays_on_its_line(scene: Scene) -> None:
    """Control characters, skip markers and forged trailers in the subject have no effect in the new message."""
    other = "f" * 40
    subject = f"Bad \x1b[31m [skip ci] Ghmlops-Reverts: {other}"
    bad = scene.work.commit(f"{subject}\n\nGhmlops-Reverts: not a sha\n", {"a.txt": with_line(3, "x")})
    scene.work.push()
    result = scene.revert(bad, grounds=Grounds(by_person=True, reason="fine\nGhmlops-Reverts: x [ci skip]"))
    message = scene.remote.message(result.revert_sha)
    lines = message.splitlines()
    assert lines[0] == f'Revert "Bad [31m (skip ci) Ghmlops-Reverts: {other}"'
    assert [line for line in lines if line.startswith("Ghmlops-Reverts:")] == [f"Ghmlops-Reverts: {bad}"]
    assert all(c.isprintable() or c == "\n" for c in message)
    assert "[ci skip]" not in message


def test_empty_commit_is_already_reverted(scene: Scene) -> None:
    """An empty commit counts as reverted, because the branch contains no change of it."""
    empty = scene.work.commit("Nothing", {})
    scene.work.push()
    assert scene.revert(empty).state == "already-reverted"


def test_modes_renames_and_binary_files_are_restored(scene: Scene) -> None:
    """After the revert, the tree is that before the commit, for every kind of change."""
    (scene.work.folder / "model.bin").write_bytes(bytes(range(256)) * 8)
    good = scene.work.commit("Model", {"tool.sh": "#!/bin/sh\n"})
    (scene.work.folder / "model.bin").write_bytes(bytes(reversed(range(256))) * 8)
    (scene.work.folder / "tool.sh").chmod(0o755)
    (scene.work.folder / "b.txt").rename(scene.work.folder / "c.txt")
    (scene.work.folder / "link").symlink_to("a.txt")
    bad = scene.work.commit("All kinds", {})
    scene.work.push()
    scene.revert(bad)
    assert scene.remote.tree("main") == scene.remote.tree(good)


@pytest.mark.parametrize("depth", ["1", "2", "3"])
def test_shallow_clone_is_deepened_as_needed(scene: Scene, depth: str) -> None:
    """From a clone of any depth the right commit is reverted; a boundary commit is not mistaken for a root."""
    bad = scene.work.commit("Bad", {"a.txt": with_line(3, "x")})
    for i in range(3):
        scene.work.commit(f"Later {i}", {"b.txt": f"{i}\n"})
    scene.work.push()
    shallow = scene.clone("shallow", "--depth", depth)
    before = shallow.state()
    assert scene.revert(bad[:10], repo=shallow).state == "reverted"
    assert scene.remote.git("show", "main:a.txt") == LINES.strip()
    assert shallow.state() == before


def test_shallow_clone_refuses_the_root_commit(scene: Scene) -> None:
    """After the complete history was fetched, the first commit is refused as the root."""
    root = scene.tip()
    scene.work.commit("More", {"b.txt": "c\n"})
    scene.work.push()
    with pytest.raises(NeedsPerson) as caught:
        scene.revert(root, repo=scene.clone("shallow", "--depth", "1"))
    assert caught.value.reason_code == "root-commit"


def test_dry_run_pushes_nothing(scene: Scene) -> None:
    """The plan contains the diffstat of what would be pushed."""
    bad = scene.work.commit("Bad", {"a.txt": with_line(3, "x")})
    scene.work.push()
    result = scene.revert(bad, dry_run=True)
    assert result.state == "planned"
    assert "a.txt | 2 +-" in result.plan.diffstat
    assert scene.tip() == bad


def test_verdict_about_another_commit_is_refused(scene: Scene) -> None:
    """The verdict must be about the commit to revert; in addition to a person's reason, about the newest of several."""
    first = scene.work.commit("First", {"a.txt": with_line(3, "x")})
    second = scene.work.commit("Second", {"b.txt": "c\n"})
    scene.work.push()
    with pytest.raises(NeedsPerson, match=f"{first[:12]}.*{second[:12]}") as caught:
        scene.revert(second, grounds=failure(scene, first))
    assert caught.value.reason_code == "verdict-not-about"
    grounds = Grounds(by_person=True, reason="slow", verdict_commit=second)
    assert scene.revert(f"{first},{second}", grounds=grounds).state == "reverted"


def test_unknown_commits_are_input_errors(scene: Scene) -> None:
    """A SHA of no object, or of an object that is not a commit, is an input error."""
    blob = scene.work.git("rev-parse", "HEAD:a.txt")
    for sha in ("e" * 40, blob, "e" * 8):
        with pytest.raises(InputError, match=f"`commit`: {sha[:12]}"):
            scene.revert(sha)


def test_reversed_or_empty_range_is_an_input_error(scene: Scene) -> None:
    """The start of a range must be an ancestor of its end, and another commit."""
    first = scene.work.commit("First", {"a.txt": with_line(3, "x")})
    second = scene.work.commit("Second", {"b.txt": "c\n"})
    scene.work.push()
    with pytest.raises(InputError, match=f"{second[:12]}.*{first[:12]}"):
        scene.revert(f"{second}..{first}")
    with pytest.raises(InputError, match="no commit"):
        scene.revert(f"{second}..{second}")


def test_tag_named_like_a_commit_is_ignored(scene: Scene) -> None:
    """A SHA is looked up among the objects, not among the names of branches and tags."""
    bad = scene.work.commit("Bad", {"a.txt": with_line(3, "x")})
    other = scene.work.commit("Other", {"b.txt": "c\n"})
    scene.work.push()
    scene.work.git("tag", bad[:7], other)
    scene.revert(bad[:7])
    assert scene.remote.git("show", "main:b.txt") == "c"
    assert scene.remote.git("show", "main:a.txt") == LINES.strip()


def test_missing_remote_branch_and_repository(scene: Scene) -> None:
    """A missing remote or branch is an input error, and a missing repository, local or remote, a git error."""
    bad = scene.work.commit("Bad", {"a.txt": with_line(3, "x")})
    scene.work.push()
    with pytest.raises(InputError, match="`upstream`"):
        scene.revert(bad, remote="upstream")
    with pytest.raises(InputError, match="`nope`"):
        scene.revert(bad, branch="nope")
    with pytest.raises(GitError, match="not a git repository"):
        scene.revert(bad, repo=Repo(scene.home / "temp"))
    scene.work.git("remote", "set-url", "origin", str(scene.home / "gone.git"))
    with pytest.raises(GitError, match=r"gone\.git"):
        scene.revert(bad)


@pytest.mark.parametrize(
    "names",
    [
        {"branch": "--upload-pack=touch x"},
        {"branch": "-f"},
        {"branch": "a..b"},
        {"branch": "main:other"},
        {"branch": "x\ny"},
        {"remote": "--upload-pack=touch x"},
        {"remote": "ext::sh -c touch%20x"},
        {"remote": "https://evil.example/x"},
        {"remote": "../other"},
    ],
)
def test_hostile_names_are_rejected(scene: Scene, names: dict[str, Any]) -> None:
    """Names that git could interpret as an option, an address or a path are rejected."""
    bad = scene.work.commit("Bad", {"a.txt": with_line(3, "x")})
    scene.work.push()
    with pytest.raises(InputError, match=r"input `(branch|remote)`"):
        scene.revert(bad, **names)


def test_remote_that_runs_a_program_is_refused(scene: Scene) -> None:
    """An `ext::` address in the configuration of the repository runs no program."""
    bad = scene.work.commit("Bad", {"a.txt": with_line(3, "x")})
    scene.work.push()
    scene.work.git("remote", "set-url", "origin", f"ext::sh -c touch%20{scene.home / 'ran'}")
    with pytest.raises(GitError, match="transport 'ext' not allowed"):
        scene.revert(bad)
    assert not (scene.home / "ran").exists()
