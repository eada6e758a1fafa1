"""A real API server of Kubernetes on loopback without controllers, for tests of the deploy target.

No Gateway, no scheduler and no Deployment controller run: a test writes the status that they would write.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from haproxy_router import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOOLS = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ghmlops" / "tools"
FOLDER = Path(
    os.environ.get("GHMLOPS_KUBERNETES") or max(map(str, _TOOLS.glob("kubernetes-????????????")), default="kubernetes")
)
KUBECTL = shutil.which("kubectl")
needs_kubernetes = pytest.mark.skipif(
    not (FOLDER / "kube-apiserver").is_file() or KUBECTL is None,
    reason="kube-apiserver is missing: `GHMLOPS_KUBERNETES=build scripts/test` builds it (and kubectl is needed)",
)
ROUTES = "/apis/gateway.networking.k8s.io/v1"
ADMIN = "admin"
"""User with all rights; its token is its name, as that of every user."""


@dataclass(slots=True, kw_only=True)
class Cluster:
    """An API server.

    Attributes:
        folder: Folder of its files.
        port: Its port.
        processes: The store and the server.
    """

    folder: Path
    port: int
    processes: list[subprocess.Popen[bytes]]
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def call(self, method: str, path: str, body: object = None, *, patch: str = "merge") -> Any:
        """Return the answer to a request with all rights.

        Args:
            method: Method.
            path: Path of the object or of its collection.
            body: Content; bytes are YAML.
            patch: Kind of the patch: merge or json.
        """
        context = ssl.create_default_context(cafile=str(self.folder / "pki" / "apiserver.crt"))
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=20)
        kind = f"application/{patch}-patch+json" if method == "PATCH" else "application/json"
        if isinstance(body, bytes):
            kind = "application/yaml"
        try:
            connection.request(
                method,
                path,
                None if body is None else body if isinstance(body, bytes) else json.dumps(body),
                {"Authorization": f"Bearer {ADMIN}", "Content-Type": kind},
            )
            answer = connection.getresponse()
            content = json.loads(answer.read())
        finally:
            connection.close()
        assert answer.status < 300, content
        return content

    def namespace(self) -> str:
        """Create a namespace of its own for a test."""
        name = f"shop-{os.getpid()}-{next(self._numbers)}"
        self.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        return name

    def kubeconfig(self, user: str = ADMIN, *, port: int | None = None) -> Path:
        """Return a kubeconfig of a user; its context is `test`."""
        path = self.folder / f"kubeconfig-{user}-{port or self.port}"
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "test",
                    "cluster": {
                        "server": f"https://127.0.0.1:{port or self.port}",
                        "certificate-authority": str(self.folder / "pki" / "apiserver.crt"),
                    },
                }
            ],
            "users": [{"name": user, "user": {"token": user}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
        }
        path.write_text(yaml.safe_dump(content))
        return path


_shared: list[tuple[contextlib.ExitStack, Cluster]] = []


def shared_cluster() -> Cluster:
    """Return the API server of this session, which `stop_shared_cluster` ends."""
    if not _shared:
        stack = contextlib.ExitStack()
        _shared.append((stack, stack.enter_context(_running_cluster())))
    return _shared[0][1]


def stop_shared_cluster() -> None:
    """End the API server of this session, if there is one."""
    while _shared:
        _shared.pop()[0].close()


@contextlib.contextmanager
def _running_cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="ghmlops-kubernetes-") as name, contextlib.ExitStack() as stack:
        folder, port, store = Path(name), free_port(), free_port()
        key = ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(folder / "sa.key")]
        subprocess.run(key, check=True, capture_output=True, timeout=20)
        users = [f'{ADMIN},{ADMIN},{ADMIN},"system:masters"', *(f"{user},{user},{user}" for user in USERS)]
        (folder / "tokens.csv").write_text("\n".join(users) + "\n")
        cluster = Cluster(folder=folder, port=port, processes=[])
        for command in (_store_command(folder, store), _server_command(folder, port, store)):
            log = stack.enter_context((folder / f"{Path(command[0]).name}.log").open("wb"))
            process = subprocess.Popen(command, stdout=log, stderr=log)
            cluster.processes.append(process)
            stack.callback(_end, process)
        _wait_until_ready(cluster)
        definition = (FOLDER / "httproutes.yaml").read_bytes()
        cluster.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
        _wait_for(lambda: cluster.call("GET", f"{ROUTES}/namespaces/default/httproutes"))
        yield cluster


USERS = ("promoter", "scaler", "reader", "nobody")
"""Users without rights of their own; a test binds roles to them."""


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(20)


def _store_command(folder: Path, port: int) -> list[str]:
    client, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{free_port()}"
    return [
        str(FOLDER / "etcd"),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        "--unsafe-no-fsync",
        "--log-level=error",
    ]


def _server_command(folder: Path, port: int, store: int) -> list[str]:
    return [
        str(FOLDER / "kube-apiserver"),
        f"--etcd-servers=http://127.0.0.1:{store}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={folder / 'pki'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder / 'sa.key'}",
        f"--service-account-signing-key-file={folder / 'sa.key'}",
        "--disable-admission-plugins=ServiceAccount",
        "--watch-cache=false",
    ]


def _wait_until_ready(cluster: Cluster) -> None:
    def is_ready() -> None:
        assert all(process.poll() is None for process in cluster.processes), _logs(cluster.folder)
        cluster.call("GET", "/api/v1/namespaces/default")

    _wait_for(is_ready)


def _logs(folder: Path) -> str:
    return "\n".join(path.read_text(errors="replace")[-3000:] for path in folder.glob("*.log"))


def _wait_for(attempt: Any) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            attempt()
        except (OSError, http.client.HTTPException, ValueError, AssertionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
