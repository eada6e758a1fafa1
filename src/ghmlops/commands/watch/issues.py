"""One issue per metric with an alarm: opened, edited while it lasts, and closed when the metric is back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.shared.github import connection
from ghmlops.core.watch.issue import Notice, notices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.watch.inputs import Inputs
    from ghmlops.commands.watch.job import Job
    from ghmlops.core.incidents.response import Response
    from ghmlops.core.watch.evaluation import Evaluation


def followed(responses: Sequence[Response], urls: Mapping[str, str]) -> dict[str, str]:
    """Return what follows from the alarm of each metric, with the address of the run that was started."""
    return {
        alarm.metric: " ".join(filter(None, (response.reason, urls.get(response.request, ""))))
        for response in responses
        for alarm in response.incident.alarms
    }


def keep_issues(
    inputs: Inputs, services: Services, job: Job, evaluation: Evaluation, following: Mapping[str, str]
) -> None:
    """Bring the issues of all metrics into the state that the evaluation asks for.

    A metric whose data does not count keeps its issue as it is: silence is no recovery.

    Args:
        inputs: inputs of the command.
        services: services of the command.
        job: what was judged.
        evaluation: its result.
        following: metric to what follows from its alarm.

    Raises:
        InputError: There is no token.
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    from ghmlops.act.github.issues import close_issue, upsert_issue

    with connection(inputs.token, services) as client:
        for notice in notices(job.service, job.policy, evaluation.findings, services.context.run_url, following):
            match notice:
                case Notice(body=""):
                    number = close_issue(client, marker=notice.marker, comment=notice.comment)
                    if number is not None:
                        services.console.note(f"closed issue #{number}: {notice.metric} is back")
                case _:
                    issue = upsert_issue(client, marker=notice.marker, title=notice.title, body=notice.body)
                    services.console.note(f"issue #{issue.number} of {notice.metric}: {issue.state}")
