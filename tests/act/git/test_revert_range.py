"""Reverts of what a verdict judged, on real repositories: the whole range, along the line that the branch followed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.core.errors import InputError, NeedsPerson
from ghmlops.core.revert.grounds import Grounds
from ghmlops.core.revert.spec import MAX_COMMITS, MergedPullRequest
from git_scene import LINES

if TYPE_CHECKING:
    from ghmlops.act.git.revert import RevertResult
    from ghmlops.core.revert.api_commit import ApiRevert
    from ghmlops.core.revert.push_result import Published
    from git_scene import Scene


@dataclass
class FakeForge:
    """A forge that records pull requests."""

    pull_requests: list[dict[str, str]] = field(default_factory=list)

    rules: tuple[str, ...] = ()

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
        return self.pull_requests.index(pull_request) + 1


def failure(commit: str, base: str) -> Grounds:
    """Return the grounds of a confirmed failure of the range `base..commit`."""
    return Grounds(by_person=False, reason_code="accuracy", verdict_commit=commit, verdict_base=base)


def revert_push(scene: Scene, commit: str, before: str, **options: Any) -> RevertResult:
    """Revert the push `before..commit` on the grounds of a verdict about exactly this push."""
    return scene.revert(commit, grounds=failure(commit, before), tip_before=before, **options)


def refusal(scene: Scene, commit: str, **options: Any) -> str:
    """Return the reason code of a refused revert, which pushes nothing and leaves the clone as it was."""
    refs, state = scene.remote.git("for-each-ref"), scene.work.state()
    with pytest.raises(NeedsPerson) as caught:
        scene.revert(commit, **options)
    assert (caught.value.exit_code, bool(caught.value.hint)) == (1, True)
    assert (scene.remote.git("for-each-ref"), scene.work.state()) == (refs, state)
    return caught.value.reason_code


def topic(scene: Scene, name: str, files: dict[str, str | None], start: str) -> str:
    """Commit files on a new branch from `start`, and return the commit."""
    scene.work.git("checkout", "--quiet", "-b", name, start)
    return scene.work.commit(f"Work on {name}", files)


def merge(scene: Scene, *branches: str, message: str = "Merge") -> str:
    """Merge branches into the one that is checked out."""
    scene.work.git("merge", "--quiet", "--no-ff", "--allow-unrelated-histories", "-m", message, *branches)
    return scene.work.git("rev-parse", "HEAD")


def push_to_main(scene: Scene) -> str:
    """Push what is checked out to `main`, and return it."""
    scene.work.git("push", "--quiet", "origin", "HEAD:main")
    return scene.work.git("rev-parse", "HEAD")


def test_push_of_three_commits_is_reverted_as_a_whole(scene: Scene) -> None:
    """The innocent newest commit is not reverted instead of the bad oldest one: the tree is that before the push."""
    before = scene.tip()
    scene.work.commit("Bad model", {"model.txt": "bad\n"})
    scene.work.commit("Test", {"b.txt": "c\n"})
    last = scene.work.commit("Docs", {"docs.md": "d\n"})
    scene.work.push()
    result = revert_push(scene, last, before)
    assert (result.state, result.plan.differences) == ("reverted", ())
    assert scene.remote.tree("main") == scene.remote.tree(before)
    subjects = scene.remote.git("log", "--format=%s", f"{last}..main").splitlines()
    assert subjects == ['Revert "Bad model"', 'Revert "Test"', 'Revert "Docs"']
    again = revert_push(scene, last, before)
    assert (again.state, again.plan.commits) == ("already-reverted", ())


def test_later_work_stays(scene: Scene) -> None:
    """Commits after the judged push stay, those in the same file too."""
    before = scene.tip()
    scene.work.commit("Bad", {"a.txt": LINES.replace("line 3\n", "slow\n"), "new.txt": "n\n"})
    last = scene.work.commit("Bad too", {"b.txt": "c\n"})
    scene.work.commit("Later", {"a.txt": LINES.replace("line 3\n", "slow\n").replace("line 15\n", "better\n")})
    scene.work.push()
    assert revert_push(scene, last, before).state == "reverted"
    assert scene.remote.git("show", "main:a.txt") == LINES.replace("line 15\n", "better\n").strip()
    assert scene.remote.git("ls-tree", "--name-only", "main").split() == ["a.txt", "b.txt"]


def test_foxtrot_merge_keeps_the_commits_of_colleagues(scene: Scene) -> None:
    """If a topic merged `main` and was pushed to it, the topic is reverted, and the work of colleagues stays."""
    start = scene.tip()
    scene.work.commit("Colleague", {"colleague.txt": "c\n"})
    before = push_to_main(scene)
    topic(scene, "topic", {"topic.txt": "t\n"}, start)
    last = merge(scene, "main", message="Merge branch 'main' into topic")
    push_to_main(scene)
    assert scene.work.git("rev-parse", f"{last}^2") == before
    result = revert_push(scene, last, before)
    assert scene.remote.tree("main") == scene.remote.tree(before)
    assert f"reversing\nchanges made to {before}." in scene.remote.message(result.revert_sha)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_octopus_merge(scene: Scene, position: int) -> None:
    """Of a merge of three, the parent that the branch followed is restored, at whichever place it is."""
    start = scene.tip()
    scene.work.commit("Colleague", {"colleague.txt": "c\n"})
    before = push_to_main(scene)
    one, two = topic(scene, "one", {"1.txt": "1\n"}, start), topic(scene, "two", {"2.txt": "2\n"}, start)
    parents = [one, two]
    parents.insert(position, before)
    scene.work.git("checkout", "--quiet", "-B", "octopus", before)
    scene.work.commit("Tree", {"1.txt": "1\n", "2.txt": "2\n"})
    tree = scene.work.tree("HEAD")
    arguments = [argument for parent in parents for argument in ("-p", parent)]
    last = scene.work.git("commit-tree", tree, *arguments, "-m", "Octopus")
    scene.work.git("push", "--quiet", "origin", f"{last}:main")
    assert revert_push(scene, last, before).state == "reverted"
    assert scene.remote.tree("main") == scene.remote.tree(before)


def test_criss_cross_merge(scene: Scene) -> None:
    """Two lines that merged each other and met are reverted to the commit before the push."""
    before = scene.tip()
    left, right = topic(scene, "left", {"l.txt": "l\n"}, before), topic(scene, "right", {"r.txt": "r\n"}, before)
    merge(scene, left)
    scene.work.git("checkout", "--quiet", "left")
    merge(scene, right)
    scene.work.commit("More", {"l.txt": "l2\n"})
    last = merge(scene, "right")
    push_to_main(scene)
    assert revert_push(scene, last, before).state == "reverted"
    assert scene.remote.tree("main") == scene.remote.tree(before)


def test_merge_of_a_merge(scene: Scene) -> None:
    """A topic that merged another topic is reverted with one commit, because one merge brought both."""
    before = scene.tip()
    topic(scene, "inner", {"i.txt": "i\n"}, before)
    topic(scene, "outer", {"o.txt": "o\n"}, before)
    merge(scene, "inner")
    scene.work.git("checkout", "--quiet", "main")
    last = merge(scene, "outer")
    push_to_main(scene)
    result = revert_push(scene, last, before)
    assert [commit.sha for commit in result.plan.commits] == [last]
    assert scene.remote.tree("main") == scene.remote.tree(before)


def test_revert_of_a_revert_is_reverted(scene: Scene) -> None:
    """A push that applies a reverted change again, as a revert of the revert, is reverted."""
    bad = scene.work.commit("Bad", {"a.txt": "x\n"})
    scene.work.git("revert", "--no-edit", bad)
    before = push_to_main(scene)
    scene.work.git("revert", "--no-edit", before)
    last = push_to_main(scene)
    assert revert_push(scene, last, before).state == "reverted"
    assert scene.remote.tree("main") == scene.remote.tree(before)


def test_empty_commits_are_skipped(scene: Scene) -> None:
    """Commits without a change get no revert commit."""
    before = scene.tip()
    scene.work.commit("Nothing", {})
    bad = scene.work.commit("Bad", {"a.txt": "x\n"})
    last = scene.work.commit("Nothing again", {})
    scene.work.push()
    result = revert_push(scene, last, before)
    assert [commit.sha for commit in result.plan.commits] == [bad]
    assert scene.remote.tree("main") == scene.remote.tree(before)


def test_cherry_picked_change_is_reverted_once(scene: Scene) -> None:
    """A change that a topic and the branch both have is gone after the revert of the push that brought both."""
    before = scene.tip()
    original = topic(scene, "topic", {"a.txt": LINES.replace("line 3\n", "slow\n")}, before)
    scene.work.git("checkout", "--quiet", "main")
    scene.work.commit("Other", {"b.txt": "c\n"})
    scene.work.git("cherry-pick", original)
    last = merge(scene, "topic")
    push_to_main(scene)
    assert revert_push(scene, last, before).state == "reverted"
    assert scene.remote.tree("main") == scene.remote.tree(before)


@pytest.mark.parametrize("direction", ["push renames", "later work renames"])
def test_renamed_file(scene: Scene, direction: str) -> None:
    """A rename in the push is undone with the later edits in the file; one by later work stays."""
    before = scene.tip()
    slow, better = LINES.replace("line 3\n", "slow\n"), LINES.replace("line 15\n", "better\n")
    if direction == "push renames":
        last = scene.work.commit("Rename", {"a.txt": None, "c.txt": LINES})
        scene.work.commit("Later", {"c.txt": better})
        name, content = "a.txt", better
    else:
        last = scene.work.commit("Bad", {"a.txt": slow})
        scene.work.commit("Later", {"a.txt": None, "c.txt": slow})
        name, content = "c.txt", LINES
    scene.work.push()
    assert revert_push(scene, last, before).state == "reverted"
    assert scene.remote.git("show", f"main:{name}") == content.strip()
    assert scene.remote.git("ls-tree", "--name-only", "main").split() == sorted([name, "b.txt"])


def test_similar_file_is_not_taken_for_a_rename(scene: Scene) -> None:
    """Later edits of a new model are not merged into an old one that merely resembles it; a person must decide."""
    before = scene.work.commit("First model", {"model-1.txt": LINES})
    scene.work.push()
    last = scene.work.commit("Second model", {"model-1.txt": None, "model-2.txt": LINES.replace("line 3\n", "x\n")})
    scene.work.commit("Tune", {"model-2.txt": LINES.replace("line 3\n", "x\n").replace("line 15\n", "y\n")})
    scene.work.push()
    assert refusal(scene, last, grounds=failure(last, before), tip_before=before) == "revert-conflict"


def test_first_commit_of_the_branch_is_not_reverted(scene: Scene) -> None:
    """A push that creates the branch has no commit before it; a verdict that compares with none covers no range."""
    root = scene.tip()
    assert refusal(scene, root, grounds=failure(root, "")) == "range-unknown"
    assert refusal(scene, root) == "root-commit"


def test_unrelated_history_is_reverted(scene: Scene) -> None:
    """A merge of a history with its own first commit is reverted to the line of the branch, as first or second."""
    for first in (True, False):
        before = scene.tip()
        scene.work.git("checkout", "--quiet", "--orphan", f"vendored-{first}")
        scene.work.git("rm", "--quiet", "-rf", ".")
        vendored = scene.work.commit("Vendored", {f"vendored-{first}.txt": "v\n"})
        scene.work.git("checkout", "--quiet", "-B", "main", before if first else vendored)
        last = merge(scene, vendored if first else before)
        push_to_main(scene)
        assert revert_push(scene, last, before).state == "reverted"
        assert scene.remote.tree("main") == scene.remote.tree(before)


@pytest.mark.parametrize("trailer", ["Ghmlops-Reverts: {other}", "This reverts commit {other}."])
def test_claim_in_the_bad_commit_prevents_nothing(scene: Scene, trailer: str) -> None:
    """A bad commit whose message claims to be a revert, by ghmlops even, is reverted."""
    before = scene.tip()
    last = scene.work.commit(f"Bad\n\n{trailer.format(other=before)}\n", {"a.txt": "x\n"})
    scene.work.push()
    assert revert_push(scene, last, before).state == "reverted"
    assert scene.remote.tree("main") == scene.remote.tree(before)


@pytest.mark.parametrize("trailer", ["Ghmlops-Reverts: {bad}", "This reverts commit {bad}."])
def test_claim_of_a_later_commit_prevents_nothing(scene: Scene, trailer: str) -> None:
    """A later commit that claims to have reverted the bad one prevents no revert, because its tree does not show it."""
    before = scene.tip()
    bad = scene.work.commit("Bad", {"a.txt": "x\n"})
    scene.work.commit(f"Trust me\n\n{trailer.format(bad=bad)}\n", {"b.txt": "c\n"})
    scene.work.push()
    assert revert_push(scene, bad, before).state == "reverted"
    assert scene.remote.git("show", "main:a.txt") == LINES.strip()


def test_change_that_was_picked_again_after_its_revert_is_not_reported_as_gone(scene: Scene) -> None:
    """A proven revert counts for nothing if a cherry-pick without a word about it applied the change again."""
    before = scene.tip()
    slow = LINES.replace("line 3\n", "slow\n")
    bad = scene.work.commit("Bad", {"a.txt": slow})
    scene.work.git("revert", "--no-edit", bad)
    scene.work.git("cherry-pick", bad)
    scene.work.commit("Over it", {"a.txt": slow.replace("slow\n", "slower\n")})
    scene.work.push()
    assert refusal(scene, bad, grounds=failure(bad, before), tip_before=before) == "revert-conflict"


def test_change_whose_revert_was_reverted_is_not_reported_as_gone(scene: Scene) -> None:
    """A revert of the revert counts although its lines have other neighbours by then, and later work is in conflict."""
    before = scene.tip()
    slow = LINES.replace("line 3\n", "slow\n")
    bad = scene.work.commit("Bad", {"a.txt": slow})
    scene.work.git("revert", "--no-edit", bad)
    undone = scene.work.git("rev-parse", "HEAD")
    scene.work.commit("Neighbour", {"a.txt": LINES.replace("line 5\n", "other\n")})
    scene.work.git("revert", "--no-edit", undone)
    scene.work.commit("Over it", {"a.txt": slow.replace("slow\n", "slower\n").replace("line 5\n", "other\n")})
    scene.work.push()
    assert refusal(scene, bad, grounds=failure(bad, before), tip_before=before) == "revert-conflict"


def test_longer_range_waits_in_a_pull_request(scene: Scene) -> None:
    """If the last deployment is older than the push, the whole range is reverted in a pull request, for a person."""
    deployed = scene.tip()
    before = scene.work.commit("Earlier push", {"a.txt": "x\n"})
    scene.work.push()
    last = scene.work.commit("Judged push", {"b.txt": "c\n"})
    scene.work.push()
    options: dict[str, Any] = {"grounds": failure(last, deployed), "tip_before": before}
    assert refusal(scene, last, **options) == "review-required"
    forge = FakeForge()
    result = scene.revert(last, forge=forge, **options)
    assert (result.state, result.pull_request) == ("pull-request", 1)
    assert before[:12] in result.cause
    assert scene.tip() == last
    assert scene.remote.tree(f"ghmlops/revert-{last[:12]}") == scene.remote.tree(deployed)
    again = scene.revert(last, forge=forge, **options)
    assert (again.revert_sha, len(forge.pull_requests)) == (result.revert_sha, 1)


def test_unknown_push_waits_in_a_pull_request(scene: Scene) -> None:
    """If it is unknown what the branch had before the push, only a range of one commit is reverted directly."""
    deployed = scene.tip()
    scene.work.commit("One", {"a.txt": "x\n"})
    last = scene.work.commit("Two", {"b.txt": "c\n"})
    scene.work.push()
    assert scene.revert(last, grounds=failure(last, deployed), forge=FakeForge()).state == "pull-request"
    middle = scene.work.git("rev-parse", f"{last}^")
    assert scene.revert(last, grounds=failure(last, middle)).state == "reverted"
    assert scene.remote.tree("main") == scene.remote.tree(middle)


def test_person_reverts_a_longer_range_directly(scene: Scene) -> None:
    """A person's reason, in addition to the verdict, pushes the revert of the whole range."""
    deployed = scene.tip()
    scene.work.commit("One", {"a.txt": "x\n"})
    last = scene.work.commit("Two", {"b.txt": "c\n"})
    scene.work.push()
    grounds = Grounds(by_person=True, reason="slow", verdict_commit=last, verdict_base=deployed)
    assert scene.revert(last, grounds=grounds).state == "reverted"
    assert scene.remote.tree("main") == scene.remote.tree(deployed)


