"""Live shadowing with the recipes of the README: a real Envoy or HAProxy mirrors, one HAProxy per version logs."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from answering_service import STALL, ReceivedRequest, Reply, answering
from commands.shadow.test_command import FAIL, PASS, read, services, write_policy
from envoy_router import needs_envoy, running_envoy
from ghmlops.commands.shadow.command import run
from ghmlops.commands.shadow.inputs import Inputs
from ghmlops.measure.shadow.live_logs import read_log
from haproxy_router import free_port, needs_haproxy, start_haproxy
from raw_service import Connection, RawService, started

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUESTS = 60
README = (Path(__file__).parents[3] / "actions/shadow/README.md").read_text(encoding="utf-8")
VERSIONS = ("live", "candidate", "twin")


def recipe(language: str, title: str = "Envoy") -> str:
    """Return a configuration of a recipe."""
    section = README[README.index(f"### Recipe: {title}") :]
    block = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert block
    return block[1]


def logging_proxy(folder: Path, service: int) -> contextlib.AbstractContextManager[int]:
    """Start the HAProxy of the recipe in front of a service; yield its port."""
    folder.mkdir()
    return running_proxy(folder, recipe("haproxy").replace(":9001", f":{service}"), ":8081")


@contextlib.contextmanager
def running_proxy(folder: Path, configuration: str, address: str) -> Iterator[int]:
    """Start an HAProxy, whose address in the configuration is replaced; yield its port."""
    port = free_port()
    (folder / "haproxy.cfg").write_text(configuration.replace(address, f":{port}"))
    process = start_haproxy(folder)
    try:
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def model(label: int, silent: frozenset[int] = frozenset()) -> Any:
    """Return a service with a label that some rows never receive."""

    def answer(request: ReceivedRequest) -> Reply:
        row = json.loads(request.body)["row"]
        if row in silent:
            return Reply(status=STALL)
        return Reply(body=json.dumps({"label": label, "row": row}).encode())

    return answer


@contextlib.contextmanager
def mirrored(folder: Path, candidate: Any, router_name: str = "envoy") -> Iterator[int]:
    """Start three versions with their logs, and a router in front of them; yield its port."""
    with contextlib.ExitStack() as stack:
        arms = stack.enter_context(answering(model(1), candidate, model(1)))
        ports = {
            name: (stack.enter_context(logging_proxy(folder / name, arm.server_port)), 1)
            for name, arm in zip(VERSIONS, arms, strict=True)
        }
        (folder / router_name).mkdir()
        if router_name == "haproxy":
            places = {name: f"127.0.0.1:{port}" for name, (port, _) in ports.items()}
            script = recipe("lua", "HAProxy")
            for name, place in (("candidate", "127.0.0.1:8082"), ("twin", "127.0.0.1:8083")):
                script = script.replace(place, places[name])
            (folder / "haproxy/mirror.lua").write_text(script)
            configuration = recipe("haproxy", "HAProxy").replace("127.0.0.1:8081", places["live"])
            configuration = configuration.replace("mirror.lua", str(folder / "haproxy/mirror.lua"))
            yield stack.enter_context(running_proxy(folder / "haproxy", configuration, ":8080"))
            return
        route = yaml.safe_load(recipe("yaml"))
        router = stack.enter_context(running_envoy(folder / "envoy", ports, routes=[route]))
        yield router.port


def ask(port: int) -> list[int]:
    """Send all live requests over one connection; return their statuses."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    statuses = []
    for row in range(REQUESTS):
        connection.request("POST", "/predict", json.dumps({"row": row}), {"content-type": "application/json"})
        with connection.getresponse() as reply:
            reply.read()
            statuses.append(reply.status)
    connection.close()
    return statuses


