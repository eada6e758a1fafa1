"""Processes of the service, and what a command of this process did."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a command did: its exit code, its outputs, and what it printed."""

    code: int
    outputs: dict[str, str]
    text: str


def start_service(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Start the service of a folder and wait until it answers."""
    command = [sys.executable, "serve.py", "--port", str(port)]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
                return process
        except OSError:
            assert process.poll() is None, "the service ended"
            assert time.monotonic() < deadline, "the service does not answer"
            time.sleep(0.02)


def step_outputs(text: str) -> dict[str, str]:
    """Return step outputs, of which each is a line or a block with a delimiter."""
    values, lines = {}, iter(text.splitlines())
    for line in lines:
        name, separator, value = line.partition("=")
        if separator and "<<" not in name:
            values[name] = value
        elif "<<" in line:
            name, _, end = line.partition("<<")
            block = []
            for inner in lines:
                if inner == end:
                    break
                block.append(inner)
            values[name] = "\n".join(block)
    return values
