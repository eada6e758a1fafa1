"""A remote and the user's clone of it, for tests of the revert."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ghmlops.act.git import selection
from ghmlops.act.git.revert import Request, RevertResult, revert
from ghmlops.clients.git.client import open_repository
from ghmlops.core.revert.grounds import Grounds
from ghmlops.core.revert.spec import parse_spec
from git_sandbox import Repo, clone, make_remote

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.act.git.publish import Forge

LINES = "".join(f"line {i}\n" for i in range(20))


@dataclass
class Scene:
    """A bare remote and clones of it."""

    home: Path
    """Folder of the test."""
    remote: Repo
    work: Repo
    """The user's clone."""
    notes: list[str] = field(default_factory=list)
    """Notes that reverts reported to the user."""

    def revert(
        self,
        commit: str,
        *,
        grounds: Grounds | None = None,
        forge: Forge | None = None,
        repo: Repo | None = None,
        **options: Any,
    ) -> RevertResult:
        """Revert a commit in `repo` (by default the user's clone), by default on the grounds of a person's reason."""
        repo = repo or self.work
        environ = options.pop("environ", repo.environ)
        choice = {name: options.pop(name) for name in ("merged", "tip_before", "single_commit") if name in options}
        request = Request(
            selection=selection.Request(
                spec=parse_spec(commit), grounds=grounds or Grounds(by_person=True, reason="it is slow"), **choice
            ),
            temp=str(self.home / "temp"),
            **options,
        )
        return revert(open_repository(repo.folder, environ), request, forge=forge, note=self.notes.append)

    def tip(self, branch: str = "main") -> str:
        """Return the tip of a branch on the remote."""
        return self.remote.git("rev-parse", f"refs/heads/{branch}")

    def clone(self, name: str, *options: str) -> Repo:
        """Return another clone of the remote."""
        return clone(self.remote, self.home / name, *options)


def make_scene(home: Path) -> Scene:
    """Return a remote whose `main` has one commit with a file of 20 lines, and a clone that has checked it out."""
    remote = make_remote(home / "remote.git")
    work = clone(remote, home / "work")
    work.git("checkout", "--quiet", "-B", "main")
    work.commit("Begin", {"a.txt": LINES, "b.txt": "b\n"})
    work.push()
    (home / "temp").mkdir()
    return Scene(home=home, remote=remote, work=work)
