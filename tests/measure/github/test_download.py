"""The download of an artifact from a store on another host."""

from __future__ import annotations

import base64
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.clients.github.client import connect
from ghmlops.core.artifacts.spec import WorkflowSpec
from ghmlops.core.errors import GitHubError, InputError, PermissionMissing
from ghmlops.measure.github.artifacts import Artifact, locate
from ghmlops.measure.github.download import download

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ghmlops.clients.github.client import Client
    from github_api.server import Api

SHA = "c" * 40
ZIP = b"PK" + bytes(range(256)) * 5000
SIGNATURE = "sig=vErYsEcReT"


class Store(ThreadingHTTPServer):
    """A store that records the headers of its requests and serves the queued responses."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.headers: list[dict[str, str]] = []
        self.responses: list[tuple[int, dict[str, str], bytes]] = []

    def handle_error(self, *_: object) -> None:
        """Suppress errors of clients that close the connection."""

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server_address[1]}/blob?{SIGNATURE}"


class _Handler(BaseHTTPRequestHandler):
    server: Store

    def log_message(self, *_: object) -> None:
        """Suppress the log."""

    def do_GET(self) -> None:
        self.server.headers.append({k.lower(): v for k, v in self.headers.items()})
        responses = self.server.responses
        status, headers, body = responses.pop(0) if responses else (200, {}, ZIP)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def store() -> Iterator[Store]:
    """A store whose host name differs from that of the API."""
    server = Store()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(10)


def seed_artifact(api: Api, client: Client, location: str, **fields: Any) -> Artifact:
    """Add an artifact whose download redirects to `location`, and return it."""
    api.seed(runs=[{"id": 1, "head_sha": SHA, "event": "push", "head_branch": "main"}])
    defaults = {"run_id": 1, "name": "preds", "zip_base64": base64.b64encode(ZIP).decode(), "location": location}
    api.seed(artifacts=[{**defaults, **fields}])
    return locate(client, WorkflowSpec(name="preds", run=1)).artifact


def ignore(_: str) -> None:
    """Ignore the progress."""


def test_store_receives_no_token(api: Api, client: Client, store: Store, tmp_path: Path) -> None:
    """The archive comes from the store, which receives neither token nor cookie."""
    lines: list[str] = []
    artifact = seed_artifact(api, client, store.url)
    download(client, artifact, tmp_path / "a.zip", lines.append)
    assert (tmp_path / "a.zip").read_bytes() == ZIP
    assert [h for h in store.headers if "authorization" in h or "cookie" in h] == []
    assert api.state.requests[-1]["path"] == f"/repos/acme/shop/actions/artifacts/{artifact.id}/zip"
    assert "1 MiB" in lines[-1]


def test_netrc_is_ignored(
    api: Api, client: Client, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passwords of a .netrc file are sent to neither host."""
    (tmp_path / "netrc").write_text("default login me password hunter22\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    download(client, seed_artifact(api, client, store.url), tmp_path / "a.zip", ignore)
    assert "authorization" not in store.headers[0]
    assert api.state.requests[-1]["status"] == 302


def test_store_on_the_host_of_the_api(api: Api, tmp_path: Path) -> None:
    """An enterprise server may serve the archive itself; its API has a path prefix."""
    with connect(token="t", api_url=f"{api.url}/api/v3", repository="acme/shop", note=print) as client:
        download(client, seed_artifact(api, client, ""), tmp_path / "a.zip", ignore)
    assert (tmp_path / "a.zip").read_bytes() == ZIP


def test_failing_store_is_retried(api: Api, client: Client, store: Store, tmp_path: Path, sleeps: list[float]) -> None:
    """After a failure or a truncated body, a new address is requested; the file is complete at the end."""
    store.responses = [(503, {}, b""), (200, {"Content-Length": str(len(ZIP))}, ZIP[:1000])]
    download(client, seed_artifact(api, client, store.url), tmp_path / "a.zip", ignore)
    assert (tmp_path / "a.zip").read_bytes() == ZIP
    assert sleeps == [1.0, 2.0]
    assert [r["path"] for r in api.state.requests].count(api.state.requests[-1]["path"]) == 3


def test_number_of_redirects_is_bounded(api: Api, client: Client, store: Store, tmp_path: Path) -> None:
    """A redirect of the store is followed; a loop of redirects is an error."""
    store.responses = [(307, {"Location": "/elsewhere"}, b"")]
    artifact = seed_artifact(api, client, store.url)
    download(client, artifact, tmp_path / "a.zip", ignore)
    assert (tmp_path / "a.zip").read_bytes() == ZIP
    store.responses = [(307, {"Location": "/elsewhere"}, b"")] * 9
    with pytest.raises(GitHubError) as caught:
        download(client, artifact, tmp_path / "b.zip", ignore)
    assert caught.value.reason_code == "github-odd-answer"
    assert not (tmp_path / "b.zip").exists()


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://host/x", "http://:9/x", "http://[bad/x"])
def test_only_http_addresses_are_followed(api: Api, client: Client, tmp_path: Path, location: str) -> None:
    """A redirect to another scheme or to an invalid address is not followed."""
    with pytest.raises(GitHubError) as caught:
        download(client, seed_artifact(api, client, location), tmp_path / "a.zip", ignore)
    assert caught.value.reason_code == "github-odd-answer"


FAILURES = [
    # responses of the store, fields of the artifact, reason code, fact in the message
    ([(403, {}, b"<Error>AuthenticationFailed</Error>")], {}, "github-failed", r"localhost.*\(403\)"),
    ([(404, {}, b"")], {}, "github-failed", r"localhost.*\(404\)"),
    ([(503, {}, b"")] * 4, {}, "github-unavailable", r"localhost.*\(503\)"),
    ([(200, {"Content-Length": "99999999"}, b"x")] * 4, {}, "github-unreachable", "localhost"),
    ([], {"digest": "sha256:" + "0" * 64}, "artifact-damaged", "preds"),
    ([], {"size_in_bytes": 10_000_000}, "artifact-too-large", "5,000,000 bytes"),
    ([(200, {}, bytes(6_000_000))], {}, "artifact-too-large", "5,000,000 bytes"),
]


@pytest.mark.parametrize(("responses", "fields", "code", "fact"), FAILURES)
def test_failure_is_reported_without_the_address(
    api: Api,
    client: Client,
    store: Store,
    tmp_path: Path,
    responses: Any,
    fields: dict[str, Any],
    code: str,
    fact: str,
) -> None:
    """Rejection, damage and excessive size are errors that do not show the signed address; no file is left."""
    store.responses = list(responses)
    artifact = seed_artifact(api, client, store.url, **fields)
    with pytest.raises(GitHubError, match=fact) as caught:
        download(client, artifact, tmp_path / "a.zip", ignore, max_bytes=5_000_000)
    text = caught.value.message + caught.value.hint
    assert caught.value.reason_code == code
    assert "vErYsEcReT" not in text
    assert "\n" not in text
    assert list(tmp_path.iterdir()) == []


def test_unreachable_store_is_named_by_its_host(api: Api, client: Client, store: Store, tmp_path: Path) -> None:
    """The error for an unreachable store contains the host, not the signed address."""
    url = store.url
    store.shutdown()
    store.server_close()
    with pytest.raises(GitHubError, match="localhost") as caught:
        download(client, seed_artifact(api, client, url), tmp_path / "a.zip", ignore)
    assert "vErYsEcReT" not in caught.value.message


def test_correct_digest_is_accepted(api: Api, client: Client, store: Store, tmp_path: Path) -> None:
    """An archive whose SHA-256 is the one that GitHub reports is accepted."""
    digest = f"sha256:{hashlib.sha256(ZIP).hexdigest()}"
    download(client, seed_artifact(api, client, store.url, digest=digest), tmp_path / "a.zip", ignore)
    assert (tmp_path / "a.zip").stat().st_size == len(ZIP)


def test_artifact_that_expired_meanwhile_is_reported(api: Api, client: Client, store: Store, tmp_path: Path) -> None:
    """A 410 of GitHub is reported as expiry."""
    artifact = seed_artifact(api, client, store.url)
    api.state.artifacts[-1]["expired"] = True
    with pytest.raises(GitHubError) as caught:
        download(client, artifact, tmp_path / "a.zip", ignore)
    assert caught.value.reason_code == "artifact-expired"


def test_deleted_artifact_is_reported(api: Api, client: Client, store: Store, tmp_path: Path) -> None:
    """A 404 of GitHub is reported as a missing artifact."""
    artifact = seed_artifact(api, client, store.url)
    api.state.artifacts.clear()
    with pytest.raises(GitHubError, match="preds") as caught:
        download(client, artifact, tmp_path / "a.zip", ignore)
    assert caught.value.reason_code == "not-found"


def test_missing_permission_is_named(
    api: Api, client: Client, client_for: Callable[[str], Client], store: Store, tmp_path: Path
) -> None:
    """The error for a token that cannot download names the permission."""
    artifact = seed_artifact(api, client, store.url)
    api.seed(repositories={"acme/shop": {"private": True}}, tokens={"weak": {"permissions": {"contents": "read"}}})
    with pytest.raises(PermissionMissing, match="actions: read"):
        download(client_for("weak"), artifact, tmp_path / "a.zip", ignore)
    assert store.headers == []


def test_failures_of_the_api_are_retried(
    api: Api, client: Client, store: Store, tmp_path: Path, sleeps: list[float]
) -> None:
    """A 502 of the API is retried, and a rate limit is waited for."""
    api.seed(
        faults=[
            {"kind": "status", "status": 502, "path": "/zip$"},
            {"kind": "status", "status": 403, "path": "/zip$", "headers": {"Retry-After": "9"}},
        ]
    )
    download(client, seed_artifact(api, client, store.url), tmp_path / "a.zip", ignore)
    assert sleeps == [1.0, 9.0]


def test_missing_folder_is_an_input_error(api: Api, client: Client, store: Store, tmp_path: Path) -> None:
    """A file that cannot be written is an input error that names it."""
    with pytest.raises(InputError, match=r"a\.zip"):
        download(client, seed_artifact(api, client, store.url), tmp_path / "none" / "a.zip", ignore)


def test_interrupt_leaves_no_file(api: Api, client: Client, store: Store, tmp_path: Path) -> None:
    """After a KeyboardInterrupt, no part of the file is left."""

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    artifact = seed_artifact(api, client, store.url)
    with pytest.raises(KeyboardInterrupt):
        download(client, artifact, tmp_path / "a.zip", interrupt)
    assert list(tmp_path.iterdir()) == []
