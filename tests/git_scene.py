"""Where tests of the revert play: a remote, the user's clone of it, and the revert as the command calls it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ghmlops.act.git.revert import Ended, Request, revert
from ghmlops.clients.git.client import open_repository
from ghmlops.core.revert.plan import Grounds, parse_spec
from git_sandbox import Repo, clone, make_remote

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.act.git.publish import Forge

LINES = "".join(f"line {i}\n" for i in range(20))


@dataclass
class Scene:
    """Where a test plays: `work` is the user's clone."""

    home: Path
    remote: Repo
    work: Repo
    notes: list[str] = field(default_factory=list)

    def revert(
        self,
        commit: str,
        *,
        asked: Grounds | None = None,
        forge: Forge | None = None,
        at: Repo | None = None,
        **given: Any,
    ) -> Ended:
        """Run the revert of the code under test for a person, unless `asked` says otherwise."""
        where = at or self.work
        environ = given.pop("environ", where.environ)
        request = Request(
            spec=parse_spec(commit),
            asked=asked or Grounds(by_person=True, reason="it is slow"),
            temp=str(self.home / "temp"),
            **given,
        )
        return revert(open_repository(where.folder, environ), request, forge=forge, note=self.notes.append)

    def tip(self, branch: str = "main") -> str:
        """Return where the remote's branch is."""
        return self.remote.git("rev-parse", f"refs/heads/{branch}")

    def clone(self, name: str, *options: str) -> Repo:
        """Return another clone."""
        return clone(self.remote, self.home / name, *options)


def make_scene(home: Path) -> Scene:
    """Return a remote whose `main` holds one commit with 20 lines, and a clone with it checked out."""
    remote = make_remote(home / "remote.git")
    work = clone(remote, home / "work")
    work.git("checkout", "--quiet", "-B", "main")
    work.commit("Begin", {"a.txt": LINES, "b.txt": "b\n"})
    work.push()
    (home / "temp").mkdir()
    return Scene(home=home, remote=remote, work=work)
