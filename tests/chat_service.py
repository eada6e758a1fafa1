"""A chat service that streams like OpenAI's; the model of the request selects the stream; prints its port.

    python chat_service.py [--first SECONDS] [--gap SECONDS]

A request's `max_tokens` sets the number of tokens (8 by default). Models: `tiny` streams to the end, `usage` adds the
chunk that reports usage, `lumps` sends several events per write and splits others, `dies` closes the connection before
the end, `cut` ends the body without `[DONE]`, and `mute` sends no token.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
DONE = b"data: [DONE]\n\n"


def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps({"object": "chat.completion.chunk", "choices": [choice]}).encode() + b"\n\n"


def events(model: str, n: int) -> list[bytes]:
    """Return the complete stream: role, `n` tokens, finish reason and end marker."""
    tokens = [event({"content": f" word{i}"}) for i in range(0 if model == "mute" else n)]
    stream = [event({"role": "assistant", "content": ""}), *tokens]
    if model in ("dies", "cut"):
        return stream
    stream.append(event({}, "stop"))
    if model == "usage":
        stream.append(b'data: {"choices": [], "usage": {"completion_tokens": 3}}\n\n')
    return [b": welcome\n\n", *stream, DONE]


class Chat:
    """The service.

    Attributes:
        first: Seconds before the first token.
        gap: Seconds between tokens.
    """

    def __init__(self, first: float, gap: float) -> None:
        self.first, self.gap = first, gap

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._exchange(reader, writer):
                pass
        writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(int(line[15:]) for line in head.split("\r\n") if line.startswith("content-length:"))
        request = json.loads(await reader.readexactly(length))
        if not head.startswith("POST /v1/chat/completions ") or request.get("stream") is not True:
            writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}")
            return True
        writer.write(HEAD)
        stream = events(request["model"], request.get("max_tokens", 8))
        if request["model"] == "lumps":
            body = b"".join(stream)
            stream = [body[start : start + 100] for start in range(0, len(body), 100)]
        await asyncio.sleep(self.first)
        for piece in stream:
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
            await asyncio.sleep(self.gap)
        if request["model"] == "dies":
            return False
        writer.write(b"0\r\n\r\n")
        return True


@contextlib.contextmanager
def started(*arguments: str) -> Iterator[str]:
    """Run the service in a separate process and yield its address."""
    command = [sys.executable, __file__, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()
            process.wait(10)


async def serve(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_server(Chat(options.first, options.gap).connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await stop.wait()
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--first", type=float, default=0.0)
    parser.add_argument("--gap", type=float, default=0.0)
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
