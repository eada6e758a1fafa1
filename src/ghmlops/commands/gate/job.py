"""Everything that `ghmlops gate` needs, read and checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.commands.shared.policy_file import history_policies, load_policy
from ghmlops.commands.shared.provenance import commit_under_test
from ghmlops.core.context import is_sha
from ghmlops.core.errors import InputError
from ghmlops.core.evidence.remeasured import read_remeasured
from ghmlops.core.evidence.run import RunFacts
from ghmlops.core.model import Outcome
from ghmlops.core.verdict.rules import Rules
from ghmlops.measure import checkout
from ghmlops.report.text.escape import printable

if TYPE_CHECKING:
    from ghmlops.commands.gate.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.document import Policy
    from ghmlops.measure.github import Client
    from ghmlops.measure.github.attestations import Signer

_SHORT_SHA = re.compile(r"[0-9a-f]{7,39}")
_ADDRESS = re.compile(r"https?://[^\s/]\S*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything that the gate needs, read and checked.

    Attributes:
        policy: the policy of the trusted branch.
        rules: the commit to judge, and the conditions for evidence to count.
        environment: name of the environment.
        environment_url: address of the deployed service; may be empty.
    """

    policy: Policy
    rules: Rules
    environment: str
    environment_url: str


def prepare(inputs: Inputs, services: Services, client: Client | None) -> Job:
    """Read the inputs and the policy, and ask GitHub what is deployed.

    Args:
        inputs: inputs of the command.
        services: services of the command.
        client: connection to GitHub; `None` without a token.

    Raises:
        InputError: An input is malformed.
        PolicyError: The policy is not valid.
        GitHubError: The deployments could not be read.
    """
    policy = load_policy(services.cwd / inputs.policy, inputs.policy)
    environment = environment_name(inputs.environment or policy.gate.environment)
    environment_url = address(inputs.environment_url)
    commit = judged_commit(inputs.commit.strip().lower(), services)
    rules = Rules(
        commit=commit,
        required=policy.required,
        now=services.now(),
        max_age=policy.gate.max_age,
        repository=services.context.repository or checkout.repository_name(services.cwd),
        policy=checkout.fingerprint(services.cwd / inputs.policy),
        policies=history_policies(commit, inputs.policy, services),
        service=policy.service,
        base_sha=deployed_base(client, environment, policy.service, commit) if client else None,
        legs=policy.gate.legs,
        first_run=Outcome(policy.gate.first_run),
        requirements=policy,
        remeasured=read_remeasured(inputs.remeasured),
        run=None if inputs.run_id else own_run(services),
        unaffected=False,
        strict=services.context.in_actions or bool(inputs.run_id),
    )
    return Job(
        policy=policy,
        rules=rules,
        environment=environment,
        environment_url=environment_url,
    )


def own_run(services: Services) -> RunFacts | None:
    """Return the run of this job, as the runner describes it; `None` outside a workflow run.

    Evidence of a folder must come from it: that of another run is fetched by the id of that run, which GitHub knows.
    """
    context = services.context
    if not context.in_actions or not context.run_id:
        return None
    return RunFacts(
        run_id=context.run_id,
        attempt=context.run_attempt,
        repository=context.repository,
        event=context.event_name,
    )


def deployed_base(client: Client, environment: str, service: str, commit: str) -> str | None:
    """Return the deployed commit; empty if nothing is deployed, `None` if it is the judged one.

    A repetition of a deployment cannot be judged by what was live before it: its own success replaced that.
    """
    from ghmlops.measure.github.deployments import newest_successful_deployment

    deployed = newest_successful_deployment(client, environment, service) or ""
    return None if deployed == commit else deployed


def required_signer(inputs: Inputs, services: Services) -> Signer | None:
    """Return who must have attested the evidence; `None` if that is not required.

    Raises:
        InputError: The input is not the name of a workflow.
    """
    if not inputs.signer_workflow:
        return None
    from ghmlops.measure.github.attestations import Signer, check_signer_workflow

    return Signer(
        repository=services.context.repository or checkout.repository_name(services.cwd),
        workflow=check_signer_workflow(inputs.signer_workflow),
        server_url=services.context.server_url,
        token=inputs.token,
    )


def judged_commit(text: str, services: Services) -> str:
    """Return the full SHA of the commit to judge: that of the input, or of the run if it is empty.

    Raises:
        InputError: The input names no commit of the checkout.
    """
    if not text:
        return commit_under_test(services)
    if is_sha(text):
        return text
    if _SHORT_SHA.fullmatch(text):
        sha = checkout.git_read(services.cwd, "rev-parse", "--verify", "--quiet", f"{text}^{{commit}}")
        if is_sha(sha) and sha.startswith(text):  # A branch may have this name, too.
            return sha
    raise InputError(
        f'input `commit`: expected a full SHA of 40 characters, got "{printable(text)}"',
        hint="`git rev-parse HEAD` prints it; in a workflow, `${{ github.event.pull_request.head.sha || github.sha }}`",
    )


def environment_name(name: str) -> str:
    """Return the name of an environment.

    Raises:
        InputError: It is not a name that GitHub accepts.
    """
    if not name or len(name) > 255 or not name.isprintable() or name != name.strip():
        raise InputError(
            f'input `environment`: "{printable(name[:80])}" is not a valid name',
            hint="for example `--environment production`",
        )
    return name


def address(url: str) -> str:
    """Return the address of a deployed service; may be empty.

    Raises:
        InputError: It is not an http or https address.
    """
    if url and not (_ADDRESS.fullmatch(url) and url.isprintable()):
        raise InputError(
            f'input `environment-url`: "{printable(url[:80])}" is not an address',
            hint="for example `--environment-url https://shop.example.org`",
        )
    return url
