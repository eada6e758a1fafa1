"""The bytes of an artifact: GitHub sends to a store with a signed address, which gets no token and is shown nowhere."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urljoin, urlsplit

import requests
from github import GithubException

from ghmlops import __version__
from ghmlops.act.github.artifacts import READ
from ghmlops.act.github.client import TIMEOUT, Client, ask
from ghmlops.act.github.refusals import TRANSIENT
from ghmlops.core.errors import GitHubError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ghmlops.act.github.artifacts import Artifact

MAX_BYTES = 8 * 1024**3
"""Of the archive; a runner has about twice as much free."""
REDIRECTS = 3
"""From the store's first address to the bytes."""
_CHUNK = 1024 * 1024
_AGENT = f"ghmlops/{__version__}"


def download(
    client: Client, artifact: Artifact, to: Path, progress: Callable[[str], None], *, limit: int = MAX_BYTES
) -> None:
    """Write the archive of an artifact to the file `to`, which must not exist; nothing is left of a part of it.

    Args:
        client: the connection.
        artifact: as `locate` found it.
        to: file to be made.
        progress: told how much has come.
        limit: most bytes.

    Raises:
        GitHubError: it is larger than `limit`, expired, came damaged, or was refused.
        InputError: the file cannot be written.
    """
    if artifact.size_in_bytes > limit:
        raise _too_large(artifact, limit)
    done = False
    try:
        ask(
            client,
            lambda: _save(client, artifact, to, progress, limit),
            doing=f"downloading artifact {artifact.name}",
            need=READ,
        )
        done = True
    finally:
        if not done:
            to.unlink(missing_ok=True)


def _save(client: Client, artifact: Artifact, to: Path, progress: Callable[[str], None], limit: int) -> None:
    with requests.Session() as session:
        session.auth = _unchanged  # else a .netrc would have its say, for both hosts
        with _open(session, _signed(session, client, artifact), artifact) as answer:
            digest = _write(answer, artifact, to, progress, limit)
    if artifact.digest and artifact.digest.startswith("sha256:") and artifact.digest != f"sha256:{digest}":
        raise GitHubError(
            f"artifact {artifact.name} came damaged: its bytes are not those GitHub tells the SHA-256 of",
            hint="run the job again",
            reason_code="artifact-damaged",
        )


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _signed(session: requests.Session, client: Client, artifact: Artifact) -> str:
    """Return the address at the store.

    Raises:
        GithubException: GitHub refused.
        ValueError: the answer is no redirect to a place that may be asked.
    """
    base = client.api.requester.base_url
    answer = session.get(
        f"{base}/repos/{client.repository}/actions/artifacts/{artifact.id}/zip",
        headers={"Authorization": f"Bearer {client.secret}", "User-Agent": _AGENT},
        allow_redirects=False,
        timeout=TIMEOUT,
    )
    if answer.status_code == 410:
        raise GitHubError(
            f"artifact {artifact.name} has expired (410)",
            hint="run its workflow again, and raise its `retention-days`",
            reason_code="artifact-expired",
        )
    if answer.status_code != 302:
        _refused(answer)
    return _allowed(answer.headers.get("Location", ""), answer.url)


def _refused(answer: requests.Response) -> NoReturn:
    if answer.status_code < 400:
        raise ValueError(f"status {answer.status_code}")
    try:
        said = answer.json()
    except ValueError:  # a proxy's page
        said = {}
    raise GithubException(answer.status_code, said, {k.lower(): v for k, v in answer.headers.items()})


def _allowed(location: str, origin: str) -> str:
    """Return the address that an answer of `origin` leads to, if it may be asked: never from https to less."""
    address = urljoin(origin, location)
    parts = urlsplit(address)
    if not location or not parts.hostname or parts.scheme not in ("https", urlsplit(origin).scheme):
        raise ValueError("no address to download from")
    return address


def _open(session: requests.Session, address: str, artifact: Artifact) -> requests.Response:
    """Ask the store, whose addresses are secrets: errors name the host alone."""
    for _ in range(REDIRECTS + 1):
        try:
            answer = session.get(
                address,
                headers={"User-Agent": _AGENT, "Accept-Encoding": "identity"},
                allow_redirects=False,
                stream=True,
                timeout=TIMEOUT,
            )
        except requests.RequestException as error:
            raise _broken(error, address) from None
        if answer.status_code == 200:
            return answer
        answer.close()
        if answer.status_code in TRANSIENT:
            raise GithubException(answer.status_code, {"message": f"the store at {_host(address)} failed"}, {})
        if answer.status_code not in (301, 302, 303, 307, 308):
            raise GitHubError(
                f"the store at {_host(address)} did not give artifact {artifact.name} ({answer.status_code})",
                hint="run the job again; if it stays so, the artifact was deleted",
            )
        address = _allowed(answer.headers.get("Location", ""), address)
    raise ValueError("too many redirects")


def _write(answer: requests.Response, artifact: Artifact, to: Path, progress: Callable[[str], None], limit: int) -> str:
    """Write the body to `to`, and return its SHA-256 in hexadecimal."""
    digest, size = hashlib.sha256(), 0
    try:
        with to.open("wb") as stream:
            for chunk in answer.iter_content(_CHUNK):
                size += len(chunk)
                if size > limit:
                    raise _too_large(artifact, limit)
                digest.update(chunk)
                stream.write(chunk)
                progress(f"downloading artifact {artifact.name}: {size / _CHUNK:,.0f} MiB")
    except requests.RequestException as error:
        raise _broken(error, answer.url) from None
    except OSError as error:
        raise InputError(
            f"cannot write {to.name} in {to.parent}: {error.strerror}", hint="is there room on the disk?"
        ) from None
    return digest.hexdigest()


def _broken(error: requests.RequestException, address: str) -> requests.RequestException:
    """Return the error without the address, which holds a signature."""
    kind = requests.Timeout if isinstance(error, requests.Timeout) else requests.ConnectionError
    return kind(f"the connection to the store at {_host(address)} broke")


def _host(address: str) -> str:
    return urlsplit(address).hostname or "an unknown host"


def _too_large(artifact: Artifact, limit: int) -> GitHubError:
    return GitHubError(
        f"artifact {artifact.name} is larger than {limit:,} bytes",
        hint="upload the predictions alone; columns that nothing compares can stay out",
        reason_code="artifact-too-large",
    )
