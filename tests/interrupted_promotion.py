"""A promotion in a process of its own that is killed at one change of the router: on HAProxy's socket, Envoy's port."""

from __future__ import annotations

import contextlib
import functools
import http.client
import json
import multiprocessing
import os
import signal
import socket
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

if TYPE_CHECKING:
    from collections.abc import Iterator

SPAWN = multiprocessing.get_context("forkserver")
SPAWN.set_forkserver_preload(["interrupted_promotion", "ghmlops.cli", "ghmlops.commands.promote.command"])
MOMENTS = ("before", "lost")
"""When the process is killed: before the router sees the command, or after its effect and without its answer."""


def promote_quickly(folder: str, arguments: tuple[str, ...], killed_write: int = 0) -> None:
    """Run the command in a folder, with a look at the log every 20 ms.

    Args:
        folder: Working directory.
        arguments: Arguments after those that every run has.
        killed_write: Number of the write of the record, from 1, before which the process kills itself; 0: none.
    """
    from ghmlops.act.files import write_atomically
    from ghmlops.cli import main
    from ghmlops.commands.promote import command, walk
    from ghmlops.commands.promote.aftermath import journal

    os.chdir(folder)
    writes = 0

    def write(path: Path, content: bytes) -> Path:
        nonlocal writes
        writes += 1
        if writes == killed_write:
            os.kill(os.getpid(), signal.SIGKILL)
        return write_atomically(path, content)

    mock.patch.object(journal, "write_atomically", write).start()
    mock.patch.object(command, "Walk", functools.partial(walk.Walk, poll=0.02)).start()
    os._exit(main(["promote", "--policy", "policy.yml", "--commit", "a" * 40, *arguments]))


def last_record(folder: Path) -> dict[str, Any]:
    """Return the record of the last run."""
    content: dict[str, Any] = json.loads((folder / "evidence" / "promotion.json").read_bytes())
    return content


def run_promotion(folder: Path, *arguments: str, proxy: Proxy | None = None, killed_write: int = 0) -> int:
    """Run a promotion in another process; return its exit code, -9 if it was killed."""
    process = SPAWN.Process(target=promote_quickly, args=(str(folder), arguments, killed_write))
    process.start()
    if proxy is not None:
        proxy.victim = process.pid
    process.join(60)
    assert process.exitcode is not None, "the promotion did not end"
    return process.exitcode


@dataclass(slots=True, kw_only=True)
class Proxy:
    """A socket in front of the router's: HAProxy's, unless a subclass says otherwise.

    Attributes:
        folder: Folder of both sockets.
        moment: When the victim is killed, see `MOMENTS`, or `ignore`: changes are acknowledged and not passed on.
        number: Number of the change, from 1, at which it is killed.
        victim: Its process id.
        changes: Changes so far.
    """

    folder: Path
    moment: str
    number: int = 0
    victim: int | None = None
    changes: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Serve until the end."""
        with self._listen() as listener:
            listener.settimeout(0.05)
            thread = threading.Thread(target=self._serve, args=(listener,))
            thread.start()
            try:
                yield
            finally:
                self._stop.set()
                thread.join()

    def _listen(self) -> socket.socket:
        path = self.folder / "proxy.sock"
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
        return listener

    def _is_change(self, command: bytes) -> bool:
        return command.startswith(b"set")

    def _receipt(self) -> bytes:
        return b"\n"

    def _ask(self, command: bytes) -> bytes:
        return ask(self.folder, command)

    def _serve(self, listener: socket.socket) -> None:
        while not self._stop.is_set():
            try:
                client, _ = listener.accept()
            except TimeoutError:
                continue
            with client, contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._exchange(client)

    def _exchange(self, client: socket.socket) -> None:
        command = client.recv(8192)
        change = self._is_change(command)
        self.changes += change
        is_due = change and self.changes == self.number
        if is_due and self.moment == "before":
            self._kill()
            return
        answer = self._receipt() if change and self.moment == "ignore" else self._ask(command)
        if is_due and self.moment == "lost":
            self._kill()
            return
        client.sendall(answer)

    def _kill(self) -> None:
        deadline = time.monotonic() + 5
        while self.victim is None and time.monotonic() < deadline:
            time.sleep(0.001)
        assert self.victim is not None
        os.kill(self.victim, signal.SIGKILL)


def ask(folder: Path, command: bytes) -> bytes:
    """Return the answer of the router."""
    with socket.socket(socket.AF_UNIX) as admin:
        admin.connect(str(folder / "admin.sock"))
        admin.sendall(command)
        return b"".join(iter(lambda: admin.recv(65536), b""))


@dataclass(slots=True, kw_only=True)
class AdminProxy(Proxy):
    """A port in front of the admin interface of Envoy; its number is in the file `proxy` of the folder."""

    def _listen(self) -> socket.socket:
        return socket.create_server(("127.0.0.1", int((self.folder / "proxy").read_text())))

    def _is_change(self, command: bytes) -> bool:
        return command.startswith(b"POST /runtime_modify")

    def _receipt(self) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nOK\n"

    def _ask(self, command: bytes) -> bytes:
        method, path, _ = command.decode().split(" ", 2)
        status, body = ask_admin(self.folder, method, path)
        return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (status, len(body), body)


def ask_admin(folder: Path, method: str, path: str) -> tuple[int, bytes]:
    """Return status and body of an answer of Envoy."""
    connection = http.client.HTTPConnection("127.0.0.1", int((folder / "admin").read_text()), timeout=10)
    with contextlib.closing(connection):
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read()


@dataclass(slots=True, kw_only=True)
class Watcher:
    """Reads all weights of HAProxy, or of what a subclass reads, at once, every 10 ms.

    Attributes:
        folder: Folder of the socket.
        candidate: Name of the candidate's server.
        shares: The candidate's shares; -1 if all weights were 0.
    """

    folder: Path
    candidate: str
    shares: list[float] = field(default_factory=list)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Read until the end."""
        stop = threading.Event()

        def watch() -> None:
            while not stop.is_set():
                weights = self._weights()
                total = sum(weights.values())
                self.shares.append(weights[self.candidate] / total if total else -1.0)
                time.sleep(0.01)

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _weights(self) -> dict[str, int]:
        rows = map(bytes.split, ask(self.folder, b"show servers state scorer\n").splitlines()[2:])
        return {row[3].decode(): int(row[7]) for row in rows if len(row) > 7}


@dataclass(slots=True, kw_only=True)
class RuntimeWatcher(Watcher):
    """Reads the runtime values of Envoy, which has one for each cluster.

    Attributes:
        prefix: Prefix of their keys.
    """

    prefix: str

    def _weights(self) -> dict[str, int]:
        entries = json.loads(ask_admin(self.folder, "GET", "/runtime?format=json")[1])["entries"]
        start = f"{self.prefix}."
        return {k.removeprefix(start): int(v["final_value"]) for k, v in entries.items() if k.startswith(start)}
