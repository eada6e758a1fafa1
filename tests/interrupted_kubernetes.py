"""Processes that use the Kubernetes target and are killed. A child process imports this file by its name."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from interrupted_promotion import SPAWN, promote_quickly

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.core.policy.target import KubernetesTarget

VARIABLES = ("PATH", "KUBECONFIG")
"""What the child process has of the environment of the test."""


def run_elsewhere(folder: Path, *arguments: str) -> int | None:
    """Run a promotion in another process; return its exit code, -9 if it was killed."""
    process = SPAWN.Process(target=_promote, args=(str(folder), _environ(), arguments))
    process.start()
    process.join(60)
    return process.exitcode


def scale_elsewhere(settings: KubernetesTarget, folder: Path, replicas: int) -> int | None:
    """Scale the candidate in another process; return its exit code, -9 if it was killed."""
    process = SPAWN.Process(target=_scale, args=(settings, folder, _environ(), replicas))
    process.start()
    process.join(60)
    return process.exitcode


def _environ() -> dict[str, str]:
    return {name: os.environ[name] for name in VARIABLES}


def _promote(folder: str, environ: dict[str, str], arguments: tuple[str, ...]) -> None:
    os.environ.update(environ)
    promote_quickly(folder, arguments)


def _scale(settings: KubernetesTarget, folder: Path, environ: dict[str, str], replicas: int) -> None:
    from ghmlops.act.targets.kubernetes import Kubernetes

    os.environ.update(environ)
    Kubernetes(settings, folder).scale("candidate", replicas)
    os._exit(0)
