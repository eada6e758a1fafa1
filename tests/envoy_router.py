"""A real Envoy on loopback with weighted clusters, for tests of targets and promotions."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from haproxy_router import Router, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_TOOLS = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ghmlops" / "tools"
ENVOY = Path(os.environ.get("GHMLOPS_ENVOY") or max(map(str, _TOOLS.glob("envoy-*/bin/envoy")), default="envoy"))
needs_envoy = pytest.mark.skipif(not ENVOY.is_file(), reason="envoy is missing: `scripts/test` installs it")
PREFIX, TESTERS = "shop.split", "shop.testers"
"""Prefixes of the runtime keys of the route, and of the one for requests with the header `x-release`."""
_TYPE = "type.googleapis.com/envoy.extensions."
_LOG = {
    "start_time": "%START_TIME%",
    "upstream_cluster": "%UPSTREAM_CLUSTER%",
    "response_code": "%RESPONSE_CODE%",
    "response_flags": "%RESPONSE_FLAGS%",
    "duration": "%DURATION%",
    "route_name": "%ROUTE_NAME%",
}


@contextlib.contextmanager
def running_envoy(
    folder: Path,
    servers: Mapping[str, tuple[int, int]],
    *,
    admin_layer: bool = True,
    health_check: bool = False,
    timeout: str = "10s",
    routes: Sequence[Any] = (),
) -> Iterator[Router]:
    """Start Envoy with one cluster per server, and end it; the port of its admin interface is in the file `admin`.

    Args:
        folder: Empty folder for the configuration and `access.log`.
        servers: Name of a cluster to (port, weight).
        admin_layer: Whether runtime values can be changed.
        health_check: Whether hosts are checked every 100 ms by a TCP connection.
        timeout: Longest wait for an answer of a cluster, which ends with status 504.
        routes: Routes in place of the weighted ones.
    """
    port, admin = free_port(), free_port()
    configuration = _configuration(folder, servers, port, admin, timeout)
    if routes:
        manager = configuration["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
        manager["route_config"]["virtual_hosts"][0]["routes"] = list(routes)
    if admin_layer:
        configuration["layered_runtime"] = {"layers": [{"name": "admin", "admin_layer": {}}]}
    if health_check:
        for cluster in configuration["static_resources"]["clusters"]:
            thresholds = {"healthy_threshold": 1, "unhealthy_threshold": 1}
            times = {"timeout": "1s", "interval": "0.1s", "no_traffic_interval": "0.1s"}
            cluster["health_checks"] = [{**thresholds, **times, "tcp_health_check": {}}]
    file = folder / "envoy.json"
    file.write_text(json.dumps(configuration))
    (folder / "admin").write_text(str(admin))
    (folder / "access.log").touch()
    process = start_envoy(folder)
    try:
        wait_until_live(folder, process)
        yield Router(folder=folder, port=port, process=process)
    finally:
        process.kill()
        process.wait(10)


def start_envoy(folder: Path) -> subprocess.Popen[bytes]:
    """Start Envoy with the configuration of a folder."""
    command = [str(ENVOY), "-c", str(folder / "envoy.json"), "--concurrency", "1", "--use-dynamic-base-id"]
    command += ["--file-flush-interval-msec", "50", "-l", "error", "--drain-time-s", "1"]
    with (folder / "envoy.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def wait_until_live(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait for the admin interface and the first configuration."""
    deadline = time.monotonic() + 30
    while not _is_live(int((folder / "admin").read_text())):
        assert process.poll() is None, (folder / "envoy.log").read_text()
        assert time.monotonic() < deadline, "Envoy is not live"
        time.sleep(0.02)


def _is_live(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/ready")
        with connection.getresponse() as answer:
            return answer.read().strip() == b"LIVE"
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _configuration(
    folder: Path, servers: Mapping[str, tuple[int, int]], port: int, admin: int, timeout: str
) -> dict[str, Any]:
    weighted = [{"name": name, "weight": weight} for name, (_, weight) in servers.items()]
    route, testers = (
        {"weighted_clusters": {"runtime_key_prefix": prefix, "clusters": weighted}, "timeout": timeout}
        for prefix in (PREFIX, TESTERS)
    )
    header = {"prefix": "/", "headers": [{"name": "x-release", "present_match": True}]}
    log = {"@type": f"{_TYPE}access_loggers.file.v3.FileAccessLog", "path": str(folder / "access.log")}
    manager = {
        "@type": f"{_TYPE}filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "shop",
        "access_log": [{"name": "log", "typed_config": {**log, "log_format": {"json_format": _LOG}}}],
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{_TYPE}filters.http.router.v3.Router"}}],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "shop",
                    "domains": ["*"],
                    "routes": [
                        {"name": TESTERS, "match": header, "route": testers},
                        {"match": {"prefix": "/"}, "route": route},
                    ],
                }
            ]
        },
    }
    listener = {
        "address": _address(port),
        "filter_chains": [{"filters": [{"name": "manager", "typed_config": manager}]}],
    }
    clusters = [
        {
            "name": name,
            "connect_timeout": "1s",
            "load_assignment": {
                "cluster_name": name,
                "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(server)}}]}],
            },
        }
        for name, (server, _) in servers.items()
    ]
    return {
        "admin": {"address": _address(admin)},
        "static_resources": {"listeners": [listener], "clusters": clusters},
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
