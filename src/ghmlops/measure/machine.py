"""The machine on which this process runs, in one line."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

from ghmlops.core.errors import InputError

_MODEL = re.compile(r"^model name\s*:\s*(.{1,80})$", re.MULTILINE)
_CPU_FILE = Path("/proc/cpuinfo")


def machine(cpu_file: Path = _CPU_FILE) -> str:
    """Return operating system, processors and Python: `Linux 6.8.0 x86_64, 4 CPUs (AMD EPYC 7763), Python 3.12.4`.

    Args:
        cpu_file: Linux: the list of processors; without it, their model is left out.
    """
    try:
        with cpu_file.open(encoding="utf-8", errors="replace") as stream:
            model = _MODEL.search(stream.read(4096))
    except OSError:
        model = None
    cpus = os.cpu_count() or 1
    count = f"{cpus} CPU{'' if cpus == 1 else 's'}" + (f" ({' '.join(model[1].split())})" if model else "")
    system = " ".join(filter(None, (platform.system(), platform.release(), platform.machine())))
    return f"{system}, {count}, Python {platform.python_version()}"


def require_linux(part: str) -> None:
    """Refuse a part of the suite that needs functions of Linux: epoll, process groups, control of descendants.

    Args:
        part: What was requested, the subject of the message.

    Raises:
        InputError: This is another system.
    """
    system = platform.system()
    if system != "Linux":
        raise InputError(
            f"{part} runs on Linux only, and this system is {system or 'unknown'}",
            hint="use a Linux runner (`runs-on: ubuntu-latest`), WSL or a container; `regression` runs on any system",
        )