def test_single_commit_names_what_is_left(scene: Scene) -> None:
    """With `single_commit`, one commit is reverted, and every other difference from the base is named."""
    before = scene.tip()
    bad = scene.work.commit("Bad model", {"model.txt": "bad\n"})
    last = scene.work.commit("Docs", {"docs.md": "d\n"})
    scene.work.commit("Later", {"later.txt": "l\n"})
    scene.work.push()
    result = revert_push(scene, last, before, single_commit=True)
    assert (result.state, result.plan.differences) == ("partly-reverted", ("model.txt",))
    again = revert_push(scene, last, before, single_commit=True)
    assert (again.state, again.revert_sha, again.plan.differences) == ("partly-reverted", "", ("model.txt",))
    other = scene.revert(bad, grounds=failure(last, before), tip_before=before, single_commit=True)
    assert (other.state, other.plan.differences) == ("reverted", ())
    assert scene.remote.git("ls-tree", "--name-only", "main").split() == ["a.txt", "b.txt", "later.txt"]


def test_only_the_judged_range_is_reverted(scene: Scene) -> None:
    """A part of the range, more than the range, and another commit are refused; the range in other words is not."""
    start = scene.tip()
    before = scene.work.commit("Before", {"b.txt": "c\n"})
    first = scene.work.commit("First", {"1.txt": "1\n"})
    last = scene.work.commit("Last", {"2.txt": "2\n"})
    later = scene.work.commit("Later", {"3.txt": "3\n"})
    scene.work.push()
    options: dict[str, Any] = {"grounds": failure(last, before), "tip_before": before}
    for commit in (first, later, f"{before},{first},{last}", f"{start}..{last}", f"{before}..{later}"):
        assert refusal(scene, commit, **options) == "verdict-not-about"
    assert scene.revert(f"{before}..{last}", dry_run=True, **options).state == "planned"
    assert scene.revert(f"{first},{last}", **options).state == "reverted"


