"""The one way to run git: safe environment, time limit, bounded output, secrets redacted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ghmlops.clients.git.environment import safe_environment
from ghmlops.clients.git.process import OutputTooLarge, run_process
from ghmlops.core.errors import GitError
from ghmlops.core.text.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCAL_TIMEOUT = 120.0
"""Seconds for a command that works on the local repository only."""
REMOTE_TIMEOUT = 600.0
"""Seconds for a command that talks to a remote."""
MESSAGE_LIMIT = 600
"""Maximum characters of git's own message that are repeated."""
_CREDENTIALS = re.compile(r"(://)[^/@\s]+@")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitResult:
    """The result of a git command; both outputs are decoded and without secrets."""

    exit_code: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """git in one folder with one environment."""

    cwd: Path
    environ: Mapping[str, str]
    """All variables of the process; see `safe_environment`."""
    secrets: tuple[str, ...] = ()
    """Texts that are redacted in every output."""

    def run(self, *args: str, stdin: str = "", timeout: float = LOCAL_TIMEOUT) -> GitResult:
        """Run git and return its result, whatever the exit code.

        Raises:
            GitError: git is not installed, did not finish in time, or wrote too much.
        """
        exit_code, stdout, stderr = run_process(
            args, cwd=self.cwd, environ=self.environ, stdin=stdin.encode(), timeout=timeout
        )
        return GitResult(exit_code=exit_code, stdout=self._redacted(stdout), stderr=self._redacted(stderr))

    def read(self, *args: str, stdin: str = "", timeout: float = LOCAL_TIMEOUT) -> str:
        """Return the output of a command that must succeed, without trailing line breaks.

        Raises:
            GitError: The command failed; the message contains git's own.
        """
        result = self.run(*args, stdin=stdin, timeout=timeout)
        if result.exit_code != 0:
            raise command_error(args[0], result)
        return result.stdout.rstrip("\n")

    def query(self, *args: str, timeout: float = LOCAL_TIMEOUT) -> str | None:
        """Return the exact output of a read-only command, or `None` if it fails. Nothing is redacted in it.

        Raises:
            OutputTooLarge: git wrote more than may be kept in memory, so that "no output" would be wrong.
        """
        try:
            exit_code, stdout, _ = run_process(args, cwd=self.cwd, environ=self.environ, stdin=b"", timeout=timeout)
        except OutputTooLarge:
            raise
        except GitError:
            return None
        return stdout.decode("utf-8", "replace") if exit_code == 0 else None

    def succeeds(self, *args: str) -> bool:
        """Return whether a command exits with 0."""
        return self.run(*args).exit_code == 0

    def in_folder(self, cwd: Path, variables: Mapping[str, str] | None = None) -> Git:
        """Return the same git in another folder, with additional environment variables."""
        return Git(cwd=cwd, environ={**self.environ, **(variables or {})}, secrets=self.secrets)

    def _redacted(self, data: bytes) -> str:
        return redact(_CREDENTIALS.sub(r"\1", data.decode("utf-8", "replace")), self.secrets)


def command_error(command: str, result: GitResult, hint: str = "") -> GitError:
    """Return the error for a failed git command, with git's own message."""
    stderr_lines = result.stderr.splitlines()
    lines = [line for line in stderr_lines if line.startswith(("fatal:", "error:", "remote:"))]
    message = " ".join(" ".join(lines or stderr_lines).split())[:MESSAGE_LIMIT]
    if re.search(r"Authentication failed|could not read Username|could not read Password", result.stderr):
        hint = "pass a token with `contents: write` as the input `token`, or check out with credentials"
    return GitError(
        f"git {command}: {message or f'exit status {result.exit_code}'}", hint=hint or "run it by hand to see more"
    )


def open_repository(cwd: Path, environ: Mapping[str, str]) -> Git:
    """Return git for the repository that contains `cwd`, at the top of its work tree.

    In a subfolder, `ls-tree` and limits by path would be relative to it: a freeze file at the top would be missed.

    Raises:
        GitError: There is no repository, or git is not installed.
    """
    git = Git(cwd=cwd, environ=safe_environment(environ))
    result = git.run("rev-parse", "--git-dir")
    if result.exit_code != 0:
        hint = "run inside a git checkout (actions/checkout comes before this step)"
        raise command_error("rev-parse", result, hint=hint)
    top = git.run("rev-parse", "--show-toplevel")  # fails in a bare repository, which has no subfolders
    return git.in_folder(Path(top.stdout.rstrip("\n"))) if top.exit_code == 0 else git
