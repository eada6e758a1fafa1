"""Generated histories for the corpus of reverts: what was pushed, what came later, and the one right tree.

The trees are computed here without git: a file is a list of independent parts, and the right value of a part after the
revert follows from its values before the push, after it, and now. The ids of blobs, trees and commits are computed here
too, so that the trees which git writes are compared with values that git did not compute.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field, replace

IDENTITY = "Ada <ada@example.com> 1700000000 +0000"
PARTS = 4
"""Parts of a file; lines between them keep git from taking changes of two parts for a conflict."""


@dataclass(frozen=True)
class File:
    """A file with its name and the values of its parts."""

    name: str
    parts: tuple[str, ...]


State = dict[int, File]
"""All files of a commit; the key of a file stays the same when it is renamed."""


@dataclass(frozen=True)
class Revision:
    """A commit of a generated history."""

    sha: str
    parents: tuple[str, ...]
    message: str
    state: State


class Unclear(Exception):
    """Later work and the push changed the same part, so that no tree is right: a person must decide."""


@dataclass
class History:
    """The commits of one branch, and what a revert of its judged push must leave."""

    name: str
    rng: random.Random
    revisions: dict[str, Revision] = field(default_factory=dict)
    before: str = ""
    """The commit of the branch before the push."""
    after: str = ""
    """The judged commit."""
    tip: str = ""
    """The present tip, with later work."""
    values: int = 0

    def commit(self, state: State, *parents: str, message: str = "") -> str:
        """Add a commit and return its id."""
        message = message or f"Change {len(self.revisions)} of {self.name}\n"
        sha = commit_id(tree_id(state), parents, message)
        self.revisions[sha] = Revision(sha, parents, message, dict(state))
        return sha

    def state(self, sha: str) -> State:
        """Return a copy of the files of a commit."""
        return dict(self.revisions[sha].state)

    def value(self) -> str:
        """Return a value that no part had before."""
        self.values += 1
        return f"value {self.values}"

    def edit(self, sha: str, *, key: int | None = None, part: int | None = None, message: str = "") -> str:
        """Commit a new value of one part, by default of any."""
        state = self.state(sha)
        key = self.rng.choice(sorted(state)) if key is None else key
        part = self.rng.randrange(PARTS) if part is None else part
        parts = list(state[key].parts)
        parts[part] = self.value()
        state[key] = replace(state[key], parts=tuple(parts))
        return self.commit(state, sha, message=message)

    def add(self, sha: str) -> str:
        """Commit a new file."""
        state = self.state(sha)
        key = max((key for r in self.revisions.values() for key in r.state), default=0) + 1
        state[key] = File(f"file{key}.txt", tuple(self.value() for _ in range(PARTS)))
        return self.commit(state, sha)

    def delete(self, sha: str, key: int | None = None) -> str:
        """Commit the removal of a file."""
        state = self.state(sha)
        del state[self.rng.choice(sorted(state)) if key is None else key]
        return self.commit(state, sha)

    def rename(self, sha: str, key: int | None = None) -> str:
        """Commit a rename of a file whose content stays the same."""
        state = self.state(sha)
        key = self.rng.choice(sorted(state)) if key is None else key
        state[key] = replace(state[key], name=f"renamed{len(self.revisions)}-{key}.txt")
        return self.commit(state, sha)

    def work(self, sha: str, count: int) -> str:
        """Commit a number of changes of any kind."""
        for _ in range(count):
            kinds = [self.edit] * 5 + [self.add, self.rename] + [self.delete] * (len(self.state(sha)) > 2)
            sha = self.rng.choice(kinds)(sha)
        return sha

    def merge(self, parents: list[str], base: str, ours: str, message: str = "") -> str:
        """Commit a merge of `parents`; if two of them changed a part, the value of `ours` counts."""
        state = self.state(ours)
        for parent in parents:
            if parent != ours:
                state = three_way(self.state(base), state, self.state(parent), prefer_ours=True)
        return self.commit(without_collisions(state), *parents, message=message)

    def ancestors(self, sha: str) -> set[str]:
        """Return a commit and all of its ancestors."""
        reached: set[str] = set()
        waiting = [sha]
        while waiting:
            if (current := waiting.pop()) not in reached:
                reached.add(current)
                waiting += self.revisions[current].parents
        return reached

    def right_state(self) -> State:
        """Return the files that the branch must have after the revert: those before the push, with later work.

        Raises:
            Unclear: Later work changed what the push changed.
        """
        before, after, now = self.state(self.before), self.state(self.after), self.state(self.tip)
        pushed = [self.revisions[sha].state for sha in self.ancestors(self.after)]
        own = {key: [state[key] for state in pushed if key in state] for key in {**before, **after}}
        state = three_way(after, now, before, own=own)
        if len({file.name for file in state.values()}) != len(state):
            raise Unclear
        return state

    def stream(self) -> bytes:
        """Return the commits in the format of `git fast-import`."""
        chunks: list[bytes] = []
        marks: dict[str, int] = {}
        for number, revision in enumerate(self.revisions.values(), 1):
            marks[revision.sha] = number
            message = revision.message.encode()
            chunks.append(
                f"commit refs/heads/{self.name}-line\nmark :{number}\nauthor {IDENTITY}\ncommitter {IDENTITY}\n"
                f"data {len(message)}\n".encode()
                + message
            )
            if not revision.parents:
                chunks.insert(len(chunks) - 1, f"reset refs/heads/{self.name}-line\n".encode())
            for index, parent in enumerate(revision.parents):
                chunks.append(f"{'merge' if index else 'from'} :{marks[parent]}\n".encode())
            chunks.append(b"deleteall\n")
            for file in revision.state.values():
                content = render(file)
                chunks.append(f"M 100644 inline {file.name}\ndata {len(content)}\n".encode() + content + b"\n")
        chunks.append(f"reset refs/heads/{self.name}-line\nfrom 0000000000000000000000000000000000000000\n".encode())
        chunks.append(f"reset refs/heads/{self.name}\nfrom :{marks[self.tip]}\n\n".encode())
        return b"".join(chunks)


def three_way(
    base: State, ours: State, theirs: State, *, prefer_ours: bool = False, own: dict[int, list[File]] | None = None
) -> State:
    """Return the merge of two states, file by file and part by part.

    Args:
        base: Their common ancestor.
        ours: One side.
        theirs: The other side.
        prefer_ours: Whether our value counts if both sides changed a part, instead of none.
        own: Values that the push itself gave to a part: going back to one of them is no later work.

    Raises:
        Unclear: Both sides changed a part.
    """
    result: State = {}
    for key in sorted({**base, **ours, **theirs}):
        file = _merge_file(base.get(key), ours.get(key), theirs.get(key), prefer_ours, (own or {}).get(key, []))
        if file is not None:
            result[key] = file
    return result


def _merge_file(
    base: File | None, ours: File | None, theirs: File | None, prefer: bool, own: list[File]
) -> File | None:
    if ours in (base, theirs):
        return theirs
    if theirs == base:
        return ours
    if base is None or ours is None or theirs is None:
        if prefer:
            return ours
        raise Unclear
    names = {file.name for file in own}
    name = _merge_value(base.name, ours.name, theirs.name, prefer, names)
    parts = tuple(
        _merge_value(*values, prefer, {file.parts[index] for file in own})
        for index, values in enumerate(zip(base.parts, ours.parts, theirs.parts, strict=True))
    )
    return File(name, parts)


def _merge_value(base: str, ours: str, theirs: str, prefer: bool, own: set[str]) -> str:
    if ours in (base, theirs):
        return theirs
    if base == theirs or prefer:
        return ours
    if ours in own:
        return theirs
    raise Unclear


def without_collisions(state: State) -> State:
    """Return the state with one file per name."""
    return {key: file for key, file in state.items() if min(k for k, f in state.items() if f.name == file.name) == key}


def render(file: File) -> bytes:
    """Return the content of a file; its lines between the parts keep git from merging neighbours as one change."""
    lines = []
    for index, value in enumerate(file.parts):
        lines += [f"part {index} line {n}" for n in range(4)] + [value]
    return ("\n".join([*lines, "end"]) + "\n").encode()


def tree_id(state: State) -> str:
    """Return git's id of the tree of a state."""
    entries = [
        b"100644 " + file.name.encode() + b"\0" + _object(b"blob", render(file)).digest()
        for file in sorted(state.values(), key=lambda file: file.name.encode())
    ]
    return _object(b"tree", b"".join(entries)).hexdigest()


