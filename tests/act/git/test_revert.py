"""The revert on real repositories: what it writes, what it refuses, and what it leaves alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.core.errors import EvidenceError, GitError, InputError, NeedsPerson
from ghmlops.core.revert.plan import Grounds
from git_sandbox import Repo
from git_scene import LINES

if TYPE_CHECKING:
    from git_scene import Scene

BOT = "github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>"


def changed(line: int, to: str) -> str:
    """Return the 20 lines with one of them replaced."""
    return LINES.replace(f"line {line}\n", f"{to}\n")


def test_a_plain_commit_is_undone_by_one_commit_on_the_tip(scene: Scene) -> None:
    """The remote gets one commit on its tip, with the tree of the good commit, the message and the bot as author."""
    good = scene.tip()
    bad = scene.work.commit("Make it slow", {"a.txt": changed(3, "slow"), "new.txt": "n\n"})
    scene.work.push()

    ended = scene.revert(bad, run_url="https://github.com/acme/shop/actions/runs/1")

    assert ended.state == "reverted"
    assert scene.tip() == ended.revert_sha
    assert scene.remote.git("rev-parse", f"{ended.revert_sha}^") == bad
    assert scene.remote.tree(ended.revert_sha) == scene.remote.tree(good)
    assert scene.remote.git("log", "-1", "--format=%an <%ae>%n%cn <%ce>", ended.revert_sha) == f"{BOT}\n{BOT}"
    assert scene.remote.message(ended.revert_sha) == "\n".join(
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


def test_the_configured_person_is_the_author_where_git_knows_one(scene: Scene) -> None:
    """Author and committer are git's own user where both name and address are set."""
    bad = scene.work.commit("Make it slow", {"a.txt": "x\n"})
    scene.work.push()
    scene.work.git("config", "user.name", "Grace")
    scene.work.git("config", "user.email", "grace@example.com")
    ended = scene.revert(bad)
    assert scene.remote.git("log", "-1", "--format=%an %ae %cn", ended.revert_sha) == "Grace grace@example.com Grace"


def test_the_failed_commit_is_reverted_not_the_newest(scene: Scene) -> None:
    """Later commits stay; only the change of the commit asked for goes."""
    bad = scene.work.commit("Make it slow", {"a.txt": changed(3, "slow")})
    scene.work.commit("Later", {"b.txt": "better\n"})
    scene.work.push()
    scene.revert(bad)
    assert scene.remote.git("show", "main:a.txt") == LINES.strip()
    assert scene.remote.git("show", "main:b.txt") == "better"


def test_a_merge_commit_goes_back_to_its_first_parent(scene: Scene) -> None:
    """All that a merge brought is undone, and the message says so."""
    good = scene.tip()
    scene.work.git("checkout", "--quiet", "-b", "topic")
    scene.work.commit("One", {"one.txt": "1\n"})
    scene.work.commit("Two", {"two.txt": "2\n"})
    scene.work.git("checkout", "--quiet", "main")
    scene.work.git("merge", "--quiet", "--no-ff", "-m", "Merge topic", "topic")
    merge = scene.work.git("rev-parse", "HEAD")
    scene.work.push()
    ended = scene.revert(merge)
    assert scene.remote.tree("main") == scene.remote.tree(good)
    assert f"This reverts commit {merge}, reversing\nchanges made to {good}." in scene.remote.message(ended.revert_sha)


def test_several_commits_are_undone_newest_first(scene: Scene) -> None:
    """Any order of a list gives one revert commit each, newest first, on the branch together."""
    good = scene.tip()
    first = scene.work.commit("First", {"a.txt": changed(3, "x")})
    second = scene.work.commit("Second", {"a.txt": changed(3, "y")})
    scene.work.push()
    ended = scene.revert(f"{first}, {second[:9]}")
    subjects = scene.remote.git("log", "-2", "--format=%s", "main").splitlines()
    assert subjects == ['Revert "First"', 'Revert "Second"']
    assert scene.remote.tree("main") == scene.remote.tree(good)
    assert [c.sha for c in ended.plan.undone] == [second, first]


def test_a_range_leaves_its_start_alone(scene: Scene) -> None:
    """`A..B` undoes what came after A, up to and with B."""
    start = scene.work.commit("Start", {"a.txt": changed(3, "x")})
    scene.work.commit("Middle", {"a.txt": changed(3, "y")})
    end = scene.work.commit("End", {"b.txt": "c\n"})
    scene.work.push()
    scene.revert(f"{start}..{end}")
    assert scene.remote.tree("main") == scene.remote.tree(start)


