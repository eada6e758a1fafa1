"""Policy section `preview`: how the service under test is started."""

from __future__ import annotations

from ghmlops.core.policy.section import Section


class Preview(Section, frozen=True, kw_only=True):
    """How to get a running service: exactly one of `command` and `url`."""

    command: str = ""
    """Shell-like words, split without a shell; `{port}` becomes a free port."""
    url: str = ""
    baseline_url: str = ""
    ready: str = "/"
    """Path that answers 2xx when the service is ready."""
    timeout: float = 60.0