def test_base_that_is_not_on_the_branch_is_refused(scene: Scene) -> None:
    """After a rewrite of history, or a deployment from another branch, the range is unknown."""
    other = topic(scene, "other", {"o.txt": "o\n"}, scene.tip())
    scene.work.git("push", "--quiet", "origin", "other")
    scene.work.git("checkout", "--quiet", "main")
    last = scene.work.commit("Bad", {"a.txt": "x\n"})
    scene.work.push()
    for base in (other, "d" * 40):
        assert refusal(scene, last, grounds=failure(last, base), tip_before=base) == "base-not-on-branch"


def test_very_long_range_is_refused(scene: Scene) -> None:
    """A range with more commits than one revert may have needs a person."""
    before = scene.tip()
    parent = before
    for _ in range(MAX_COMMITS + 1):
        parent = scene.work.git("commit-tree", scene.work.tree(before), "-p", parent, "-m", "x")
    scene.work.git("push", "--quiet", "origin", f"{parent}:main")
    assert refusal(scene, parent, grounds=failure(parent, before), tip_before=before) == "range-too-long"


def test_merge_by_a_person_needs_a_known_mainline(scene: Scene) -> None:
    """Without a commit that the branch is known to have had, no parent of a merge is guessed."""
    before = scene.tip()
    topic(scene, "topic", {"t.txt": "t\n"}, before)
    scene.work.git("checkout", "--quiet", "main")
    last = merge(scene, "topic")
    push_to_main(scene)
    assert refusal(scene, last) == "mainline-unknown"
    assert refusal(scene, last, tip_before="d" * 40) == "mainline-unknown"
    assert scene.revert(f"{before}..{last}", dry_run=True).state == "planned"
    assert scene.revert(last, tip_before=before).state == "reverted"
    assert scene.remote.tree("main") == scene.remote.tree(before)


