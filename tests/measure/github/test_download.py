"""The bytes of an artifact, from a store on another host."""

from __future__ import annotations

import base64
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.measure.github.artifacts import Located, locate
from ghmlops.clients.github.client import connect
from ghmlops.measure.github.download import download
from ghmlops.core.artifacts.spec import WorkflowSpec
from ghmlops.core.errors import GitHubError, InputError, PermissionMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ghmlops.clients.github.client import Client
    from github_api.server import Api

SHA = "c" * 40
ZIP = b"PK" + bytes(range(256)) * 5000
SIGNATURE = "sig=vErYsEcReT"


class Store(ThreadingHTTPServer):
    """A store of bytes that remembers what it was sent, and serves one answer after another."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.headers: list[dict[str, str]] = []
        self.answers: list[tuple[int, dict[str, str], bytes]] = []

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that hangs up."""

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server_address[1]}/blob?{SIGNATURE}"


class _Handler(BaseHTTPRequestHandler):
    server: Store

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.server.headers.append({k.lower(): v for k, v in self.headers.items()})
        answers = self.server.answers
        status, headers, body = answers.pop(0) if answers else (200, {}, ZIP)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def store() -> Iterator[Store]:
    """Another host than the API's, by its name."""
    server = Store()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(10)


def located(api: Api, client: Client, location: str, **about: Any) -> Located:
    api.seed(runs=[{"id": 1, "head_sha": SHA, "event": "push", "head_branch": "main"}])
    held = {"run_id": 1, "name": "preds", "zip_base64": base64.b64encode(ZIP).decode(), "location": location}
    api.seed(artifacts=[{**held, **about}])
    return locate(client, WorkflowSpec(name="preds", run=1))


def silent(_: str) -> None:
    return


def test_the_bytes_come_and_the_token_does_not_go(api: Api, client: Client, store: Store, tmp_path: Path) -> None:
    """The archive is what the store gives; the store is sent no token, though the API was."""
    told: list[str] = []
    found = located(api, client, store.url)
    download(client, found.artifact, tmp_path / "a.zip", told.append)
    assert (tmp_path / "a.zip").read_bytes() == ZIP
    assert [h for h in store.headers if "authorization" in h or "cookie" in h] == []
    assert api.state.requests[-1]["path"] == f"/repos/acme/shop/actions/artifacts/{found.artifact.id}/zip"
    assert told[-1] == "downloading artifact preds: 1 MiB"


