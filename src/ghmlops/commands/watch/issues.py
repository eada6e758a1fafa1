"""One issue per incident: opened, edited while an alarm lasts, and closed when all its metrics are back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.shared.github import connection
from ghmlops.core.watch.issue import EXTERNAL, Watched, notices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.watch.inputs import Inputs
    from ghmlops.commands.watch.job import Job
    from ghmlops.core.incidents.response import Response
    from ghmlops.core.watch.evaluation import Evaluation


def followed(responses: Sequence[Response], urls: Mapping[str, str]) -> dict[str, str]:
    """Return what follows from each incident, with the address of the run that was started."""
    return {
        response.incident.commit or EXTERNAL: " ".join(filter(None, (response.reason, urls.get(response.request, ""))))
        for response in responses
    }


def keep_issues(
    inputs: Inputs, services: Services, job: Job, evaluation: Evaluation, following: Mapping[str, str]
) -> None:
    """Bring the issues of all incidents into the state that the evaluation asks for.

    Args:
        inputs: inputs of the command.
        services: services of the command.
        job: what was judged.
        evaluation: its result.
        following: key of an incident to what follows from it.

    Raises:
        InputError: There is no token.
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    from ghmlops.act.github.issues import close_issue, open_issues, upsert_issue

    names = tuple(metric.name for metric in job.policy.metrics)
    watched = Watched(job.service, job.environment, names, services.context.run_url)
    with connection(inputs.token, services) as client:
        bodies = open_issues(client, watched.prefix)
        for notice in notices(watched, evaluation.findings, evaluation.open_alarms, following, bodies):
            if notice.body:
                issue = upsert_issue(client, marker=notice.marker, title=notice.title, body=notice.body)
                services.console.note(f"issue #{issue.number} ({notice.title}): {issue.state}")
            else:
                number = close_issue(client, marker=notice.marker, comment=notice.comment)
                services.console.note(f"closed issue #{number}: {notice.comment}")