def test_shallow_clone_hides_no_second_line(scene: Scene) -> None:
    """If two lines of a merge lead to the earlier tip, none is taken, although a shallow clone contains only one."""
    start = scene.tip()
    before = scene.work.commit("Before", {"b.txt": "c\n"})
    scene.work.push()
    short = topic(scene, "short", {"s.txt": "s\n"}, before)
    older = topic(scene, "older", {"o.txt": "o\n"}, start)
    tree = scene.work.tree(short)
    long = scene.work.git("commit-tree", tree, "-p", older, "-p", before, "-m", "Merge main into older")
    for _ in range(60):  # more than the clone is deepened by at first
        long = scene.work.git("commit-tree", tree, "-p", long, "-m", "More")
    last = scene.work.git("commit-tree", tree, "-p", long, "-p", short, "-m", "Merge both")
    scene.work.git("push", "--quiet", "origin", f"{last}:main")
    for options in ((), ("--depth", "1")):
        clone = scene.clone(f"clone{len(options)}", *options)
        assert refusal(scene, last, tip_before=before, repo=clone) == "mainline-unknown"


@pytest.mark.parametrize("foxtrot", [False, True])
def test_merged_pull_request_is_told_apart_by_its_head(scene: Scene, foxtrot: bool) -> None:
    """The parent that does not contain the head of the pull request is the one that the branch followed."""
    before = scene.work.commit("Colleague", {"colleague.txt": "c\n"})
    scene.work.push()
    head = topic(scene, "topic", {"t.txt": "t\n"}, f"{before}^")
    if not foxtrot:
        scene.work.git("checkout", "--quiet", "main")
    merge(scene, "main" if foxtrot else "topic")
    last = push_to_main(scene)
    merged = MergedPullRequest(sha=last, base="main", messages=("Work on topic",), head=head)
    assert scene.revert("#7", merged=merged).state == "reverted"
    assert scene.remote.tree("main") == scene.remote.tree(before)


