"""Two revert commits on the first commit of a branch, as a planned revert hands them to GitHub's API."""

from __future__ import annotations

from ghmlops.core.revert.api_commit import ApiCommit, FileChange
from github_api import objects
from github_api.state import State

REPOSITORY, BAD, GOOD = "acme/shop", "bad\n", "good\n"
FILES = {"a.txt": BAD, "b/c.txt": BAD}
"""Files of the first commit; each commit of the revert restores one of them."""


def _planned() -> tuple[str, tuple[ApiCommit, ...]]:
    """Return the tip of the branch, and the commits."""
    state = State()
    state.seed({"repositories": {REPOSITORY: {"files": FILES}}})
    commits, files = [], dict(FILES)
    for path in FILES:
        trees = []
        for content in (BAD, GOOD):
            files[path] = content
            blobs = {p: ("100644", objects.write(state, REPOSITORY, "blob", c.encode())) for p, c in files.items()}
            trees.append(objects.write_tree(state, REPOSITORY, blobs))
        blob = objects.write(state, REPOSITORY, "blob", GOOD.encode())
        commits.append(
            ApiCommit(
                message=f'Revert "{path}"\n\nThis reverts it.\n\nGhmlops-Reverts: {"a" * 40}\n',
                base_tree=trees[0],
                tree=trees[1],
                changes=(FileChange(path, "100644", "100644", blob),),
                contents={blob: GOOD.encode()},
            )
        )
    return state.repositories[REPOSITORY]["refs"]["heads/main"], tuple(commits)


TIP, COMMITS = _planned()
