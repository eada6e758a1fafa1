"""Inputs and outputs of `preview`."""

from __future__ import annotations

from typing import Annotated

from ghmlops.commands.shared.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Common, Doc, Output


class Inputs(Common, frozen=True, kw_only=True):
    """Inputs of `preview`; empty ones are taken from the policy's section `preview`."""

    command: Annotated[str, Doc(description="Command that starts the service; {port} is replaced by a free port.")] = ""
    url: Annotated[str, Doc(description="Address of a running service, instead of a command.")] = ""
    ready: Annotated[str, Doc(description="Path that answers 2xx when the service is ready.")] = ""
    timeout: Annotated[str, Doc(description="Maximum time until the service is ready, e.g. 60s.")] = ""
    lifetime: Annotated[str, Doc(description="The service is terminated after this time at the latest.")] = "1h"
    allow_hosts: Annotated[
        str,
        Doc(
            description="Hosts beyond this machine at which a service may be waited for, by commas or lines: names, "
            "*.example.com, addresses, networks; targets in the policy can only narrow them."
        ),
    ] = ""
    allow_env: Annotated[
        str,
        Doc(description="Names of the variables whose value the policy may send in a header, by commas or lines."),
    ] = ""
    stop: Annotated[str, Doc(description="Terminate the preview with this pid (output pid) and its process tree.")] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    EVIDENCE_OUTPUT,
    Output("url", "Address of the ready service."),
    Output("pid", "Process id to pass to `stop`; empty if nothing was started."),
)
