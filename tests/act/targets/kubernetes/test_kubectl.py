"""What `kubectl` does instead of answering: it is missing, hangs, prints too much, or names what nobody should read."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from ghmlops.act.targets.kubernetes import kubectl
from ghmlops.act.targets.kubernetes.kubectl import AnswerLost, Conflict, Kubectl
from ghmlops.core.errors import ServiceError

if TYPE_CHECKING:
    from pathlib import Path


def stub(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str, timeout: float = 20.0) -> Kubectl:
    """Return the calls of a program that stands for `kubectl`."""
    (folder / "kubectl").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return Kubectl(namespace="shop", context="c; id", timeout=timeout)


def test_arguments_are_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No shell reads them, and the token of the job is not passed on."""
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    client = stub(tmp_path, monkeypatch, 'printf "%s\\n" "$@" "token=$GITHUB_TOKEN"')
    lines = client.get("routes", "scorer").decode().splitlines()
    assert lines[:3] == ["--namespace=shop", "--request-timeout=16s", "--context=c; id"]
    assert lines[3:6] == ["get", "routes", "scorer"]
    assert lines[-1] == "token="


def test_kubectl_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says where it must be."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServiceError) as caught:
        Kubectl(namespace="shop", context="", timeout=5.0).get("routes")
    assert caught.value.reason_code == "target-unreachable"
    assert "PATH" in caught.value.hint


def test_a_call_that_hangs_is_ended_with_what_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A credential plug-in that waits for a person is ended too."""
    client = stub(tmp_path, monkeypatch, f"sleep 300 & echo $! > {tmp_path}/pid; wait", timeout=0.5)
    with pytest.raises(AnswerLost) as caught:
        client.get("routes")
    assert caught.value.reason_code == "target-unreachable"
    child = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 20
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(child)


def is_running(process: int) -> bool:
    """Return whether a process runs; one that has ended and was not waited for does not."""
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_an_endless_answer_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory is bounded."""
    monkeypatch.setattr(kubectl, "MAX_OUTPUT_BYTES", 1 << 16)
    with pytest.raises(ServiceError) as caught:
        stub(tmp_path, monkeypatch, "yes").get("routes")
    assert caught.value.reason_code == "target-refused"


@pytest.mark.parametrize(
    ("line", "reason_code", "kind"),
    [
        ("Error from server (Conflict): the object has been modified", "target-conflict", Conflict),
        ('Error from server (Forbidden): x is forbidden: User "u" cannot patch', "target-refused", ServiceError),
        ("Error from server (Invalid): weight is too large", "target-refused", ServiceError),
        ("Error from server (Timeout): etcd", "target-unreachable", AnswerLost),
        ('error: the server doesn\'t have a resource type "httproutes"', "target-refused", ServiceError),
        ("error: You must be logged in to the server (Unauthorized)", "target-refused", ServiceError),
        ('error: context "x" does not exist', "target-refused", ServiceError),
        ("The connection to the server 10.0.0.1:6443 was refused", "target-unreachable", AnswerLost),
        ("Unable to connect to the server: x509: certificate is not valid", "target-unreachable", AnswerLost),
        ("error: error loading config file: yaml: token: hunter2", "target-unreachable", ServiceError),
        ("", "target-unreachable", ServiceError),
    ],
)
def test_refusals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, reason_code: str, kind: type[ServiceError]
) -> None:
    """Only what the API server says is quoted: a line about the kubeconfig may contain a secret."""
    (tmp_path / "line").write_text(f"Warning: old\n{line}\n")
    with pytest.raises(ServiceError) as caught:
        stub(tmp_path, monkeypatch, f"cat {tmp_path}/line >&2; exit 1").get("routes", "scorer")
    assert (type(caught.value), caught.value.reason_code) == (kind, reason_code)
    text = f"{caught.value.message} {caught.value.hint}"
    assert "hunter2" not in text
    assert "10.0.0.1" not in text
    assert "\n" not in text
