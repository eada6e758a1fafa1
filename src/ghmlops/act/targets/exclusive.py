"""One promotion per target on this machine: a file that the system unlocks when the process ends, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.errors import InputError, NeedsPerson
from ghmlops.core.policy.target import EnvoyTarget, HaproxyTarget, KubernetesTarget, NginxTarget

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.core.policy.target import TargetSettings


@contextlib.contextmanager
def exclusive(settings: TargetSettings, root: Path) -> Iterator[None]:
    """Hold the target for this process.

    Args:
        settings: Settings of the target.
        root: Folder of the repository; relative paths start there.

    Raises:
        NeedsPerson: Another process promotes on this target.
        InputError: The file cannot be opened.
    """
    digest = hashlib.sha256(_identity(settings, root).encode()).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / f"ghmlops-target-{os.getuid()}-{digest}.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InputError(
            f"{path} cannot be opened: {error.strerror}", hint="is the temporary folder writable?"
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NeedsPerson(
                "another process on this machine promotes on this target",
                hint="wait for its end; two promotions would change the weights of each other",
                reason_code="target-busy",
            ) from None
        yield
    finally:
        os.close(descriptor)


def _identity(settings: TargetSettings, root: Path) -> str:
    """Return what names the router, whichever arms a policy gives it."""
    if isinstance(settings, HaproxyTarget):
        is_address = ":" in settings.socket and "/" not in settings.socket
        return f"haproxy\0{settings.socket if is_address else root / settings.socket}\0{settings.backend}"
    if isinstance(settings, EnvoyTarget):
        return f"envoy\0{settings.admin}\0{settings.runtime_key_prefix}"
    if isinstance(settings, NginxTarget):
        return f"nginx\0{root / settings.servers}"
    if isinstance(settings, KubernetesTarget):
        return f"kubernetes\0{settings.context}\0{settings.namespace}\0{settings.route}"
    return f"{root}\0{msgspec.json.encode(settings).decode()}"