def test_shallow_clone_finds_the_line_of_the_branch(scene: Scene) -> None:
    """A clone of depth 1 is deepened until it contains the range; a foxtrot merge is recognised there too."""
    start = scene.tip()
    scene.work.commit("Colleague", {"colleague.txt": "c\n"})
    before = push_to_main(scene)
    topic(scene, "topic", {"topic.txt": "t\n"}, start)
    last = merge(scene, "main")
    push_to_main(scene)
    assert revert_push(scene, last, before, repo=scene.clone("shallow", "--depth", "1")).state == "reverted"
    assert scene.remote.tree("main") == scene.remote.tree(before)


@pytest.mark.parametrize(
    "rule", ["* merge=union", "[attr]both merge=union\n*.txt both", "*.txt merge=ours", "*.txt -merge", "a.txt binary"]
)
def test_merge_driver_hides_no_conflict(scene: Scene, rule: str) -> None:
    """A driver that keeps both versions, or ours, would report success and leave the bad line: refused instead."""
    scene.work.git("config", "merge.ours.driver", "true")
    before = scene.work.commit("Attributes", {".gitattributes": f"{rule}\n"})
    scene.work.push()
    last = scene.work.commit("Bad", {"a.txt": LINES.replace("line 3\n", "slow\n")})
    scene.work.commit("Over it", {"a.txt": LINES.replace("line 3\n", "slower\n")})
    scene.work.push()
    assert refusal(scene, last, grounds=failure(last, before), tip_before=before) == "merge-driver"