def commit_id(tree: str, parents: tuple[str, ...], message: str) -> str:
    """Return git's id of a commit."""
    header = [f"tree {tree}", *(f"parent {p}" for p in parents), f"author {IDENTITY}", f"committer {IDENTITY}"]
    return _object(b"commit", ("\n".join(header) + f"\n\n{message}").encode()).hexdigest()


def _object(kind: bytes, content: bytes) -> hashlib._Hash:
    return hashlib.sha1(kind + b" " + str(len(content)).encode() + b"\0" + content, usedforsecurity=False)


def start(name: str, seed: int) -> History:
    """Return a history with a first commit and some work before the push."""
    history = History(name=name, rng=random.Random(f"{name}-{seed}"))  # noqa: S311
    state = {key: File(f"file{key}.txt", tuple(history.value() for _ in range(PARTS))) for key in range(1, 6)}
    history.before = history.commit(state)
    for _ in range(history.rng.randint(1, 3)):
        history.before = history.edit(history.before)
    return history


def ancestor(history: History, sha: str) -> str:
    """Return an older commit of the line of first parents."""
    line = [sha]
    while parents := history.revisions[line[-1]].parents:
        line.append(parents[0])
    return history.rng.choice(line[1:] or line)


def linear(h: History) -> str:
    """A push of one to four commits."""
    return h.work(h.before, h.rng.randint(1, 4))


