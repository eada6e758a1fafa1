"""Start a service as an ephemeral preview, or find it by its URL, wait until it is ready, give its URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from ghmlops.commands.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Common, Doc, Output

if TYPE_CHECKING:
    from ghmlops.commands.base import Result, Services


class Inputs(Common, frozen=True, kw_only=True):
    """Inputs of `preview`; what is empty comes from the policy's section `preview`."""

    command: Annotated[str, Doc(description="Command that starts the service; {port} becomes a free port.")] = ""
    url: Annotated[str, Doc(description="Address of a service that runs already, instead of a command.")] = ""
    ready: Annotated[str, Doc(description="Path that answers 2xx when the service is ready.")] = ""
    timeout: Annotated[str, Doc(description="How long to wait until it is ready, e.g. 60s.")] = ""
    lifetime: Annotated[str, Doc(description="The service is ended after this time at the latest.")] = "1h"
    stop: Annotated[str, Doc(description="End the preview with this pid (output pid) and its process tree.")] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    EVIDENCE_OUTPUT,
    Output("url", "Address of the ready service."),
    Output("pid", "Process id to hand to `stop`; empty where nothing was started."),
)


def run(inputs: Inputs, services: Services) -> Result:
    raise RuntimeError("being built")