def test_a_netrc_has_no_say(
    api: Api, client: Client, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passwords of the machine's own file go to neither host."""
    (tmp_path / "netrc").write_text("default login me password hunter22\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    download(client, located(api, client, store.url).artifact, tmp_path / "a.zip", silent)
    assert "authorization" not in store.headers[0]
    assert api.state.requests[-1]["status"] == 302


def test_from_the_same_host_too(api: Api, tmp_path: Path) -> None:
    """Enterprise servers may serve the bytes themselves; the API lies under a path there."""
    with connect(token="t", api_url=f"{api.url}/api/v3", repository="acme/shop", note=print) as client:
        download(client, located(api, client, "").artifact, tmp_path / "a.zip", silent)
    assert (tmp_path / "a.zip").read_bytes() == ZIP


def test_a_broken_store_is_asked_again(
    api: Api, client: Client, store: Store, tmp_path: Path, sleeps: list[float]
) -> None:
    """A failing store, and a body that breaks off, are tried again by a new address; the file is whole at the end."""
    store.answers = [(503, {}, b""), (200, {"Content-Length": str(len(ZIP))}, ZIP[:1000])]
    download(client, located(api, client, store.url).artifact, tmp_path / "a.zip", silent)
    assert (tmp_path / "a.zip").read_bytes() == ZIP
    assert sleeps == [1.0, 2.0]
    assert [r["path"] for r in api.state.requests].count(api.state.requests[-1]["path"]) == 3


def test_redirects_of_the_store_are_followed_a_few_times(
    api: Api, client: Client, store: Store, tmp_path: Path
) -> None:
    """One more host on the way is fine; a circle is not."""
    store.answers = [(307, {"Location": "/elsewhere"}, b"")]
    found = located(api, client, store.url)
    download(client, found.artifact, tmp_path / "a.zip", silent)
    assert (tmp_path / "a.zip").read_bytes() == ZIP
    store.answers = [(307, {"Location": "/elsewhere"}, b"")] * 9
    with pytest.raises(GitHubError, match="not what GitHub's API gives"):
        download(client, found.artifact, tmp_path / "b.zip", silent)
    assert not (tmp_path / "b.zip").exists()


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://host/x", "http://:9/x", "http://[bad/x"])
def test_only_the_web_is_asked(api: Api, client: Client, tmp_path: Path, location: str) -> None:
    """A redirect to a file or to nowhere is not followed."""
    with pytest.raises(GitHubError, match="not what GitHub's API gives"):
        download(client, located(api, client, location).artifact, tmp_path / "a.zip", silent)


REFUSALS = [
    ([(403, {}, b"<Error>AuthenticationFailed</Error>")], {}, "the store at localhost did not give artifact preds"),
    ([(404, {}, b"")], {}, "the store at localhost did not give artifact preds"),
    ([(503, {}, b"")] * 4, {}, "the store at localhost failed"),
    ([(200, {"Content-Length": "99999999"}, b"x")] * 4, {}, "the connection to the store at localhost broke"),
    ([], {"digest": "sha256:" + "0" * 64}, "came damaged"),
    ([], {"size_in_bytes": 10_000_000}, "larger than 5,000,000 bytes"),
    ([(200, {}, bytes(6_000_000))], {}, "larger than 5,000,000 bytes"),
]


@pytest.mark.parametrize(("answers", "about", "words"), REFUSALS, ids=[words for *_, words in REFUSALS])
def test_what_goes_wrong_is_one_line_without_the_address(
    api: Api, client: Client, store: Store, tmp_path: Path, answers: Any, about: dict[str, Any], words: str
) -> None:
    """A refusal, damage and a giant are errors; none shows the signed address, and no part of a file stays."""
    store.answers = list(answers)
    found = located(api, client, store.url, **about)
    with pytest.raises(GitHubError, match=words) as caught:
        download(client, found.artifact, tmp_path / "a.zip", silent, limit=5_000_000)
    shown = caught.value.message + caught.value.hint
    assert "vErYsEcReT" not in shown
    assert "\n" not in shown
    assert list(tmp_path.iterdir()) == []


def test_nobody_at_the_store(api: Api, client: Client, store: Store, tmp_path: Path) -> None:
    """A store that cannot be reached is named by its host alone."""
    url = store.url
    store.shutdown()
    store.server_close()
    with pytest.raises(GitHubError, match="the connection to the store at localhost broke") as caught:
        download(client, located(api, client, url).artifact, tmp_path / "a.zip", silent)
    assert "vErYsEcReT" not in caught.value.message


def test_the_digest_is_checked(api: Api, client: Client, store: Store, tmp_path: Path) -> None:
    """The right digest passes."""
    digest = f"sha256:{hashlib.sha256(ZIP).hexdigest()}"
    download(client, located(api, client, store.url, digest=digest).artifact, tmp_path / "a.zip", silent)
    assert (tmp_path / "a.zip").stat().st_size == len(ZIP)


def test_expired_between_listing_and_download(api: Api, client: Client, store: Store, tmp_path: Path) -> None:
    """GitHub's 410 is told as expiry."""
    found = located(api, client, store.url)
    api.state.artifacts[-1]["expired"] = True
    with pytest.raises(GitHubError, match="has expired") as caught:
        download(client, found.artifact, tmp_path / "a.zip", silent)
    assert caught.value.reason_code == "artifact-expired"


def test_a_deleted_artifact(api: Api, client: Client, store: Store, tmp_path: Path) -> None:
    """GitHub's 404 is told as such."""
    found = located(api, client, store.url)
    api.state.artifacts.clear()
    with pytest.raises(GitHubError, match="found nothing there while downloading artifact preds"):
        download(client, found.artifact, tmp_path / "a.zip", silent)


def test_the_permission_is_named(
    api: Api, client: Client, client_for: Callable[[str], Client], store: Store, tmp_path: Path
) -> None:
    """A token that may not download is told `actions: read`."""
    found = located(api, client, store.url)
    api.seed(repositories={"acme/shop": {"private": True}}, tokens={"weak": {"permissions": {"contents": "read"}}})
    with pytest.raises(PermissionMissing, match="actions: read"):
        download(client_for("weak"), found.artifact, tmp_path / "a.zip", silent)
    assert store.headers == []


def test_a_proxys_page_is_waited_for(
    api: Api, client: Client, store: Store, tmp_path: Path, sleeps: list[float]
) -> None:
    """A 502 of the API is tried again, and a rate limit is waited for."""
    api.seed(
        faults=[
            {"kind": "status", "status": 502, "path": "/zip$"},
            {"kind": "status", "status": 403, "path": "/zip$", "headers": {"Retry-After": "9"}},
        ]
    )
    download(client, located(api, client, store.url).artifact, tmp_path / "a.zip", silent)
    assert sleeps == [1.0, 9.0]


def test_no_place_to_write(api: Api, client: Client, store: Store, tmp_path: Path) -> None:
    """A folder that is not there is an input error, not GitHub's."""
    with pytest.raises(InputError, match=r"cannot write a\.zip"):
        download(client, located(api, client, store.url).artifact, tmp_path / "none" / "a.zip", silent)


def test_an_interruption_leaves_nothing(api: Api, client: Client, store: Store, tmp_path: Path) -> None:
    """Where the user stops it, no part of the file stays."""

    def stop(_: str) -> None:
        raise KeyboardInterrupt

    found = located(api, client, store.url)
    with pytest.raises(KeyboardInterrupt):
        download(client, found.artifact, tmp_path / "a.zip", stop)
    assert list(tmp_path.iterdir()) == []
