"""The service: `POST /predict` with a flight as JSON returns how likely it arrives more than 15 minutes late."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

# One row needs one thread; idle OpenMP threads would spin and disturb other processes on a small machine.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import joblib  # type: ignore[import-untyped]
import uvicorn
from features import row

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Message = dict[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

ARTIFACT = joblib.load(Path(__file__).with_name("model.joblib"))


def score(flight: dict[str, Any]) -> float:
    """Return the probability that the flight arrives more than 15 minutes late."""
    return float(ARTIFACT["model"].predict_proba([row(flight, ARTIFACT["vocabulary"])])[0, 1])


def answer(flight: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to one flight."""
    probability = score(flight)
    return {"p_late": round(probability, 6), "says_late": probability >= 0.5}


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """ASGI application with two paths, JSON in and out."""
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    body = b""
    while (message := await receive()).get("more_body"):
        body += message["body"]
    body += message.get("body", b"")
    if scope["path"] == "/healthz":
        await respond(send, 200, {"ready": True})
    elif scope["path"] != "/predict" or scope["method"] != "POST":
        await respond(send, 404, {"error": "POST /predict or GET /healthz"})
    else:
        await predict(send, body)


async def predict(send: Send, body: bytes) -> None:
    """Answer one flight, or report the error in the request."""
    try:
        content = answer(json.loads(body))
    except (KeyError, TypeError, ValueError) as error:
        await respond(send, 422, {"error": repr(error)})
    else:
        await respond(send, 200, content)


async def respond(send: Send, status: int, content: dict[str, Any]) -> None:
    """Send one JSON answer."""
    data = json.dumps(content).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(data)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    uvicorn.run(app, host="127.0.0.1", port=parser.parse_args().port, access_log=False, lifespan="off")