def empty(h: History) -> str:
    """A push with commits that change nothing."""
    sha = h.commit(h.state(h.before), h.before)
    sha = h.work(sha, h.rng.randint(0, 2))
    return h.commit(h.state(sha), sha)


def merged(h: History) -> str:
    """A merge of a topic into the branch."""
    fork = ancestor(h, h.before)
    topic = h.work(fork, h.rng.randint(1, 3))
    return h.merge([h.before, topic], fork, h.before)


def foxtrot(h: History) -> str:
    """A merge of the branch into a topic, pushed to the branch: the first parent is the topic."""
    fork = ancestor(h, h.before)
    topic = h.work(fork, h.rng.randint(1, 3))
    sha = h.merge([topic, h.before], fork, h.before)
    return h.work(sha, h.rng.randint(0, 2))


def octopus(h: History) -> str:
    """A merge of several topics at once; the branch is at any place among the parents."""
    fork = ancestor(h, h.before)
    parents = [h.before, *(h.work(fork, h.rng.randint(1, 2)) for _ in range(h.rng.randint(2, 3)))]
    h.rng.shuffle(parents)
    return h.merge(list(dict.fromkeys(parents)), fork, h.before)


def criss_cross(h: History) -> str:
    """Two lines that merged each other, and then meet."""
    left, right = h.edit(h.before), h.work(h.before, 1)
    crossed = [h.merge([left, right], h.before, left), h.merge([right, left], h.before, right)]
    h.rng.shuffle(crossed)
    sha = h.merge([h.edit(crossed[0]), h.edit(crossed[1])], h.before, crossed[0])
    return h.work(sha, h.rng.randint(0, 1))


def merge_of_merge(h: History) -> str:
    """A topic that merged another topic, merged into the branch in either order."""
    fork = ancestor(h, h.before)
    inner = h.work(fork, 1)
    topic = h.merge([h.edit(fork), inner], fork, inner)
    parents = [h.before, h.work(topic, 1)]
    h.rng.shuffle(parents)
    return h.merge(parents, fork, h.before)


def merged_twice(h: History) -> str:
    """A topic that merged an older state of the branch, went on, merged the branch again, and was pushed."""
    older = ancestor(h, h.before)
    fork = ancestor(h, older)
    topic = h.merge([h.work(fork, 1), older], fork, older) if older != fork else h.work(fork, 1)
    return h.merge([h.edit(topic), h.before], fork, h.before)


def revert_of_revert(h: History) -> str:
    """A push that reverts a revert, with the messages that git writes."""
    bad = h.edit(h.before)
    undone = h.commit(h.state(h.before), bad, message=f'Revert "Bad"\n\nThis reverts commit {bad}.\n')
    h.before = undone
    message = f'Revert "Revert "Bad""\n\nThis reverts commit {undone}.\n'
    return h.work(h.commit(h.state(bad), undone, message=message), h.rng.randint(0, 2))


def reverted_inside(h: History) -> str:
    """A push that contains a change, its revert, and the change again."""
    bad = h.edit(h.before)
    undone = h.commit(h.state(h.before), bad, message=f"Undo\n\nGhmlops-Reverts: {bad}\n")
    return h.commit(h.state(bad), undone, message=f"Again\n\nThis reverts commit {undone}.\n")


def cherry_picked(h: History) -> str:
    """A push of a change that another branch has too, under another id, and that is merged as well."""
    fork = h.before
    original, parent = h.edit(fork, key=1, part=1), h.edit(fork, key=2, part=2)
    state = h.state(parent)
    state[1] = h.state(original)[1]
    copy = h.commit(state, parent, message=h.revisions[original].message)
    return h.merge([copy, original], fork, copy) if h.rng.random() < 0.5 else copy


def renamed(h: History) -> str:
    """A push that renames a file and changes others."""
    return h.work(h.rename(h.work(h.before, h.rng.randint(0, 1))), h.rng.randint(0, 2))


def unrelated(h: History) -> str:
    """A merge with a history that has its own first commit, in either order."""
    key = max(h.state(h.before)) + 50
    root = h.commit({key: File("vendored.txt", tuple(h.value() for _ in range(PARTS)))})
    state = {**h.state(h.before), **h.state(root)}
    parents = [h.before, root]
    h.rng.shuffle(parents)
    return h.commit(state, *parents)


