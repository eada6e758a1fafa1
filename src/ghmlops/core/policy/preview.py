"""Policy section `preview`: how the service under test is started."""

from __future__ import annotations

import msgspec

from ghmlops.core.policy.section import Section


class Preview(Section, frozen=True, kw_only=True):
    """How a running service is obtained: exactly one of `command` and `url`."""

    build: str = ""
    """Shell text that bash runs in the work tree of each arm before its service starts; empty: nothing is built."""
    build_timeout: float = 1800.0
    """Seconds."""
    command: str = ""
    """Command line, split into words without a shell; `{port}` is replaced by a free port, `{sha}` by the commit of the
    arm and `{workdir}` by its work tree."""
    url: str = ""
    """Address of a deployment; `{sha}` is replaced by the commit of the arm."""
    baseline_url: str = ""
    ready: str = "/"
    """Path that answers with a 2xx status when the service is ready."""
    timeout: float = 60.0
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    """Headers of the readiness probe; `${NAME}` in a value is replaced by the environment variable."""
    ca_file: str = ""
    """PEM file of the certificate authorities for https, in place of those of the system."""
    ready_contains: str = ""
    """Text that the answer must contain."""
    ready_answers: int = 1
    """Number of good answers in a row after which the service is ready."""
