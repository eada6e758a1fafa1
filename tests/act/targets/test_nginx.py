"""An upstream of a real nginx: where requests go after a reload, and what nginx refuses."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from ghmlops.act.targets import apply_shares, open_target, read_shares
from ghmlops.core.errors import ServiceError
from ghmlops.core.policy.target import NginxTarget
from ghmlops.core.promotion.weights import BASELINE_ONLY, Shares, rung_shares
from nginx_router import answer_of, needs_nginx, running_nginx

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = NginxTarget(
    servers="servers.conf", candidate=("127.0.0.1:1",), baseline=("127.0.0.1:2",), check="true", reload="true"
)
GOOD = "server 127.0.0.1:1 down;\nserver 127.0.0.1:2 weight=7;\n"


@needs_nginx
def test_requests_follow_the_weights_of_a_reload(tmp_path: Path) -> None:
    """All at the pool, half at the candidate, all at the candidate: counted at the servers."""
    with running_nginx(tmp_path, ("v2", "v1t", "v1")) as (port, settings):
        target = open_target(settings, tmp_path)
        for shares, names in (
            (BASELINE_ONLY, {"v1"}),
            (rung_shares(0.25, with_twin=True), {"v2", "v1t", "v1"}),
            (Shares(candidate=1.0), {"v2"}),
            (BASELINE_ONLY, {"v1"}),
        ):
            assert apply_shares(target, shares) == read_shares(target)
            deadline = time.monotonic() + 20
            while {answer_of(port) for _ in range(40)} != names:  # the new workers start in their own time
                assert time.monotonic() < deadline
        assert read_shares(target) == BASELINE_ONLY


@needs_nginx
def test_a_configuration_that_nginx_refuses_is_taken_back(tmp_path: Path) -> None:
    """The file is as before, and the workers serve on."""
    with running_nginx(tmp_path, ("v2", "v1t", "v1")) as (port, settings):
        target, before = open_target(settings, tmp_path), (tmp_path / "servers.conf").read_text()
        with (tmp_path / "nginx.conf").open("a") as file:
            file.write("nonsense;\n")
        with pytest.raises(ServiceError) as caught:
            apply_shares(target, rung_shares(0.25, with_twin=True))
        assert caught.value.reason_code == "target-refused"
        assert "nonsense" in caught.value.message
        assert "\n" not in caught.value.message
        assert [row for row in (tmp_path / "servers.conf").read_text().splitlines() if row[0] != "#"] == before.split(
            "\n"
        )[:-1]
        assert answer_of(port) == "v1"


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "server 127.0.0.1:1 down;\n",
        GOOD + "server 127.0.0.1:3 weight=1;\n",
        GOOD + "keepalive 16;\n",
        GOOD.replace("weight=7", "weight=7 max_fails=1"),
        GOOD.replace("weight=7", "weight=-7"),
        GOOD.replace("weight=7", ""),
        GOOD + GOOD,
        "\x00\xff",
    ],
)
def test_a_file_of_something_else_is_not_overwritten(tmp_path: Path, content: str | None) -> None:
    """No file, other servers, other directives and garbage are errors; nothing is written."""
    if content is not None:
        (tmp_path / "servers.conf").write_text(content, encoding="latin-1")
    target = open_target(SETTINGS, tmp_path)
    for task in (target.server_weights, lambda: target.set_weight("pool", 1)):
        with pytest.raises(ServiceError) as caught:
            task()
        assert caught.value.reason_code == "target-refused"
    if content is not None:
        assert (tmp_path / "servers.conf").read_text(encoding="latin-1") == content


def test_comments_and_spaces_are_no_other_directives(tmp_path: Path) -> None:
    """A file as a person writes it."""
    (tmp_path / "servers.conf").write_text(
        "# the arms\n  server   127.0.0.1:1 down ; # v2; new\n\n" + GOOD.split("\n")[1]
    )
    assert open_target(SETTINGS, tmp_path).server_weights() == {"candidate": (0,), "pool": (7,)}


@pytest.mark.parametrize("command", ["false", "/nowhere/nginx -t", "sh -c 'echo no >&2; exit 3'"])
@pytest.mark.parametrize("name", ["check", "reload"])
def test_a_command_that_fails(tmp_path: Path, command: str, name: str) -> None:
    """The weights are those of before."""
    (tmp_path / "servers.conf").write_text(GOOD)
    target = open_target(msgspec.structs.replace(SETTINGS, **{name: command}), tmp_path)
    with pytest.raises(ServiceError):
        target.set_weight("candidate", 3)
    assert target.server_weights() == {"candidate": (0,), "pool": (7,)}
