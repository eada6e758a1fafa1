"""A corpus of generated histories: every kind of push with every kind of later work.

Each push is reverted to the one right tree, or refused. The right tree is computed without git.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from ghmlops.core.errors import NeedsPerson
from ghmlops.core.revert.grounds import Grounds
from git_histories import PUSHES, History, Unclear, generate, tree_id
from git_scene import Scene, make_scene
from thoroughness import part

if TYPE_CHECKING:
    from collections.abc import Callable

HISTORIES = generate()
MAX_NEEDLESS = 1
"""Maximum histories per kind of push that are refused, although there is one right tree."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A remote with one branch per history, and a clone."""
    scene = make_scene(tmp_path_factory.mktemp("corpus"))
    stream = b"".join(history.stream() for history in HISTORIES)
    subprocess.run(
        ["git", "fast-import", "--quiet", "--force"], cwd=scene.remote.folder, input=stream, check=True, timeout=60
    )
    scene.work.git("fetch", "--quiet", "origin")
    return scene


def right_tree(history: History) -> str:
    """Return the id of the right tree; empty if a person must decide."""
    try:
        return tree_id(history.right_state())
    except Unclear:
        return ""


def perform(scene: Scene, history: History) -> str:
    """Revert the judged push of a history and return the state, or else the reason code of the refusal."""
    grounds = Grounds(
        by_person=False, reason_code="accuracy", verdict_commit=history.after, verdict_base=history.before
    )
    try:
        return scene.revert(history.after, grounds=grounds, branch=history.name, tip_before=history.before).state
    except NeedsPerson as error:
        return error.reason_code


def test_corpus_is_large_and_varied() -> None:
    """There are at least 150 histories; a person must decide about some of them, and most have one right tree."""
    trees = [right_tree(history) for history in HISTORIES]
    assert len({history.name for history in HISTORIES}) == len(HISTORIES) >= 150
    assert 100 <= sum(bool(tree) for tree in trees) < len(trees)
    assert sum(history.tip == history.after for history in HISTORIES) == len(PUSHES)


@pytest.mark.parametrize("push", PUSHES, ids=lambda push: push.__name__)
def test_push_is_reverted_to_the_right_tree_or_refused(corpus: Scene, push: Callable[[History], str]) -> None:
    """No revert leaves another tree than the right one; a refusal leaves the branch and the clone as they were."""
    before = corpus.work.state()
    needless = []
    for history in part([history for history in HISTORIES if history.name.startswith(f"{push.__name__}-")]):
        tip, right = corpus.tip(history.name), right_tree(history)
        assert tip == history.tip
        state = perform(corpus, history)
        new = corpus.tip(history.name)
        if state == "reverted":
            assert corpus.remote.tree(new) == right, history.name
            assert corpus.remote.git("merge-base", tip, new) == tip
        elif state == "already-reverted":
            assert (new, corpus.remote.tree(new)) == (tip, right), history.name
        else:
            applied_again = history.name.endswith("-undone_and_applied_again")
            codes = {"reverted-before"} if applied_again else {"revert-conflict", "revert-incomplete"}
            assert (state in codes, new) == (True, tip), (history.name, state)
            needless += [history.name] if right and not applied_again else []
    assert len(needless) <= MAX_NEEDLESS, needless
    assert corpus.work.state() == before