def test_file_with_a_name_that_is_not_utf8_is_not_merged(scene: Scene) -> None:
    """The attributes of such a name are not known, so a change of it by both needs a person."""
    before = scene.tip()
    blobs = [scene.work.git("hash-object", "-w", "--stdin", stdin=LINES.replace("line 3\n", x)) for x in ("x\n", "y\n")]
    commits = []
    for blob in blobs:
        index = f'100644 {blob}\t"caf\\351.txt"\n'
        scene.work.git("update-index", "--index-info", stdin=index)
        scene.work.git("commit", "--quiet", "-m", "Change")
        commits.append(scene.work.git("rev-parse", "HEAD"))
    scene.work.push()
    assert refusal(scene, commits[0], grounds=failure(commits[0], before), tip_before=before) == "merge-driver"


def test_attributes_of_the_bad_push_do_not_stop_git(scene: Scene) -> None:
    """Line ends that differ from what attributes demand look like local changes, with which git would refuse to revert.

    No file is checked out, so they do not, and no filter that git's configuration names runs.
    """
    trace = scene.home / "filter-ran"
    scene.work.git("config", "filter.spy.smudge", f"touch {trace}; cat")

    def commit(files: dict[str, str]) -> str:
        for name, content in files.items():
            blob = scene.work.git("hash-object", "-w", "--stdin", "--no-filters", stdin=content)
            scene.work.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{name}")
        scene.work.git("commit", "--quiet", "-m", "Change")
        return scene.work.git("rev-parse", "HEAD")

    windows = LINES.replace("\n", "\r\n")
    before = commit({"crlf.txt": windows})
    last = commit({"crlf.txt": windows.replace("line 3\r", "slow\r"), ".gitattributes": "*.txt text filter=spy\n"})
    scene.work.push()
    assert revert_push(scene, last, before).state == "reverted"
    assert scene.remote.tree("main") == scene.remote.tree(before)
    assert not trace.exists()