def test_all_or_nothing(scene: Scene) -> None:
    """Where one of several is in conflict nothing is pushed, although the others could be undone."""
    first = scene.work.commit("First", {"a.txt": changed(3, "x")})
    scene.work.commit("Over it", {"a.txt": changed(3, "z")})
    third = scene.work.commit("Third", {"b.txt": "c\n"})
    scene.work.push()
    before = scene.tip()
    with pytest.raises(NeedsPerson, match=r"later commits changed the same lines of a\.txt"):
        scene.revert(f"{first},{third}")
    assert scene.tip() == before


def test_a_conflict_names_the_files_and_changes_nothing(scene: Scene) -> None:
    """A person is needed, hears which files, and finds remote and checkout as they were."""
    bad = scene.work.commit("Bad", {"a.txt": changed(3, "x"), "odd name é.txt": "1\n"})
    scene.work.commit("Over it", {"a.txt": changed(3, "z"), "odd name é.txt": "2\n"})
    scene.work.push()
    tip, state = scene.tip(), scene.work.state()
    with pytest.raises(NeedsPerson) as caught:
        scene.revert(bad)
    assert caught.value.reason_code == "revert-conflict"
    assert caught.value.exit_code == 1
    assert "a.txt, odd name é.txt" in caught.value.message
    assert scene.tip() == tip
    assert scene.work.state() == state


def test_a_second_run_finds_it_done(scene: Scene) -> None:
    """Running again pushes nothing and says that it is done."""
    bad = scene.work.commit("Bad", {"a.txt": changed(3, "x")})
    scene.work.push()
    scene.revert(bad)
    tip = scene.tip()
    again = scene.revert(bad, asked=Grounds(by_person=False, verdict_for=bad))
    assert again.state == "already-reverted"
    assert scene.tip() == tip


def test_reverted_and_written_over_is_done_too(scene: Scene) -> None:
    """An earlier revert that is proven to have undone the change counts, although later edits would conflict."""
    bad = scene.work.commit("Bad", {"a.txt": changed(3, "x")})
    scene.work.git("revert", "--no-edit", bad)
    scene.work.commit("Over it", {"a.txt": changed(3, "new idea")})
    scene.work.push()
    tip = scene.tip()
    assert scene.revert(bad, asked=Grounds(by_person=False, verdict_for=bad)).state == "already-reverted"
    assert scene.tip() == tip


def test_a_message_that_only_claims_a_revert_is_not_believed(scene: Scene) -> None:
    """Text in a later commit cannot make a bad change count as undone."""
    bad = scene.work.commit("Bad", {"a.txt": changed(3, "x")})
    scene.work.commit(f"Trust me\n\nThis reverts commit {bad}.\n", {"a.txt": changed(3, "x, but worse")})
    scene.work.push()
    with pytest.raises(NeedsPerson) as caught:
        scene.revert(bad)
    assert caught.value.reason_code == "revert-conflict"


def test_what_somebody_brought_back_is_left_to_a_person(scene: Scene) -> None:
    """The bot undoes a commit once; when its change is back, only a person may undo it again."""
    bad = scene.work.commit("Bad", {"a.txt": changed(3, "x")})
    scene.work.push()
    first = scene.revert(bad)
    scene.work.git("pull", "--quiet")
    scene.work.git("revert", "--no-edit", first.revert_sha)
    scene.work.push()
    with pytest.raises(NeedsPerson) as caught:
        scene.revert(bad, asked=Grounds(by_person=False, verdict_for=bad))
    assert caught.value.reason_code == "reverted-before"
    assert scene.revert(bad).state == "reverted"


def test_the_bot_does_not_revert_its_own_reverts(scene: Scene) -> None:
    """A verdict against a revert by ghmlops is for a person; a person may revert it."""
    bad = scene.work.commit("Bad", {"a.txt": changed(3, "x")})
    scene.work.push()
    own = scene.revert(bad).revert_sha
    with pytest.raises(NeedsPerson) as caught:
        scene.revert(own, asked=Grounds(by_person=False, verdict_for=own))
    assert caught.value.reason_code == "own-revert"
    assert scene.revert(own).state == "reverted"
    assert scene.remote.tree("main") == scene.remote.tree(bad)


def test_the_first_commit_has_nothing_to_go_back_to(scene: Scene) -> None:
    """A root commit is refused."""
    with pytest.raises(NeedsPerson) as caught:
        scene.revert(scene.tip())
    assert caught.value.reason_code == "root-commit"


