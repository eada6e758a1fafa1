"""Bare remotes and clones for tests of git writes, with the real git but without the configuration of this machine."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

GIT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
}


@dataclass(frozen=True)
class Repo:
    """One repository; `git()` is the git of the test, not the client under test."""

    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        """Environment for the code under test: a home folder without configuration."""
        home = self.folder.parent / "home"
        home.mkdir(exist_ok=True)
        return {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": os.environ.get("TMPDIR", "/tmp")}

    def git(self, *args: str, stdin: str = "") -> str:
        """Run git and return its trimmed output."""
        result = subprocess.run(
            ["git", *args],
            cwd=self.folder,
            env={**os.environ, **GIT},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert result.returncode == 0, f"git {args}: {result.stderr}"
        return result.stdout.strip()

    def commit(self, message: str, files: dict[str, str | None]) -> str:
        """Write files (`None` deletes one), commit, and return the full id of the commit."""
        for name, content in files.items():
            path = self.folder / name
            if content is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
        self.git("add", "-A")
        self.git("commit", "--quiet", "--allow-empty", "-F", "-", "--cleanup=verbatim", stdin=message)
        return self.git("rev-parse", "HEAD")

    def push(self) -> None:
        """Push the current branch to `origin`."""
        self.git("push", "--quiet", "origin", "HEAD")

    def tree(self, commit: str) -> str:
        """Return the id of the tree of a commit."""
        return self.git("rev-parse", f"{commit}^{{tree}}")

    def message(self, commit: str) -> str:
        """Return the message of a commit."""
        return self.git("log", "-1", "--format=%B", commit)

    def state(self) -> tuple[str, ...]:
        """Return everything of a checkout that a command must not change."""
        files = sorted(p for p in self.folder.rglob("*") if p.is_file() and ".git" not in p.parts)
        index = (self.folder / ".git" / "index").read_bytes().hex()
        refs = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        local_refs = "\n".join(ref for ref in refs if not ref.startswith("refs/remotes/"))  # a push updates these
        trees = self.git("worktree", "list")
        head = (self.folder / ".git" / "HEAD").read_text()
        return (index, local_refs, trees, head, self.git("stash", "list"), *(f"{p} {p.read_text()}" for p in files))


def make_remote(folder: Path) -> Repo:
    """Return a bare repository whose default branch is `main`."""
    folder.mkdir(parents=True)
    remote = Repo(folder)
    remote.git("init", "--quiet", "--bare", "--initial-branch=main")
    return remote


def clone(remote: Repo, folder: Path, *options: str) -> Repo:
    """Clone a remote into `folder`, where it is called `origin`."""
    Repo(remote.folder.parent).git("clone", "--quiet", *options, f"file://{remote.folder}", str(folder))
    return Repo(folder)
