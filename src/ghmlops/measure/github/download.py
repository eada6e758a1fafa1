"""Downloads an artifact.

GitHub redirects to a store with a signed address. The store receives no token, and its address appears in no message.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import requests

from ghmlops import __version__
from ghmlops.clients.github.calls import send, url_of
from ghmlops.clients.github.transport import MAX_REDIRECTS, Misdirected, OutOfTime, Rejected, exchange
from ghmlops.clients.retry import TRANSIENT_STATUSES
from ghmlops.core.errors import GitHubError, InputError
from ghmlops.measure.github.runs import READ

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ghmlops.clients.github.client import Client
    from ghmlops.measure.github.artifacts import Artifact

MAX_BYTES = 8 * 1024**3
"""Maximum bytes of an archive; a runner has about twice as much free disk space."""
_CHUNK = 1024 * 1024
_USER_AGENT = f"ghmlops/{__version__}"


def download(
    client: Client, artifact: Artifact, path: Path, progress: Callable[[str], None], *, max_bytes: int = MAX_BYTES
) -> str:
    """Write the archive of an artifact to a new file; if anything fails, no file is left.

    Args:
        client: The connection.
        artifact: The artifact that `locate` returned.
        path: The file, which must not exist.
        progress: Reports the amount downloaded so far.
        max_bytes: Maximum bytes of the archive.

    Returns:
        SHA-256 of the archive in hexadecimal, which was compared with the one that GitHub reports.

    Raises:
        GitHubError: The archive is larger than `max_bytes`, expired or damaged, or the request was rejected.
        InputError: The file cannot be written.
    """
    if artifact.size_in_bytes > max_bytes:
        raise _too_large(artifact, max_bytes)
    completed = False
    try:
        digest = send(
            client,
            lambda: _download_once(client, artifact, path, progress, max_bytes),
            activity=f"downloading artifact {artifact.name}",
            permission=READ,
        )
        completed = True
    finally:
        if not completed:
            path.unlink(missing_ok=True)
    return digest


def _download_once(
    client: Client, artifact: Artifact, path: Path, progress: Callable[[str], None], max_bytes: int
) -> str:
    address = _signed_address(client, artifact)
    # A session of its own: the store must receive neither the token nor a cookie of the API.
    with requests.Session() as session:
        # Without this hook, the session would use passwords of a .netrc file.
        session.auth = _unchanged
        with _open(client, session, address, artifact) as response:
            digest = _write(client, response, artifact, path, progress, max_bytes)
    if artifact.digest and artifact.digest.startswith("sha256:") and artifact.digest != f"sha256:{digest}":
        raise GitHubError(
            f"artifact {artifact.name} is damaged: its SHA-256 differs from the one that GitHub reports",
            hint="run the job again",
            reason_code="artifact-damaged",
        )
    return digest


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _signed_address(client: Client, artifact: Artifact) -> str:
    """Return the address of the archive in the store.

    Raises:
        Rejected: GitHub rejected the request.
        Misdirected: The response is not a redirect to an allowed address.
    """
    url = url_of(client, f"actions/artifacts/{artifact.id}/zip")
    try:
        reply = exchange(client, "GET", url, expect_redirect=True)
    except Rejected as rejection:
        if rejection.status != 410:
            raise
        raise GitHubError(
            f"artifact {artifact.name} has expired (410)",
            hint="run its workflow again, and raise its `retention-days`",
            reason_code="artifact-expired",
        ) from None
    if reply.status != 302:
        raise Misdirected(f"status {reply.status}")
    return _allowed_address(reply.headers.get("location", ""), url)


def _allowed_address(location: str, origin: str) -> str:
    """Return the address that a response of `origin` redirects to; a redirect from https to http is not allowed.

    Raises:
        Misdirected: The address is not allowed.
    """
    try:
        address = urljoin(origin, location)
        parts = urlsplit(address)
        usable = bool(location and parts.hostname) and parts.scheme in ("https", urlsplit(origin).scheme)
    except ValueError:
        usable = False
    if not usable:
        raise Misdirected("no address to download from")
    return address


def _open(client: Client, session: requests.Session, address: str, artifact: Artifact) -> requests.Response:
    """Request the archive from the store. Its addresses contain signatures, so errors name the host only."""
    for _ in range(MAX_REDIRECTS + 1):
        if (remaining := client.remaining()) <= 0:
            raise OutOfTime
        try:
            response = session.get(
                address,
                headers={"User-Agent": _USER_AGENT, "Accept-Encoding": "identity"},
                allow_redirects=False,
                stream=True,
                timeout=min(client.timeout, remaining),
            )
        except requests.RequestException as error:
            raise _connection_error(error, address) from None
        if response.status_code == 200:
            return response
        response.close()
        if response.status_code in (*TRANSIENT_STATUSES, 429):
            headers = {name.lower(): value for name, value in response.headers.items()}
            raise Rejected(response.status_code, {"message": f"the store at {_host(address)} failed"}, headers)
        if response.status_code not in (301, 302, 303, 307, 308):
            raise GitHubError(
                f"the store at {_host(address)} did not send artifact {artifact.name} ({response.status_code})",
                hint="run the job again; if the error persists, the artifact was deleted",
            )
        address = _allowed_address(response.headers.get("Location", ""), address)
    raise Misdirected("too many redirects")


def _write(  # noqa: PLR0913, PLR0917  (the parts of one download)
    client: Client,
    response: requests.Response,
    artifact: Artifact,
    path: Path,
    progress: Callable[[str], None],
    max_bytes: int,
) -> str:
    """Write the body to `path` and return its SHA-256 in hexadecimal."""
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("wb") as stream:
            for chunk in response.iter_content(_CHUNK):
                if client.remaining() <= 0:
                    raise OutOfTime
                size += len(chunk)
                if size > max_bytes:
                    raise _too_large(artifact, max_bytes)
                digest.update(chunk)
                stream.write(chunk)
                progress(f"downloading artifact {artifact.name}: {size / _CHUNK:,.0f} MiB")
    except requests.RequestException as error:
        raise _connection_error(error, response.url) from None
    except OSError as error:
        raise InputError(
            f"cannot write {path.name} in {path.parent}: {error.strerror}", hint="is there free disk space?"
        ) from None
    return digest.hexdigest()


def _connection_error(error: requests.RequestException, address: str) -> requests.RequestException:
    """Return the same kind of error without the address, which contains a signature."""
    kind = requests.Timeout if isinstance(error, requests.Timeout) else requests.ConnectionError
    return kind(f"the connection to the store at {_host(address)} broke")


def _host(address: str) -> str:
    return urlsplit(address).hostname or "an unknown host"


def _too_large(artifact: Artifact, max_bytes: int) -> GitHubError:
    return GitHubError(
        f"artifact {artifact.name} is larger than {max_bytes:,} bytes",
        hint="upload only the predictions; columns that are not compared can be left out",
        reason_code="artifact-too-large",
    )
