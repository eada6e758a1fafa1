"""Calls of `kubectl` with argument lists, a time limit and bounded output, and what its refusals mean.

What `kubectl` prints about its own configuration is never repeated: it may contain parts of the kubeconfig. Only
refusals of the API server are quoted.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import selectors
import signal
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.errors import ServiceError
from ghmlops.core.promotion.hook_text import hook_environment
from ghmlops.core.steps.step import short

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

    Operation = dict[str, object]
    """One operation of a JSON patch (RFC 6902)."""

MAX_OUTPUT_BYTES = 16 * 1024**2
"""Bytes of one output; a list of all autoscalers of a large namespace has some megabytes."""


class Conflict(ServiceError):
    """The object changed after it was read; nothing was changed."""


class AnswerLost(ServiceError):
    """Whether the call had an effect is not known."""


class Kubectl:
    """`kubectl` for one namespace.

    Args:
        namespace: The namespace.
        context: Context of the kubeconfig; empty: the current one.
        timeout: Seconds after which a call is ended.
    """

    def __init__(self, *, namespace: str, context: str, timeout: float) -> None:
        self._namespace, self._timeout = namespace, timeout
        # The request ends first, so that its error names the reason.
        self._prefix = ["kubectl", f"--namespace={namespace}", f"--request-timeout={max(1, round(timeout * 0.8))}s"]
        if context:
            self._prefix.append(f"--context={context}")

    def get(self, kind: str, *names: str) -> bytes:
        """Return objects of a kind as JSON: one object, or a list of them; without names all of the namespace.

        Raises:
            ServiceError: `kubectl` is missing, or the API server cannot be reached or refuses.
        """
        return self._run("get", kind, *names, "--output=json", "--show-managed-fields=true")

    def patch(
        self, kind: str, name: str, version: str, operations: Sequence[Operation], *, subresource: str = ""
    ) -> None:
        """Change an object that has not changed since it was read.

        Args:
            kind: Kind of the object.
            name: Its name.
            version: `resourceVersion` of the object that was read.
            operations: Operations of a JSON patch.
            subresource: Part of the object with own rights, e.g. `scale`.

        Raises:
            Conflict: The object has changed.
            AnswerLost: The call was ended, and may have had an effect.
            ServiceError: `kubectl` is missing, or the API server cannot be reached or refuses.
        """
        guard: Operation = {"op": "replace", "path": "/metadata/resourceVersion", "value": version}
        content = json.dumps([guard, *operations])
        extra = [f"--subresource={subresource}"] if subresource else []
        self._run("patch", kind, name, "--type=json", "--field-manager=ghmlops", f"--patch={content}", *extra)

    def _run(self, *arguments: str) -> bytes:
        try:
            process = subprocess.Popen(
                [*self._prefix, *arguments],
                env=hook_environment(os.environ, {}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise ServiceError(
                f"`kubectl` cannot be run: {error.strerror}",
                hint="install kubectl on the machine of this job, in its PATH",
                reason_code="target-unreachable",
            ) from None
        try:
            output, errors = self._communicate(process)
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)  # credential plug-ins too
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream:
                    stream.close()
        if process.returncode:
            raise self._refusal(arguments, errors.decode(errors="replace"))
        return output

    def _communicate(self, process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
        """Return both outputs of a process that ends within the time limit."""
        deadline = time.monotonic() + self._timeout
        parts: dict[IO[bytes], bytearray] = {s: bytearray() for s in (process.stdout, process.stderr) if s}
        with selectors.DefaultSelector() as selector:
            for stream in parts:
                selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    raise self._overdue()
                for key, _ in ready:
                    chunk = os.read(key.fd, 1 << 16)
                    if not chunk:
                        selector.unregister(key.fileobj)
                        continue
                    buffer = parts[key.fileobj]  # type: ignore[index]  # the streams that were registered
                    buffer += chunk
                    if len(buffer) > MAX_OUTPUT_BYTES:
                        raise AnswerLost(
                            f"`kubectl` printed more than {MAX_OUTPUT_BYTES >> 20} MiB",
                            hint="is this the API server of the cluster?",
                            reason_code="target-refused",
                        )
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise self._overdue() from None
        output, errors = parts.values()
        return bytes(output), bytes(errors)

    def _overdue(self) -> AnswerLost:
        return AnswerLost(
            f"`kubectl` did not finish within {self._timeout:g} s",
            hint="is the API server overloaded, or does a credential plug-in wait for a person? Raise `timeout`",
            reason_code="target-unreachable",
        )

    def _refusal(self, arguments: tuple[str, ...], errors: str) -> ServiceError:
        """Return the error of a failed call."""
        lines = [line for line in errors.splitlines() if _PROBLEM.match(line)]
        text = lines[-1] if lines else ""
        for row in _REFUSALS:
            if row.pattern.search(text):
                quoted = f": {short(text, 300)}" if text.startswith("Error from server") else ""
                return row.error(f"{row.message}{quoted}", hint=row.hint, reason_code=row.reason_code)
        if text.startswith("Error from server"):
            return ServiceError(
                f"the API server refuses: {short(text, 300)}",
                hint="compare `target.kubernetes` with the objects of the cluster",
                reason_code="target-refused",
            )
        words = " ".join(word for word in arguments[:3] if not word.startswith("-"))
        return ServiceError(
            f"`kubectl {words}` failed, and not by an answer of the API server",
            hint=f"run it by hand on the machine of this job: kubectl --namespace={self._namespace} {words}",
            reason_code="target-unreachable",
        )


class _Refusal(NamedTuple):
    """What a line of `kubectl` means."""

    pattern: re.Pattern[str]
    message: str
    hint: str
    reason_code: str
    error: type[ServiceError] = ServiceError


_PROBLEM = re.compile(r"error|Error|Unable to connect|The connection to the server", re.IGNORECASE)
_REFUSALS = (
    _Refusal(
        re.compile(r"^Error from server \(Conflict\)"),
        "the object changed after it was read",
        "another controller or a person changes it too",
        "target-conflict",
        Conflict,
    ),
    _Refusal(
        re.compile(r"^Error from server \(Forbidden\)"),
        "the API server forbids it",
        "bind the Role of actions/promote/README.md (Kubernetes) to the user of this job",
        "target-refused",
    ),
    _Refusal(
        re.compile(r"^Error from server \(NotFound\)"),
        "there is no such object",
        "compare `target.kubernetes` with the objects of the cluster",
        "target-refused",
    ),
    _Refusal(
        re.compile(r"^Error from server \((Timeout|ServerTimeout|TooManyRequests|ServiceUnavailable|InternalError)\)"),
        "the API server did not finish",
        "is it overloaded?",
        "target-unreachable",
        AnswerLost,
    ),
    _Refusal(
        re.compile(r"doesn't have a resource type"),
        "the cluster has no HTTPRoutes",
        "install the custom resources of the Gateway API",
        "target-refused",
    ),
    _Refusal(
        re.compile(r"Unauthorized|must be logged in|provide credentials|getting credentials"),
        "the API server does not accept the credentials of this job",
        "is the token expired, or the wrong context used?",
        "target-refused",
    ),
    _Refusal(
        re.compile(r"context .* does not exist|no context exists"),
        "the kubeconfig has no such context",
        "compare `target.kubernetes.context` with `kubectl config get-contexts`",
        "target-refused",
    ),
    _Refusal(
        re.compile(
            r"Unable to connect|The connection to the server|connection refused|no such host|i/o timeout|"
            r"deadline exceeded|Client\.Timeout|x509|EOF|connection reset"
        ),
        "the API server cannot be reached",
        "is the kubeconfig that of the cluster, and may this machine connect to it?",
        "target-unreachable",
        AnswerLost,
    ),
)
"""By the first match; what `kubectl` says about its own configuration is not quoted."""
