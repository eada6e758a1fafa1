"""Git objects of the repositories: kept in memory and, for a repository with a git folder, written there as well."""

from __future__ import annotations

import hashlib
import subprocess
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from github_api.state import State

EPOCH = 1_700_000_000
"""Time of the first commit of a seed, in seconds; each commit that a request creates has another one."""


class Commit(NamedTuple):
    """A commit object."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    message: str


Files = dict[str, tuple[str, str]]
"""Path to mode and id."""


def write(state: State, repository: str, kind: str, data: bytes) -> str:
    """Store an object and return its id."""
    raw = b"%s %d\0" % (kind.encode(), len(data)) + data
    sha = hashlib.sha1(raw).hexdigest()  # noqa: S324  (git's ids)
    state.objects[sha] = (kind, data)
    if git_dir := state.repositories[repository]["git_dir"]:
        file = Path(git_dir, "objects", sha[:2], sha[2:])
        file.parent.mkdir(exist_ok=True)
        if not file.exists():
            file.write_bytes(zlib.compress(raw))
    return sha


def read(state: State, repository: str, sha: str) -> tuple[str, bytes] | None:
    """Return kind and content of an object; `None` if there is none."""
    if sha in state.objects:
        return state.objects[sha]
    git_dir = state.repositories[repository]["git_dir"]
    if not git_dir:
        return None
    done = subprocess.run(
        ["git", f"--git-dir={git_dir}", "cat-file", "--batch"],
        input=f"{sha}\n".encode(),
        capture_output=True,
        check=True,
    )
    head, _, rest = done.stdout.partition(b"\n")
    fields = head.decode().split()
    if len(fields) != 3:
        return None
    state.objects[sha] = (fields[1], rest[: int(fields[2])])
    return state.objects[sha]


def read_tree(state: State, repository: str, sha: str, prefix: str = "") -> Files:
    """Return the files of a tree."""
    stored = read(state, repository, sha)
    assert stored is not None, sha
    assert stored[0] == "tree", sha
    files: Files = {}
    data = stored[1]
    while data:
        head, _, data = data.partition(b"\0")
        mode, _, name = head.decode().partition(" ")
        child, data = data[:20].hex(), data[20:]
        if mode == "40000":
            files |= read_tree(state, repository, child, f"{prefix}{name}/")
        else:
            files[prefix + name] = (mode, child)
    return files


def write_tree(state: State, repository: str, files: Files) -> str:
    """Store the trees of files, and return the id of the top one."""
    entries: dict[str, tuple[str, str]] = {}
    folders: dict[str, Files] = {}
    for path, value in files.items():
        name, _, rest = path.partition("/")
        if rest:
            folders.setdefault(name, {})[rest] = value
        else:
            entries[name] = value
    entries |= {name: ("40000", write_tree(state, repository, inner)) for name, inner in folders.items()}
    order = sorted(entries, key=lambda name: f"{name}/" if entries[name][0] == "40000" else name)
    rows = (f"{entries[name][0]} {name}".encode() + b"\0" + bytes.fromhex(entries[name][1]) for name in order)
    return write(state, repository, "tree", b"".join(rows))


def write_commit(state: State, repository: str, commit: Commit, login: str, *, number: int = 0) -> str:
    """Store a commit and return its id; `number` makes its time different from that of others."""
    person = f"{login} <{login}@users.noreply.github.com> {EPOCH + number} +0000"
    parents = "".join(f"parent {parent}\n" for parent in commit.parents)
    text = f"tree {commit.tree}\n{parents}author {person}\ncommitter {person}\n\n{commit.message}"
    return write(state, repository, "commit", text.encode())


def read_commit(state: State, repository: str, sha: str) -> Commit | None:
    """Return a commit; `None` if there is none."""
    stored = read(state, repository, sha)
    if stored is None or stored[0] != "commit":
        return None
    header, _, message = stored[1].decode().partition("\n\n")
    fields = [line.partition(" ")[::2] for line in header.splitlines()]
    tree = next(value for key, value in fields if key == "tree")
    return Commit(sha, tree, tuple(value for key, value in fields if key == "parent"), message)


def is_ancestor(state: State, repository: str, ancestor: str, sha: str) -> bool:
    """Return whether `ancestor` is `sha` or one of its ancestors."""
    waiting, visited = [sha], set[str]()
    while waiting:
        current = waiting.pop()
        if current == ancestor:
            return True
        commit = read_commit(state, repository, current) if current not in visited else None
        visited.add(current)
        waiting += commit.parents if commit else ()
    return False


def set_ref(state: State, repository: str, ref: str, sha: str) -> None:
    """Point a reference, without `refs/`, to a commit."""
    row = state.repositories[repository]
    if row["git_dir"]:
        command = ["git", f"--git-dir={row['git_dir']}", "update-ref", f"refs/{ref}", sha]
        subprocess.run(command, check=True, capture_output=True)
    else:
        row["refs"][ref] = sha


def seed_branch(state: State, repository: str, files: dict[str, str], branch: str) -> str:
    """Create a first commit with text files on a branch and return it; the same files give the same commit."""
    blobs: Files = {
        path: ("100644", write(state, repository, "blob", content.encode())) for path, content in files.items()
    }
    commit = Commit("", write_tree(state, repository, blobs), (), "First\n")
    sha = write_commit(state, repository, commit, "octocat")
    set_ref(state, repository, f"heads/{branch}", sha)
    return sha


def branch_subjects(state: State) -> list[str]:
    """Return the first line of each commit of each branch, with the name of the branch."""
    subjects = []
    for name in state.repositories:
        for ref, tip in state.refs(name).items():
            commit = read_commit(state, name, tip)
            while commit is not None:
                subjects.append(f"{ref}: {commit.message.partition(chr(10))[0]}")
                commit = read_commit(state, name, commit.parents[0]) if commit.parents else None
    return subjects