def test_a_commit_of_another_branch_is_refused(scene: Scene) -> None:
    """A commit that the branch does not hold, or no longer after its history was rewritten, is refused."""
    bad = scene.work.commit("Bad", {"a.txt": changed(3, "x")})
    scene.work.push()
    scene.work.git("reset", "--quiet", "--hard", "HEAD^")
    scene.work.commit("Other", {"b.txt": "c\n"})
    scene.work.git("push", "--quiet", "--force", "origin", "HEAD")
    with pytest.raises(NeedsPerson) as caught:
        scene.revert(bad)
    assert caught.value.reason_code == "commit-not-on-branch"


def test_a_branch_can_be_named(scene: Scene) -> None:
    """`--branch` reverts there and leaves the default branch alone."""
    main = scene.tip()
    scene.work.git("checkout", "--quiet", "-b", "release/1.x")
    bad = scene.work.commit("Bad", {"a.txt": changed(3, "x")})
    scene.work.push()
    scene.revert(bad, branch="release/1.x")
    assert scene.remote.tree("release/1.x") == scene.remote.tree(main)
    assert scene.tip() == main


def test_the_users_checkout_is_not_touched(scene: Scene) -> None:
    """Changed, staged and untracked files, index, branches and HEAD are the same before and after."""
    bad = scene.work.commit("Bad", {"a.txt": changed(3, "x")})
    scene.work.push()
    (scene.work.folder / "a.txt").write_text("my edits\n")
    (scene.work.folder / "b.txt").write_text("staged\n")
    scene.work.git("add", "b.txt")
    (scene.work.folder / "untracked.txt").write_text("u\n")
    before = scene.work.state()
    scene.revert(bad)
    assert scene.work.state() == before
    assert list((scene.home / "temp").iterdir()) == []


def test_hooks_of_the_repository_do_not_run(scene: Scene) -> None:
    """No hook of the clone runs, whichever git command would call it."""
    bad = scene.work.commit("Bad", {"a.txt": changed(3, "x")})
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


def test_settings_in_the_environment_are_not_followed(scene: Scene) -> None:
    """Variables of git, such as another git folder or a configuration, have no say."""
    bad = scene.work.commit("Bad", {"a.txt": changed(3, "x")})
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
    ended = scene.revert(bad, environ={**scene.work.environ, **hostile})
    assert ended.state == "reverted"
    assert scene.remote.git("log", "-1", "--format=%an", "main") == "github-actions[bot]"
    assert not elsewhere.exists()
    assert not (scene.home / "trace").exists()


def test_a_hostile_subject_stays_on_its_line(scene: Scene) -> None:
    """Control characters, a held-back CI and a forged trailer in the subject have no effect on the new message."""
    other = "f" * 40
    subject = f"Bad \x1b[31m [skip ci] Ghmlops-Reverts: {other}"
    bad = scene.work.commit(f"{subject}\n\nGhmlops-Reverts: not a sha\n", {"a.txt": changed(3, "x")})
    scene.work.push()
    ended = scene.revert(bad, asked=Grounds(by_person=True, reason="fine\nGhmlops-Reverts: x [ci skip]"))
    message = scene.remote.message(ended.revert_sha)
    lines = message.splitlines()
    assert lines[0] == f'Revert "Bad [31m (skip ci) Ghmlops-Reverts: {other}"'
    assert [line for line in lines if line.startswith("Ghmlops-Reverts:")] == [f"Ghmlops-Reverts: {bad}"]
    assert all(c.isprintable() or c == "\n" for c in message)
    assert "[ci skip]" not in message


def test_a_commit_without_change_has_nothing_to_undo(scene: Scene) -> None:
    """An empty commit counts as undone: the branch does not hold its change."""
    empty = scene.work.commit("Nothing", {})
    scene.work.push()
    assert scene.revert(empty).state == "already-reverted"


def test_modes_renames_and_binary_files_come_back(scene: Scene) -> None:
    """The tree after the revert is the tree before the commit, whatever kind of change it was."""
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
def test_a_shallow_clone_is_given_the_history_it_needs(scene: Scene, depth: str) -> None:
    """From a clone of any depth the right commit is undone, and a boundary commit is not taken for a root."""
    bad = scene.work.commit("Bad", {"a.txt": changed(3, "x")})
    for i in range(3):
        scene.work.commit(f"Later {i}", {"b.txt": f"{i}\n"})
    scene.work.push()
    shallow = scene.clone("shallow", "--depth", depth)
    before = shallow.state()
    assert scene.revert(bad[:10], at=shallow).state == "reverted"
    assert scene.remote.git("show", "main:a.txt") == LINES.strip()
    assert shallow.state() == before


