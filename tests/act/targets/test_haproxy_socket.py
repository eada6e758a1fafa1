"""States of servers as a real HAProxy reports them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.act.targets.haproxy_socket import RuntimeSocket, ServerState, server_states
from ghmlops.core.errors import ServiceError
from haproxy_router import needs_haproxy, running_haproxy

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_haproxy


def test_states_of_servers(tmp_path: Path) -> None:
    """Running, in maintenance, in drain; one that the configuration disables serves once it is made ready."""
    names = ("a", "b", "c", "d")
    with running_haproxy(tmp_path, dict.fromkeys(names, (9, 1)), timeout="10s\n    default-server disabled") as router:
        runtime = RuntimeSocket("admin.sock", router.folder)
        states = server_states(runtime, "scorer", names)
        assert set(states.values()) == {ServerState(is_running=False, is_in_maintenance=True, is_draining=False)}
        for name, state in (("a", "ready"), ("b", "drain"), ("c", "maint")):
            runtime.ask(f"set server scorer/{name} state {state}")
        states = server_states(runtime, "scorer", names)
        assert [name for name in names if states[name].is_enabled] == ["a"]
        assert [name for name in names if states[name].is_draining] == ["b"]
        assert [name for name in names if states[name].is_in_maintenance] == ["c", "d"]
        assert states["a"].is_running


def test_a_backend_that_does_not_exist(tmp_path: Path) -> None:
    """It is an error with the servers that were looked for, and not a backend without servers."""
    with running_haproxy(tmp_path, {"a": (9, 1)}) as router, pytest.raises(ServiceError) as caught:
        server_states(RuntimeSocket("admin.sock", router.folder), "other", ("a",))
    assert caught.value.reason_code == "target-refused"