def test_configured_default_driver_has_no_effect(scene: Scene) -> None:
    """`merge.default` of git's configuration does not turn a conflict into a success."""
    before = scene.tip()
    scene.work.git("config", "merge.default", "union")
    last = scene.work.commit("Bad", {"a.txt": LINES.replace("line 3\n", "slow\n")})
    scene.work.commit("Over it", {"a.txt": LINES.replace("line 3\n", "slower\n")})
    scene.work.push()
    assert refusal(scene, last, grounds=failure(last, before), tip_before=before) == "revert-conflict"


def test_later_work_that_repeats_an_intermediate_state_is_not_undone(scene: Scene) -> None:
    """If later work repeats what the push had in between, one revert after the other would take it away: refused."""
    before = scene.tip()
    slow = LINES.replace("line 3\n", "slow\n")
    scene.work.commit("There", {"a.txt": slow})
    scene.work.commit("Back", {"a.txt": LINES})
    last = scene.work.commit("Bad", {"b.txt": "c\n"})
    scene.work.commit("There again", {"a.txt": slow})
    scene.work.push()
    with pytest.raises(NeedsPerson, match=r"a\.txt") as caught:
        revert_push(scene, last, before)
    assert caught.value.reason_code == "revert-incomplete"


def test_union_merge_of_other_files_does_not_matter(scene: Scene) -> None:
    """A change log with `merge=union` prevents no revert unless the push and later work both changed it."""
    before = scene.work.commit("Attributes", {".gitattributes": "log.md merge=union\n", "log.md": "1\n"})
    scene.work.push()
    last = scene.work.commit("Bad", {"a.txt": "x\n"})
    scene.work.commit("Later", {"log.md": "1\n2\n"})
    scene.work.push()
    assert revert_push(scene, last, before).state == "reverted"
    assert scene.remote.git("show", "main:log.md") == "1\n2"


@pytest.mark.parametrize("place", ["in the revert", "below the revert"])
def test_branch_that_only_claims_to_be_the_revert_is_not_adopted(scene: Scene, place: str) -> None:
    """A branch of the revert's name that changes more than the revert gets no pull request, whatever it claims."""
    before = scene.tip()
    bad = scene.work.commit("Bad", {"a.txt": "x\n"})
    scene.work.push()
    name = f"ghmlops/revert-{bad[:12]}"
    scene.work.git("checkout", "--quiet", "-b", name)
    backdoor: dict[str, str | None] = {"backdoor.txt": "b\n"}
    if place == "below the revert":
        scene.work.commit("Prepare", backdoor)
        backdoor = {}
    scene.work.commit(f"Revert\n\nGhmlops-Reverts: {bad}\n", {"a.txt": LINES, **backdoor})
    scene.work.push()
    forge = FakeForge()
    options: dict[str, Any] = {"grounds": failure(bad, before), "pull_request_only": True, "forge": forge}
    assert refusal(scene, bad, **options) == "branch-taken"
    assert forge.pull_requests == []


def test_range_of_a_person_is_compared_too(scene: Scene) -> None:
    """A range `A..B` through a foxtrot merge leads back to A, whichever parent of the merge leads there."""
    start = scene.tip()
    scene.work.commit("Colleague", {"colleague.txt": "c\n"})
    before = push_to_main(scene)
    topic(scene, "topic", {"topic.txt": "t\n"}, start)
    merge(scene, "main")
    last = scene.work.commit("More", {"topic.txt": "t2\n"})
    push_to_main(scene)
    assert scene.revert(f"{before}..{last}").state == "reverted"
    assert scene.remote.tree("main") == scene.remote.tree(before)
    with pytest.raises(InputError, match="ancestor"):
        scene.revert(f"{last}..{before}")
