"""A small stateful GitHub API on loopback that validates requests and responses with GitHub's OpenAPI description.

As a process (prints `{"url": ..., "port": ...}` on one line when it listens; stops on SIGTERM or SIGINT):

    python tests/github_api/server.py [--port 0] [--spec FILE] [--state FILE]

`--spec` is the description (default: `GHMLOPS_OPENAPI`, else the cache), `--state` a JSON file with a seed. In a test:

    from github_api.server import running            # tests/ is on sys.path
    with running({"repositories": {"acme/shop": {}}}) as api:
        ...                                           # api.url, api.state, api.seed(...), api.violations

Both `URL/...` and `URL/api/v3/...` (as on GHES) are served. Control endpoints, which need no token:

- `GET /_state`: the complete state as JSON: `repositories`, `pull_requests`, `comments` (with `issue`, `body`, `login`,
  `edits`), `deployments` (with `payload`, `environment` and `statuses`, oldest first), `deployment_statuses`,
  `statuses` (of commits: `sha`, `context`, `state`, `description`, `target_url`), `runs`, `artifacts`, `faults` (with
  the remaining `times`), `requests` (`method`, `path`, `status`), `violations` (must stay empty).
- `POST /_seed` with any of these keys; responds with 204, or with 400 and the reason:
  - `repositories`: name to `{default_branch: "main", private: false, commits: null (every SHA exists) or [SHA],
    refs: {"heads/main": SHA}, files: {path: text} (of a first commit on the default branch),
    rules: {"main": ["pull_request", "required_status_checks", "non_fast_forward"]}, former_names: ["acme/old"],
    git_dir: "", roles: {login: role}, teams: {"acme/release": {login: "active"}},
    events: [], merge_bases: {HEAD: SHA}, changed_files: {HEAD: [path]}, contents: {"SHA:path": text},
    activity: [{ref, before, after, timestamp}]}`; a branch with rules is protected. A request for a former name is
    redirected (301, or 307 for writes) to `/repositories/ID/...`; `git_dir` is a bare repository whose references,
    pushed by git, exist too.
  - `tokens`: token to `{login: "github-actions[bot]", kind: "installation" or "user", permissions: {"pull_requests":
    "write", "contents": "read", ...}}` (default: every write permission). The token `t` always exists. The response to
    an unknown token is 401, and to a missing permission 403 with GitHub's message. Every token can read public
    repositories.
  - `pull_requests`: `[{number, head_sha, head_ref, head_repository, base_ref, base_sha, state, title, body, login,
    merge_commit_sha, messages}]`; one with an existing number replaces it (a new head). `state: closed` with a
    `merge_commit_sha` is merged; `messages` are those of the commits of the pull request.
  - `comments`: `[{issue, body, login, type: "User" or "Bot"}]`; `deployments`: `[{sha, environment, task, payload,
    created_at, statuses: [{state, description, log_url}]}]`, statuses oldest first. `check_runs`: `[{name, head_sha,
    conclusion, external_id}]`; `issues`: `[{title, body, login, type}]`, all open, whose number is their id.
  - `runs`: `[{id, head_sha, head_repository, head_branch, event, status, conclusion, created_at, path, run_attempt,
    triggering_actor, attempts: {"1": {run_started_at, conclusion}}}]`; a higher `id` is newer, and `attempts` names
    the fields in which an attempt differs. `artifacts`: `[{run_id, attempt: 1, name, zip_base64, expired, digest,
    created_at, size_in_bytes, location}]`; a name is unique per attempt; the digest is computed by default; `location`
    is the redirect target of a download; empty stands for this server.
  - `caches`: `[{key, ref}]`, oldest first.
  - `lag`: for how many reads of a list a row stays hidden that a request has just created.
  - `faults`: `[{kind, method: "POST", path: "regular expression", times: 1, skip: 0, status: 502, message, headers,
    performed}]`; `kind` is `status` (responds with it), `errors` (responds with the list `errors`, as
    GraphQL does with status 200), `lost-answer` (performs the request, then closes the connection),
    `refused` (closes the connection), `truncated` (performs the request and sends half of the response) or `silent`
    (performs the request, and closes the connection after `seconds`: 60). `performed` overrides whether the request is
    performed.

`POST URL/graphql` (on GHES `URL/api/graphql`) answers `query { viewer { login } }` and `createCommitOnBranch`.
Every list and object has an `ETag`; the response to a request with `If-None-Match` is 304 if nothing changed.

The response to a violation (unknown field, wrong type, unknown endpoint, an invalid response of this server) is 500,
and it is recorded in `violations`.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from github_api import conversation
from github_api import spec as openapi
from github_api.calls import NOT_FOUND, Call, Response, error_response
from github_api.routes import OWNED, ROUTES
from github_api.state import State, allowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

Json = dict[str, Any]
_SPECS: dict[Path, openapi.Spec] = {}


class Api(ThreadingHTTPServer):
    """The server; requests are performed one at a time."""

    daemon_threads = True

    def __init__(self, port: int, spec: openapi.Spec) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.spec = spec
        self.state = State()
        self.lock = threading.RLock()
        self.closing = threading.Event()

    def handle_error(self, *_: object) -> None:
        """Suppress errors of clients that close the connection."""

    @property
    def url(self) -> str:
        """Address without a trailing slash."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def violations(self) -> list[str]:
        """Requests and responses that do not match the OpenAPI description."""
        return self.state.violations

    def seed(self, **rows: Any) -> None:
        """Add rows to the state."""
        with self.lock:
            self.state.seed(rows)

    def respond(self, method: str, target: str, body: object, headers: Message) -> tuple[Response, Json | None]:
        """Validate a request, perform it, and validate the response; also return the fault to apply, if any."""
        parts = urlsplit(target)
        prefix = "/api/v3" if parts.path.startswith("/api/v3/") else ""
        path, query = parts.path.removeprefix(prefix), dict(parse_qsl(parts.query, keep_blank_values=True))
        if path in ("/graphql", "/api/graphql"):
            return self._graphql(method, path, body, headers)
        path, renamed = self.state.current_path(path)
        if renamed is not None:
            location = f"{self._origin(headers)}{prefix}{path}{'?' if parts.query else ''}{parts.query}"
            moved = error_response(301 if method == "GET" else 307, "Moved Permanently")
            return moved._replace(headers=(("Location", location),)), None
        operation = self.spec.operation(method, path)
        route = ROUTES.get((method.lower(), operation.template)) if operation else None
        if operation is None or route is None:
            return self._violation(f"{method} {path}: no such endpoint"), None
        if problems := self.spec.request_problems(operation, query, body):
            return self._violation(f"{method} {path}: {'; '.join(problems)}"), None
        fault = self.state.take_fault(method, path)
        if fault and not fault["performed"]:
            return _fault_response(fault), fault
        origin = self._origin(headers)
        authorization = headers.get("Authorization", "")
        response = self._perform(
            origin + prefix, operation, query, body if isinstance(body, dict) else {}, authorization
        )
        if response.status == 201:
            self.state.hide(response.body)
        page = self._page(origin + parts.path, query, self._visible(response))
        if problems := self.spec.response_problems(operation, page.status, page.body):
            return self._violation(f"response to {method} {path}: {'; '.join(problems)}"), None
        return (_fault_response(fault) if fault and fault["kind"] == "status" else page), fault

    def _origin(self, headers: Message) -> str:
        return f"http://{headers.get('Host', self.url.removeprefix('http://'))}"

    def _visible(self, response: Response) -> Response:
        """Return a list without the rows that it does not contain yet."""
        if response.status != 200:
            return response
        if isinstance(response.body, list):
            return response._replace(body=self.state.visible(response.body))
        if isinstance(response.body, dict) and "total_count" in response.body:
            (key,) = response.body.keys() - {"total_count"}
            rows = self.state.visible(response.body[key])
            return response._replace(body={"total_count": len(rows), key: rows})
        return response

    def _graphql(self, method: str, path: str, body: object, headers: Message) -> tuple[Response, Json | None]:
        fault = self.state.take_fault(method, path)
        if fault and not fault["performed"]:
            return _fault_response(fault), fault
        token = self._token(headers.get("Authorization", ""))
        if token is None:
            return error_response(401, "Bad credentials"), None
        response = conversation.graphql(self.state, token, body)
        return (_fault_response(fault) if fault and fault["kind"] == "status" else response), fault

    def _token(self, authorization: str) -> Json | None:
        scheme, _, secret = authorization.partition(" ")
        return self.state.tokens.get(secret.strip()) if scheme.lower() in ("token", "bearer") else None

    def _perform(
        self, root: str, operation: openapi.Operation, query: dict[str, str], body: Json, authorization: str
    ) -> Response:
        token = self._token(authorization)
        if token is None:
            return error_response(
                401, "Bad credentials" if authorization.partition(" ")[2] else "Requires authentication"
            )
        route = ROUTES[operation.method, operation.template]
        values = operation.path_values
        name = f"{values['owner']}/{values['repo']}" if operation.template.startswith(OWNED) else ""
        if name and name not in self.state.repositories:
            return NOT_FOUND
        private = bool(name) and self.state.repositories[name]["private"]
        if not allowed(token, route.permissions, private=private):
            holder = "integration" if token["kind"] == "installation" else "personal access token"
            accepted = "; ".join(permission.replace(":", "=") for permission in route.permissions)
            head = (("X-Accepted-GitHub-Permissions", accepted),)
            return error_response(403, f"Resource not accessible by {holder}")._replace(headers=head)
        return route.serve(self.state, Call(root, name, values, query, body, token))

    def _page(self, base: str, query: dict[str, str], response: Response) -> Response:
        if response.status == 200 and isinstance(response.body, dict) and "total_count" in response.body:
            (key,) = response.body.keys() - {"total_count"}
            part = self._page(base, query, response._replace(body=response.body[key]))
            return part._replace(body={**response.body, key: part.body})
        if response.status != 200 or not isinstance(response.body, list):
            return response
        page, size = int(query.get("page", 1)), min(int(query.get("per_page", 30)), 100)
        last = max(1, -(-len(response.body) // size))
        links = [(kind, at) for kind, at in (("next", page + 1), ("last", last)) if page < last]
        text = ", ".join(f'<{base}?{urlencode({**query, "page": at})}>; rel="{kind}"' for kind, at in links)
        rows = response.body[(page - 1) * size : page * size]
        return Response(response.status, rows, (*response.headers, ("Link", text)) if text else response.headers)

    def _violation(self, text: str) -> Response:
        self.state.violations.append(text)
        return error_response(500, f"violation: {text}")


def _fault_response(fault: Json) -> Response:
    if fault["kind"] == "errors":
        return Response(200, {"data": None, "errors": fault["errors"]})
    if fault["kind"] != "status":
        return error_response(502, fault["kind"])
    message = fault["message"] or f"fault {fault['status']}"
    return error_response(fault["status"], message)._replace(headers=tuple(fault["headers"].items()))


class Handler(BaseHTTPRequestHandler):
    """Reads requests and writes responses."""

    protocol_version = "HTTP/1.1"
    # Headers and body are two writes; without this, the second would wait for the client's delayed acknowledgement.
    disable_nagle_algorithm = True
    server: Api

    def log_message(self, *_: object) -> None:
        """Suppress the log; `/_state` lists the requests."""

    def _body(self) -> object:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return json.loads(data) if data else None

    def _serve(self) -> None:
        path = urlsplit(self.path).path.removeprefix("/api/v3")
        try:
            body = self._body()
        except ValueError:
            self._send(error_response(400, "Problems parsing JSON"))
            return
        with self.server.lock:
            if path.startswith("/_"):
                self._control(path, body)
                return
            response, fault = self.server.respond(self.command, self.path, body, self.headers)
            response = self._conditional(response)
            record = {"method": self.command, "path": self.path, "status": response.status}
            self.server.state.requests.append(record)
        kind = fault["kind"] if fault else "status"
        if kind == "silent":
            self.server.closing.wait(fault["seconds"] if fault else 0)
        if kind in ("silent", "refused", "lost-answer"):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self._send(response, half=kind == "truncated")

    def _conditional(self, response: Response) -> Response:
        """Return the response with its tag, or 304 if the client has it already."""
        if self.command != "GET" or response.status != 200 or isinstance(response.body, bytes):
            return response
        tag = f'W/"{hashlib.sha256(json.dumps(response.body).encode()).hexdigest()}"'
        headers = (*response.headers, ("ETag", tag))
        if self.headers.get("If-None-Match") == tag:
            return Response(304, None, headers)
        return response._replace(headers=headers)

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _serve  # noqa: N815  (names of http.server)

    def _control(self, path: str, body: object) -> None:
        if path == "/_state" and self.command == "GET":
            self._send(Response(200, self.server.state.dump()))
        elif path == "/_seed" and self.command == "POST":
            try:
                self.server.state.seed(body if isinstance(body, dict) else {"": None})
            except (KeyError, ValueError, TypeError) as error:
                self._send(error_response(400, str(error)))
            else:
                self._send(Response(204, None))
        elif path.startswith("/_zip/"):
            archives = [a["zip"] for a in self.server.state.artifacts if str(a["id"]) == path.removeprefix("/_zip/")]
            self._send(Response(200, archives[0]) if archives else NOT_FOUND)
        else:
            self._send(NOT_FOUND)

    def _send(self, response: Response, *, half: bool = False) -> None:
        data = response.body if isinstance(response.body, bytes) else json.dumps(response.body).encode()
        data = b"" if response.body is None else data
        data = data[: len(data) // 2] if half else data
        self.send_response(response.status)
        limits = {"Limit": "1000", "Remaining": "900", "Reset": str(int(time.time()) + 3600)}
        names = {name.lower() for name, _ in response.headers}
        for name, value in limits.items():
            if f"x-ratelimit-{name}".lower() not in names:
                self.send_header(f"X-RateLimit-{name}", value)
        for name, value in response.headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def load(file: Path) -> openapi.Spec:
    """Return the description, which is read once per process.

    Raises:
        FileNotFoundError: The file is missing; the message contains the command that fetches it.
    """
    if not file.is_file():
        raise FileNotFoundError(f"GitHub's OpenAPI description is not at {file}; fetch it: {openapi.FETCH}")
    if file not in _SPECS:
        _SPECS[file] = openapi.Spec(file)
    return _SPECS[file]


@contextlib.contextmanager
def running(seed: Json | None = None, port: int = 0, file: Path | None = None) -> Iterator[Api]:
    """Serve from a thread until the end of the block."""
    api = Api(port, load(file or openapi.default_file()))
    api.state.seed(seed or {})
    thread = threading.Thread(target=api.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        api.closing.set()
        api.shutdown()
        api.server_close()
        thread.join(10)


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description="A local GitHub API for tests.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--spec", type=Path, default=openapi.default_file())
    parser.add_argument("--state", type=Path, help="JSON file with a seed, in the form of POST /_seed")
    args = parser.parse_args()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    seed = json.loads(args.state.read_text(encoding="utf-8")) if args.state else {}
    with running(seed, args.port, args.spec) as api:
        print(json.dumps({"url": api.url, "port": api.server_address[1]}), flush=True)
        stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