def evil_merge(h: History) -> str:
    """A merge that changes more than its parents did."""
    fork = ancestor(h, h.before)
    parents = [h.before, h.work(fork, 1)]
    h.rng.shuffle(parents)
    state = h.state(h.merge(parents, fork, h.before))
    key = h.rng.choice(sorted(state))
    state[key] = replace(state[key], parts=(h.value(), *state[key].parts[1:]))
    return h.commit(state, *parents)


def false_claims(h: History) -> str:
    """A push whose messages claim to be reverts by ghmlops, which no tree proves."""
    sha = h.edit(h.before, message=f"Bad\n\nGhmlops-Reverts: {h.before}\n")
    return h.edit(sha, message=f"Worse\n\nThis reverts commit {sha}.\n\nGhmlops-Reverts: {sha}\n")


def there_and_back(h: History) -> str:
    """A push that changes a part, changes it back, and changes others."""
    there = h.edit(h.before)
    return h.work(h.commit(h.state(h.before), there, message="Back\n"), h.rng.randint(1, 2))


PUSHES = (
    linear,
    empty,
    merged,
    foxtrot,
    octopus,
    criss_cross,
    merge_of_merge,
    merged_twice,
    revert_of_revert,
    reverted_inside,
    cherry_picked,
    renamed,
    unrelated,
    evil_merge,
    false_claims,
    there_and_back,
)
"""Every kind of push."""


def nothing(h: History) -> str:
    """No later work."""
    return h.after


def other_work(h: History) -> str:
    """Later commits of any kind, which may touch the same parts."""
    return h.work(h.after, h.rng.randint(1, 3))


def same_part(h: History) -> str:
    """A later change of a part that the push changed, if it changed one."""
    before, after = h.state(h.before), h.state(h.after)
    for key, file in sorted(after.items()):
        old = before.get(key)
        parts = [n for n in range(PARTS) if old is not None and old.parts[n] != file.parts[n]]
        if parts:
            return h.edit(h.after, key=key, part=parts[0])
    return h.edit(h.after)


def undone_by_hand(h: History) -> str:
    """Somebody went back to the state before the push, without a word about it, and worked on."""
    return h.work(h.commit(h.state(h.before), h.after, message="Fix\n"), h.rng.randint(0, 1))


def undone_in_part(h: History) -> str:
    """Somebody restored one of the changed files."""
    before, after = h.state(h.before), h.state(h.after)
    changed = [key for key in sorted(after) if key in before and before[key] != after[key]]
    if changed and before[changed[0]].name == after[changed[0]].name:
        after[changed[0]] = before[changed[0]]
    return h.commit(after, h.after, message="Fix a part\n")


def undone_and_applied_again(h: History) -> str:
    """Somebody reverted the last commit of the push, and somebody else applied it again."""
    parent = h.revisions[h.after].parents[0]
    undone = h.commit(h.state(parent), h.after, message=f"Undo\n\nThis reverts commit {h.after}.\n")
    return h.commit(h.state(h.after), undone, message="Apply again\n")


def claimed(h: History) -> str:
    """A later commit claims to revert the push, and changes something else."""
    return h.edit(h.after, message=f"Trust me\n\nThis reverts commit {h.after}.\n\nGhmlops-Reverts: {h.after}\n")


def merged_work(h: History) -> str:
    """A colleague's branch from before the push was merged later."""
    colleague = h.work(h.before, h.rng.randint(1, 2))
    return h.merge([h.after, colleague], h.before, h.after)


def renamed_later(h: History) -> str:
    """A file that the push changed was renamed later."""
    before, after = h.state(h.before), h.state(h.after)
    changed = [key for key in sorted(after) if before.get(key) != after[key]]
    return h.rename(h.after, h.rng.choice(changed) if changed else None)


def deleted_later(h: History) -> str:
    """A file was deleted later."""
    return h.delete(h.after)


def like_in_between(h: History) -> str:
    """Later work that gives the parts of one file values which they had during the push."""
    state = h.state(h.after)
    pushed = sorted(h.ancestors(h.after) - h.ancestors(h.before))
    choices = [
        (key, file)
        for sha in pushed
        for key, file in sorted(h.state(sha).items())
        if key in state and file.name == state[key].name and file != state[key]
    ]
    if choices:
        key, file = h.rng.choice(choices)
        state[key] = file
    return h.commit(state, h.after)


LATER = (
    nothing,
    other_work,
    same_part,
    undone_by_hand,
    undone_in_part,
    undone_and_applied_again,
    claimed,
    merged_work,
    renamed_later,
    deleted_later,
    like_in_between,
)
"""Every kind of later work."""


def generate() -> list[History]:
    """Return the corpus: every kind of push with every kind of later work, from fixed seeds."""
    histories: list[History] = []
    for push in PUSHES:
        for later in LATER:
            history = start(f"{push.__name__}-{later.__name__}", seed=len(histories))
            history.after = push(history)
            history.tip = history.after
            history.tip = later(history)
            histories.append(history)
    return histories