def test_a_shallow_clone_still_refuses_a_real_root(scene: Scene) -> None:
    """With the whole history fetched, the first commit is refused for what it is."""
    root = scene.tip()
    scene.work.commit("More", {"b.txt": "c\n"})
    scene.work.push()
    with pytest.raises(NeedsPerson) as caught:
        scene.revert(root, at=scene.clone("shallow", "--depth", "1"))
    assert caught.value.reason_code == "root-commit"


def test_a_dry_run_shows_the_change_and_pushes_nothing(scene: Scene) -> None:
    """The plan has the diffstat of what would be pushed."""
    bad = scene.work.commit("Bad", {"a.txt": changed(3, "x")})
    scene.work.push()
    ended = scene.revert(bad, dry_run=True)
    assert ended.state == "planned"
    assert "a.txt | 2 +-" in ended.plan.diffstat
    assert scene.tip() == bad


def test_a_verdict_for_another_commit_is_refused(scene: Scene) -> None:
    """The verdict must be for the commit that is reverted; beside a person's reason, for the newest of several."""
    first = scene.work.commit("First", {"a.txt": changed(3, "x")})
    second = scene.work.commit("Second", {"b.txt": "c\n"})
    scene.work.push()
    with pytest.raises(EvidenceError, match="the verdict is for"):
        scene.revert(second, asked=Grounds(by_person=False, verdict_for=first))
    asked = Grounds(by_person=True, reason="slow", verdict_for=second)
    assert scene.revert(f"{first},{second}", asked=asked).state == "reverted"


def test_unknown_and_ambiguous_commits_are_bad_input(scene: Scene) -> None:
    """A SHA that names nothing, or something that is no commit, is an error of the input."""
    blob = scene.work.git("rev-parse", "HEAD:a.txt")
    for commit, words in (
        ("e" * 40, "not known here or on the remote"),
        (blob, "not a commit"),
        ("e" * 8, "not known"),
    ):
        with pytest.raises(InputError, match=words):
            scene.revert(commit)


def test_a_range_the_wrong_way_round_is_bad_input(scene: Scene) -> None:
    """A range must go forward and hold something."""
    first = scene.work.commit("First", {"a.txt": changed(3, "x")})
    second = scene.work.commit("Second", {"b.txt": "c\n"})
    scene.work.push()
    with pytest.raises(InputError, match="does not come before"):
        scene.revert(f"{second}..{first}")
    with pytest.raises(InputError, match="holds no commit"):
        scene.revert(f"{second}..{second}")


def test_a_branch_named_like_a_commit_is_not_taken_for_it(scene: Scene) -> None:
    """Names of branches and tags have no say in what a SHA means."""
    bad = scene.work.commit("Bad", {"a.txt": changed(3, "x")})
    other = scene.work.commit("Other", {"b.txt": "c\n"})
    scene.work.push()
    scene.work.git("tag", bad[:7], other)
    scene.revert(bad[:7])
    assert scene.remote.git("show", "main:b.txt") == "c"
    assert scene.remote.git("show", "main:a.txt") == LINES.strip()


def test_missing_remote_branch_and_repository(scene: Scene) -> None:
    """Each is one sentence: no such remote, no such branch, no repository, a remote that is not there."""
    bad = scene.work.commit("Bad", {"a.txt": changed(3, "x")})
    scene.work.push()
    with pytest.raises(InputError, match="no remote `upstream`"):
        scene.revert(bad, remote="upstream")
    with pytest.raises(InputError, match="no branch `nope`"):
        scene.revert(bad, branch="nope")
    with pytest.raises(GitError, match="not a git repository"):
        scene.revert(bad, at=Repo(scene.home / "temp"))
    scene.work.git("remote", "set-url", "origin", str(scene.home / "gone.git"))
    with pytest.raises(GitError, match="does not appear to be a git repository"):
        scene.revert(bad)


@pytest.mark.parametrize(
    "given",
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
def test_hostile_names_never_reach_git(scene: Scene, given: dict[str, Any]) -> None:
    """What could be an option, an address or a path is refused."""
    bad = scene.work.commit("Bad", {"a.txt": changed(3, "x")})
    scene.work.push()
    with pytest.raises(InputError, match="is not the name of a"):
        scene.revert(bad, **given)


def test_a_remote_that_runs_a_program_is_refused(scene: Scene) -> None:
    """An address of the kind `ext::` in the repository's own settings is not followed."""
    bad = scene.work.commit("Bad", {"a.txt": changed(3, "x")})
    scene.work.push()
    scene.work.git("remote", "set-url", "origin", f"ext::sh -c touch%20{scene.home / 'ran'}")
    with pytest.raises(GitError, match="transport 'ext' not allowed"):
        scene.revert(bad)
    assert not (scene.home / "ran").exists()
