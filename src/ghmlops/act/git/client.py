"""One way to run git: no hooks, no prompts, no settings from the environment, bounded in time, ended when we end."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import signal
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from ghmlops.core.errors import GitError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

LOCAL_SECONDS = 120.0
REMOTE_SECONDS = 600.0
SHORTEST_SECRET = 8
_KEPT = ("GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH")
"""The only variables of git that are handed on; GIT_DIR, GIT_CONFIG_*, GIT_TRACE* and all others are dropped."""
_SETTINGS = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("commit.gpgSign", "false"),
    ("push.gpgSign", "false"),
    ("push.followTags", "false"),
    ("push.recurseSubmodules", "no"),
    ("fetch.recurseSubmodules", "false"),
    ("submodule.recurse", "false"),
    ("rerere.enabled", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("core.quotePath", "false"),
)
_CREDENTIALS = re.compile(r"(://)[^/@\s]+@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a git command gave."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """git in one folder with one environment."""

    cwd: Path
    environ: Mapping[str, str]
    secrets: tuple[str, ...] = ()
    """Texts that are never shown."""

    def run(self, *args: str, stdin: str = "", seconds: float = LOCAL_SECONDS) -> Done:
        """Run git and return what it gave, whatever the exit code.

        Raises:
            GitError: git is not installed, or did not end in time.
        """
        with _started(self.cwd, self.environ, args) as process:
            try:
                out, err = process.communicate(stdin.encode(), timeout=seconds)
            except subprocess.TimeoutExpired:
                raise GitError(
                    f"`git {args[0]}` did not end within {seconds:g} s", hint="is the remote reachable?"
                ) from None
        return Done(code=process.returncode, out=self._shown(out), err=self._shown(err))

    def read(self, *args: str, stdin: str = "", seconds: float = LOCAL_SECONDS) -> str:
        """Return the output of a command that has to succeed, without the line end.

        Raises:
            GitError: it failed; the message has git's own words.
        """
        done = self.run(*args, stdin=stdin, seconds=seconds)
        if done.code != 0:
            raise failure(args[0], done)
        return done.out.rstrip("\n")

    def test(self, *args: str) -> bool:
        """Return True where the command exits with 0."""
        return self.run(*args).code == 0

    def at(self, cwd: Path, extra: Mapping[str, str] | None = None) -> Git:
        """Return the same git in another folder, with more variables."""
        return Git(cwd=cwd, environ={**self.environ, **(extra or {})}, secrets=self.secrets)

    def _shown(self, data: bytes) -> str:
        text = _CREDENTIALS.sub(r"\1", data.decode("utf-8", "replace"))
        for secret in self.secrets:
            if len(secret) >= SHORTEST_SECRET:  # hiding one letter would spoil every answer and protect nothing
                text = text.replace(secret, "***")
        return text


def failure(what: str, done: Done, hint: str = "") -> GitError:
    """Return the error for a git command that failed, in git's own words."""
    lines = [line for line in done.err.splitlines() if line.startswith(("fatal:", "error:", "remote:"))]
    said = " ".join(" ".join(lines or done.err.splitlines()).split())[:600]
    if re.search(r"Authentication failed|could not read Username|could not read Password", done.err):
        hint = "give a token with `contents: write` as the input `token`, or check out with credentials"
    return GitError(f"git {what}: {said or f'exit status {done.code}'}", hint=hint or "run it by hand to see more")


def open_repository(cwd: Path, environ: Mapping[str, str]) -> Git:
    """Return git for the repository around `cwd`.

    Raises:
        GitError: there is none, or git is not installed.
    """
    git = Git(cwd=cwd, environ=_environment(environ))
    done = git.run("rev-parse", "--git-dir")
    if done.code != 0:
        raise failure("rev-parse", done, hint="run inside a git checkout (actions/checkout comes before this step)")
    return git


def remote_urls(git: Git, remote: str) -> tuple[str, ...]:
    """Return the addresses that `remote` is fetched from and pushed to.

    Raises:
        InputError: there is no such remote.
    """
    found = [git.run("remote", "get-url", *option, "--", remote) for option in ((), ("--push",))]
    if any(done.code != 0 for done in found):
        known = git.run("remote").out.split()
        raise InputError(
            f"there is no remote `{remote}`", hint=f"known here: {', '.join(known)}" if known else "git remote add"
        )
    return tuple(dict.fromkeys(done.out.strip() for done in found))


def with_token(git: Git, token: str, urls: tuple[str, ...]) -> Git:
    """Return git that shows `token` to these http(s) addresses and to no others.

    The header travels in the environment of git alone: not in arguments that others can list, not on disk. A header
    that an earlier step stored for the same host is replaced, because GitHub refuses two.
    """
    web = [url for url in urls if urlsplit(url).scheme in ("http", "https")]
    if not token or not web:
        return git
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    settings: list[tuple[str, str]] = [("http.followRedirects", "false")]
    for url in web:
        parts = urlsplit(url)
        bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        settings += [(f"http.{bare}.extraHeader", ""), (f"http.{bare}.extraHeader", f"Authorization: Basic {basic}")]
    environ = {**git.environ, **_as_variables((*_SETTINGS, *settings))}
    return Git(cwd=git.cwd, environ=environ, secrets=(*git.secrets, token, basic))


def _as_variables(settings: tuple[tuple[str, str], ...]) -> dict[str, str]:
    found = {"GIT_CONFIG_COUNT": str(len(settings))}
    for place, (key, value) in enumerate(settings):
        found[f"GIT_CONFIG_KEY_{place}"], found[f"GIT_CONFIG_VALUE_{place}"] = key, value
    return found


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    kept = {k: v for k, v in environ.items() if (not k.startswith("GIT_") or k in _KEPT) and k != "GHMLOPS_TOKEN"}
    return {
        **kept,
        **_as_variables(_SETTINGS),
        "LC_ALL": "C",
        "LANGUAGE": "",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "SSH_ASKPASS_REQUIRE": "never",
        "GIT_PAGER": "cat",
        "GIT_EDITOR": "true",
        "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
    }


@contextlib.contextmanager
def _started(cwd: Path, environ: Mapping[str, str], args: tuple[str, ...]) -> Iterator[subprocess.Popen[bytes]]:
    try:
        process = subprocess.Popen(
            ["git", *args],
            cwd=cwd,
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # its own group, so that its transport helpers end with it; and no terminal
        )
    except FileNotFoundError:
        raise GitError("git is not installed", hint="install git 2.30 or newer") from None
    except OSError as error:
        raise GitError(f"git cannot be started in {cwd}: {error.strerror}", hint="check the folder") from None
    with process:
        try:
            yield process
        except BaseException:
            _end_group(process)
            raise


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End git and its helpers: politely first, so that it removes its lock files."""
    for how, grace in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # helpers that outlived it
