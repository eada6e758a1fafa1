"""Policy section `preview`: how the service under test is started."""

from __future__ import annotations

from ghmlops.core.policy.section import Section


class Preview(Section, frozen=True, kw_only=True):
    """How a running service is obtained: exactly one of `command` and `url`."""

    command: str = ""
    """Command line, split into words without a shell; `{port}` is replaced by a free port."""
    url: str = ""
    baseline_url: str = ""
    ready: str = "/"
    """Path that answers with a 2xx status when the service is ready."""
    timeout: float = 60.0
