"""Addresses of a remote, and authentication with a token."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from ghmlops.clients.git.client import Git
from ghmlops.clients.git.environment import SETTINGS, config_variables
from ghmlops.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence


def remote_urls(git: Git, remote: str) -> tuple[str, ...]:
    """Return the addresses that `remote` is fetched from and pushed to.

    Raises:
        InputError: There is no such remote.
    """
    results = [git.run("remote", "get-url", *option, "--", remote) for option in ((), ("--push",))]
    if any(result.exit_code != 0 for result in results):
        names = git.run("remote").stdout.split()
        raise InputError(
            f"there is no remote `{remote}`",
            hint=f"the repository has: {', '.join(names)}" if names else "add it with `git remote add`",
        )
    return tuple(dict.fromkeys(result.stdout.strip() for result in results))


def with_token(git: Git, token: str, urls: Sequence[str]) -> Git:
    """Return git that authenticates with `token` to these http(s) addresses and to no others.

    The header is passed in the environment of git only: not in arguments, which other processes can list, and not on
    disk. A header that an earlier step stored for the same host is replaced, because GitHub rejects two.

    Args:
        git: git without credentials.
        token: Token for the remote; without one, `git` is returned as it is.
        urls: Addresses of the remote.
    """
    http_urls = [url for url in urls if urlsplit(url).scheme in ("http", "https")]
    if not token or not http_urls:
        return git
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    settings: list[tuple[str, str]] = [("http.followRedirects", "false")]
    for url in http_urls:
        parts = urlsplit(url)
        address = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        header = f"http.{address}.extraHeader"
        settings += [(header, ""), (header, f"Authorization: Basic {basic}")]
    environ = {**git.environ, **config_variables((*SETTINGS, *settings))}
    return Git(cwd=git.cwd, environ=environ, secrets=(*git.secrets, token, basic))
