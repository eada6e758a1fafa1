"""A small router with three arms and a steady load, for the last act: `python -m demo_flights.router FOLDER`.

It splits requests by the weights in the files `candidate.weight`, `twin.weight` and `pool.weight`, ends a request with
status 504 after `TIME_LIMIT`, and appends one JSON line per request to `access.jsonl`. If the file `slow` exists, the
candidate answers one request at a time: enough for a small share of the load, too little for a quarter of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ARMS = ("candidate", "twin", "pool")
RATE = 80.0
"""Requests per second."""
CONNECTIONS = 16
ANSWER_SECONDS, SLOW_SECONDS = 0.01, 0.1
"""Seconds of an answer, and those of a candidate that answers one request at a time: 10 of the 20 requests per
second that it receives at a share of 25 %, and all of the 4 at 5 %."""
TIME_LIMIT = 1.0
"""Seconds after which the router gives up, far above what a machine that is busy with something else adds."""


@dataclass(slots=True)
class Router:
    """The router and its arms.

    Args:
        folder: Folder with the weights and the log.
    """

    folder: Path
    owed: dict[str, float] = field(default_factory=lambda: dict.fromkeys(ARMS, 0.0))
    slot: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    def arm(self) -> str:
        """Return the arm of the next request: the one that is furthest behind its weight."""
        with contextlib.suppress(ValueError, OSError):  # a file in mid-change: the last weights count once more
            weights = {arm: float((self.folder / f"{arm}.weight").read_text()) for arm in ARMS}
            for arm, weight in weights.items():
                self.owed[arm] = self.owed[arm] + weight / sum(weights.values()) if weight else -1.0
        arm = max(self.owed, key=lambda name: self.owed[name])
        self.owed[arm] -= 1.0
        return arm

    async def answer(self, arm: str) -> None:
        """Take the time of an arm."""
        if arm == "candidate" and (self.folder / "slow").exists():
            async with self.slot:
                await asyncio.sleep(SLOW_SECONDS)
        else:
            await asyncio.sleep(ANSWER_SECONDS)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                arm, at, start, status = self.arm(), time.time(), time.monotonic(), 200
                try:
                    await asyncio.wait_for(self.answer(arm), TIME_LIMIT)
                except TimeoutError:
                    status = 504
                row = {"at": at, "arm": arm, "seconds": time.monotonic() - start, "status": status}
                with (self.folder / "access.jsonl").open("a") as log:
                    log.write(json.dumps(row) + "\n")
                writer.write(b"HTTP/1.1 %d -\r\nContent-Length: 0\r\n\r\n" % status)
                await writer.drain()
        writer.close()


async def send(port: int, start: float) -> None:
    """Send requests on one connection at a constant rate."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    due, clock = start, asyncio.get_running_loop().time
    while True:
        await asyncio.sleep(max(0.0, due - clock()))
        due = max(due + CONNECTIONS / RATE, clock())  # no burst after a pause of the machine
        writer.write(b"GET /predict HTTP/1.1\r\nHost: demo\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")


async def run(folder: Path) -> None:
    """Serve until the process is ended; the file `ready` says that requests arrive."""
    server = await asyncio.start_server(Router(folder).serve, "127.0.0.1", 0)
    port, now = server.sockets[0].getsockname()[1], asyncio.get_running_loop().time()
    clients = [asyncio.create_task(send(port, now + index / RATE)) for index in range(CONNECTIONS)]
    (folder / "ready").touch()
    async with server:
        await asyncio.gather(*clients)


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1])))
