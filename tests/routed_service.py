"""A service of several arms behind a real HAProxy, under steady load, all on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from haproxy_router import Router, running_haproxy

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from pathlib import Path

T = TypeVar("T")
StartRouter = Callable[..., contextlib.AbstractContextManager[Router]]


@dataclass(slots=True, kw_only=True)
class Arm:
    """The behaviour of one server, which a test may change while it runs.

    Attributes:
        delay: Seconds of each answer.
        errors: Share of the requests that are answered with 500.
        answered: Requests so far.
        server: The task that holds its listening socket.
        slots: Requests that are answered at the same time; `None`: all.
    """

    delay: float = 0.002
    errors: float = 0.0
    answered: int = 0
    server: asyncio.Task[None] | None = None
    slots: asyncio.Semaphore | None = None


@dataclass(slots=True, kw_only=True)
class Scene:
    """A running router with its servers and its load.

    Attributes:
        router: The router.
        arms: Name of a server to its behaviour.
        keep_alive: Whether a client sends its next request on the same connection.
        statuses: Status of each answered request, in order; 0 without an answer.
        testers: Share of the requests that bring the header `x-release`.
        session_length: Requests of a session, which brings its cookies; 0: there are no sessions.
    """

    router: Router
    arms: dict[str, Arm]
    keep_alive: bool = True
    statuses: list[int] = field(default_factory=list)
    testers: float = 0.0
    session_length: int = 0

    def wait_for(self, requests: int) -> None:
        """Wait until more requests are answered."""
        end, deadline = len(self.statuses) + requests, time.monotonic() + 60
        while len(self.statuses) < end:
            assert time.monotonic() < deadline, "the load has stopped"
            time.sleep(0.005)


@contextlib.contextmanager
def routed_service(
    folder: Path,
    weights: dict[str, int],
    *,
    rate: float = 300.0,
    seed: int = 1,
    start: StartRouter = running_haproxy,
    **options: str,
) -> Iterator[Scene]:
    """Start one server per name, a router in front of them, and a steady load over 16 kept connections.

    Args:
        folder: Empty folder for the router.
        weights: Name of a server to its first weight.
        rate: Requests per second.
        seed: Seed of the failing requests.
        start: Starts the router: HAProxy or Envoy.
        options: Options of the router.
    """
    loop, arms = asyncio.new_event_loop(), {name: Arm() for name in weights}
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    dice = random.Random(seed)  # noqa: S311  (no secret)

    def wait(work: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, loop).result(20)

    ports = {name: wait(_serve(arm, dice)) for name, arm in arms.items()}
    try:
        with start(folder, {name: (ports[name], weights[name]) for name in weights}, **options) as router:
            scene = Scene(router=router, arms=arms)
            load = asyncio.run_coroutine_threadsafe(_load(scene, rate), loop)
            try:
                yield scene
            finally:
                load.cancel()
                with contextlib.suppress(BaseException):
                    load.result(10)
    finally:
        wait(_cancel_all())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _cancel_all() -> None:
    # A connection that the router opened last has its task in a later round of the loop.
    for _ in range(2):
        await asyncio.sleep(0.02)
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0.05)  # transports close in the next rounds of the loop


async def _serve(arm: Arm, dice: random.Random) -> int:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                failed = dice.random() < arm.errors
                async with arm.slots or contextlib.nullcontext():
                    await asyncio.sleep(arm.delay * dice.uniform(0.7, 1.3))
                arm.answered += 1
                status = b"500 Internal Server Error" if failed else b"200 OK"
                writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\nok")
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the router closed the connection
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    arm.server = asyncio.get_running_loop().create_task(_close_at_the_end(server))
    return int(server.sockets[0].getsockname()[1])


async def _close_at_the_end(server: asyncio.Server) -> None:
    async with server:
        await asyncio.Event().wait()


async def _load(scene: Scene, rate: float) -> None:
    connections = 16
    await asyncio.gather(*(_client(scene, connections / rate, index / rate) for index in range(connections)))


@dataclass(slots=True)
class _Visitor:
    """A client with sessions: it sends back the cookie of the router, and forgets it when its session ends."""

    requests: int = 0
    session: bytes = b""
    routing: bytes = b""

    def cookies(self, length: int) -> bytes:
        """Return the header of the next request; empty without sessions."""
        if not length:
            return b""
        if self.requests % length == 0:
            self.session, self.routing = b"%x-%x" % (id(self), self.requests), b""
        self.requests += 1
        return b"Cookie: sid=" + self.session + (b"; " + self.routing if self.routing else b"") + b"\r\n"

    def remember(self, head: bytes) -> None:
        """Keep the cookie that the head of an answer sets."""
        _, header, value = head.lower().partition(b"set-cookie: ")
        if header:
            self.routing = value.split(b";")[0].replace(b"srv=", b"SRV=")


async def _client(scene: Scene, pause: float, start: float) -> None:
    loop, visitor = asyncio.get_running_loop(), _Visitor()
    reader, writer = await _connect(scene.router.port)
    due, sent = loop.time() + start, 0
    try:
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            due = max(due + pause, loop.time() - 0.5)  # no long burst after a pause of the machine
            try:
                headers = visitor.cookies(scene.session_length)
                sent += 1
                if int(sent * scene.testers) > int((sent - 1) * scene.testers):
                    headers += b"x-release: candidate\r\n"
                writer.write(b"GET /predict HTTP/1.1\r\nHost: shop\r\n" + headers + b"\r\n")
                async with asyncio.timeout(10):  # `wait_for` of Python 3.11 loses a cancellation that meets the answer
                    head = await reader.readuntil(b"\r\n\r\n")
                visitor.remember(head)
                await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
                scene.statuses.append(int(head.split(b" ", 2)[1]))
                if not scene.keep_alive:
                    writer.close()
                    reader, writer = await _connect(scene.router.port)
            except (OSError, asyncio.IncompleteReadError, TimeoutError, IndexError):
                scene.statuses.append(0)
                writer.close()
                reader, writer = await _connect(scene.router.port)
    finally:
        writer.close()


async def _connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a connection to the router, once it listens: a test may restart it."""
    while True:
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except ConnectionError:
            await asyncio.sleep(0.02)
