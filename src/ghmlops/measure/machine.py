"""The machine on which this process runs, in one line."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

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