def wait_for_lines(folder: Path, lines: dict[str, int]) -> None:
    """Wait until the logs are written: the mirror is not part of any live request."""
    deadline = time.monotonic() + 20
    while any((folder / name / "haproxy.log").read_bytes().count(b"/predict") < n for name, n in lines.items()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def judge(place: Path) -> Any:
    """Run `shadow` on the three logs."""
    logs = ", ".join(f"{name}: {name}/haproxy.log" for name in VERSIONS)
    write_policy(place, "  expect: same\n  coverage: 90%\n", source=f"access-logs: {{{logs}}}")
    return run(Inputs(policy="policy.yml"), services(place))


ANSWERS = {
    "/body": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]",
    "/empty": b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    "/none": b"HTTP/1.1 204 No Content\r\n\r\n",
    "/chunked": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
    "/large": b"HTTP/1.1 200 OK\r\ncontent-length: 40000\r\n\r\n" + b"x" * 40_000,
}


@needs_haproxy
def test_the_log_tells_an_empty_body_from_one_that_it_lacks(tmp_path: Path) -> None:
    """HAProxy writes the same sign for both; the length and the status say which it is."""

    def script(connection: Connection, _: RawService) -> None:
        while head := connection.request():
            connection.write(ANSWERS[head.split(b" ")[1].decode()])

    with started(script) as service, logging_proxy(tmp_path / "live", service.port) as proxy:
        client = http.client.HTTPConnection("127.0.0.1", proxy, timeout=10)
        for path in ANSWERS:
            client.request("GET", path, headers={"x-request-id": path})
            client.getresponse().read()
        client.close()
        deadline = time.monotonic() + 10
        while (tmp_path / "live/haproxy.log").read_bytes().count(b"x-request-id") < len(ANSWERS):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    rows = read_log(tmp_path / "live/haproxy.log", "live", "x-request-id").rows
    assert {row.path: (row.answer.body, row.has_body) for _, row in rows} == {
        "/body": (b"[]", True),
        "/empty": (b"", True),
        "/none": (b"", True),
        "/chunked": (b"", False),
        "/large": (b"", False),
    }
    assert all(row.answer.seconds > 0 for _, row in rows)


@needs_envoy
@needs_haproxy
@pytest.mark.parametrize(("label", "outcome", "router"), [(1, PASS, "envoy"), (2, FAIL, "envoy"), (2, FAIL, "haproxy")])
def test_mirrored_answers_are_joined_with_live_ones(tmp_path: Path, label: int, outcome: Any, router: str) -> None:
    """Each live request has its copies by the router's request id; equal answers pass, and a changed value fails."""
    with mirrored(tmp_path, model(label), router) as port:
        assert set(ask(port)) == {200}
        wait_for_lines(tmp_path, dict.fromkeys(VERSIONS, REQUESTS))
    result = judge(tmp_path)
    findings, details = read(tmp_path)
    assert (result.outcome, findings["shadow-values"].outcome) == (outcome, outcome)
    assert (details.requests.recorded, details.requests.compared) == (REQUESTS, REQUESTS)
    assert [place.path for place in details.places] == ([] if label == 1 else ["$.label"])


@needs_envoy
@needs_haproxy
@pytest.mark.parametrize("router", ["envoy", "haproxy"])
def test_a_silent_shadow_costs_no_live_request(tmp_path: Path, router: str) -> None:
    """The copies of three requests are not answered: every live request is, and the three are dropped or errors."""
    silent = frozenset({5, 20, 40})
    with mirrored(tmp_path, model(1, silent), router) as port:
        assert ask(port) == [200] * REQUESTS
        wait_for_lines(tmp_path, {"live": REQUESTS, "twin": REQUESTS, "candidate": REQUESTS - len(silent)})
    judge(tmp_path)
    _, details = read(tmp_path)
    unanswered = sum(row.candidate for row in details.answers if row.kind != "200")
    assert details.requests.compared - unanswered == REQUESTS - len(silent)
    assert details.requests.compared + sum(drop.requests for drop in details.drops) == REQUESTS
