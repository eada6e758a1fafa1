"""JSON objects of GitHub's API, complete enough to be valid by its OpenAPI description."""

from __future__ import annotations

from typing import Any

from github_api.state import repository_id

Json = dict[str, Any]
# fmt: off
_REPOSITORY_LINKS = (
    "archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare", "contents",
    "contributors", "deployments", "downloads", "events", "forks", "git_commits", "git_refs", "git_tags", "hooks",
    "issue_comment", "issue_events", "issues", "keys", "labels", "languages", "merges", "milestones", "notifications",
    "pulls", "releases", "stargazers", "statuses", "subscribers", "subscription", "tags", "teams", "trees",
)
# fmt: on


def user(root: str, login: str, kind: str) -> Json:
    """A simple user; `kind` is `User`, `Bot` or `Organization`."""
    url = f"{root}/users/{login}"
    links = ("followers", "following", "gists", "starred", "subscriptions", "organizations", "repos", "events")
    return {
        "login": login,
        "id": sum(ord(c) * 31**index for index, c in enumerate(login)) % 10**9,
        "node_id": f"U_{login}",
        "avatar_url": f"{root}/avatars/{login}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{root}/html/{login}",
        **{f"{name}_url": f"{url}/{name}" for name in (*links, "received_events")},
        "type": kind,
        "site_admin": False,
    }


def public_user(root: str, login: str, kind: str) -> Json:
    """The response to `GET /user`."""
    empty = dict.fromkeys(("name", "company", "blog", "location", "email", "hireable", "bio"))
    counts = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
    times = dict.fromkeys(("created_at", "updated_at"), "2020-01-01T00:00:00Z")
    return {**user(root, login, kind), **empty, **counts, **times, "user_view_type": "public"}


def repository(root: str, name: str, *, default_branch: str, private: bool, full: bool = False) -> Json:
    """A repository; `full` adds the fields of `GET /repos/{owner}/{repo}`."""
    url, html = f"{root}/repos/{name}", f"{root}/html/{name}"
    flags = ("fork", "has_wiki", "has_pages", "has_projects", "archived", "disabled")
    counts = ("forks", "forks_count", "open_issues", "open_issues_count", "size", "stargazers_count", "watchers")
    return {
        "id": repository_id(name),
        "node_id": f"R_{name}",
        "name": name.partition("/")[2],
        "full_name": name,
        "owner": user(root, name.partition("/")[0], "Organization"),
        "private": private,
        "html_url": html,
        "url": url,
        "description": None,
        **{f"{link}_url": f"{url}/{link}" for link in _REPOSITORY_LINKS},
        "clone_url": f"{html}.git",
        "svn_url": html,
        "git_url": f"{html}.git",
        "ssh_url": f"{html}.git",
        "mirror_url": None,
        "homepage": None,
        "language": None,
        "license": None,
        "default_branch": default_branch,
        "has_issues": True,
        "has_downloads": True,
        **dict.fromkeys(flags, False),
        **dict.fromkeys((*counts, "watchers_count"), 0),
        **dict.fromkeys(("pushed_at", "created_at", "updated_at"), "2020-01-01T00:00:00Z"),
        **({"has_discussions": False, "network_count": 0, "subscribers_count": 0} if full else {}),
    }


def pull_request(root: str, stored: Json, repositories: dict[str, Json], *, full: bool = False) -> Json:
    """A pull request; `full` adds the fields of `GET /repos/{owner}/{repo}/pulls/{number}`."""
    name, number = stored["repository"], stored["number"]
    url, html = f"{root}/repos/{name}/pulls/{number}", f"{root}/html/{name}/pull/{number}"
    issue = f"{root}/repos/{name}/issues/{number}"
    statuses = f"{root}/repos/{name}/statuses/{stored['head_sha']}"
    urls = {
        "self": url,
        "html": html,
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{root}/repos/{name}/pulls/comments/{{number}}",
        "commits": f"{url}/commits",
        "statuses": statuses,
    }
    counts = ("comments", "review_comments", "commits", "additions", "deletions", "changed_files")
    merged = stored["state"] == "closed" and stored["merge_commit_sha"] is not None
    extra = {"merged": merged, "mergeable": True, "mergeable_state": "clean", "merged_by": None}
    return {
        "id": 1000 + number,
        "node_id": f"PR_{number}",
        "number": number,
        "url": url,
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "issue_url": issue,
        **{f"{k}_url": v for k, v in urls.items() if k not in ("self", "html", "issue")},
        "_links": {k: {"href": v} for k, v in urls.items()},
        "state": stored["state"],
        "locked": False,
        "title": stored["title"],
        "body": stored["body"],
        "user": user(root, stored["login"], stored["type"]),
        "labels": [],
        "draft": False,
        "author_association": "CONTRIBUTOR",
        **dict.fromkeys(("milestone", "assignee", "auto_merge")),
        "merge_commit_sha": stored["merge_commit_sha"],
        "closed_at": stored["created_at"] if stored["state"] == "closed" else None,
        "merged_at": stored["created_at"] if merged else None,
        "created_at": stored["created_at"],
        "updated_at": stored["created_at"],
        **{side: _side(root, stored, side, repositories) for side in ("head", "base")},
        **({**extra, "maintainer_can_modify": False, **dict.fromkeys(counts, 0)} if full else {}),
    }


def _side(root: str, stored: Json, side: str, repositories: dict[str, Json]) -> Json:
    name = stored["head_repository"] if side == "head" else stored["repository"]
    owner = name.partition("/")[0]
    settings = repositories.get(name, {"default_branch": "main", "private": False})
    return {
        "label": f"{owner}:{stored[f'{side}_ref']}",
        "ref": stored[f"{side}_ref"],
        "sha": stored[f"{side}_sha"],
        "user": user(root, owner, "User"),
        "repo": repository(root, name, default_branch=settings["default_branch"], private=settings["private"]),
    }


def commit(root: str, name: str, sha: str, message: str) -> Json:
    """A commit."""
    url = f"{root}/repos/{name}/commits/{sha}"
    author = {"name": "A", "email": "a@example.org", "date": "2020-01-01T00:00:00Z"}
    tree = {"sha": sha, "url": f"{root}/repos/{name}/git/trees/{sha}"}
    inner = {"author": author, "committer": author, "message": message, "comment_count": 0, "tree": tree, "url": url}
    return {
        "sha": sha,
        "node_id": f"C_{sha}",
        "url": url,
        "html_url": f"{root}/html/{name}/commit/{sha}",
        "comments_url": f"{url}/comments",
        "commit": inner,
        "author": None,
        "committer": None,
        "parents": [],
    }


def comment(root: str, stored: Json) -> Json:
    """An issue comment."""
    name, number, key = stored["repository"], stored["issue"], stored["id"]
    return {
        "id": key,
        "node_id": f"IC_{key}",
        "url": f"{root}/repos/{name}/issues/comments/{key}",
        "html_url": f"{root}/html/{name}/pull/{number}#issuecomment-{key}",
        "issue_url": f"{root}/repos/{name}/issues/{number}",
        "body": stored["body"],
        "user": user(root, stored["login"], stored["type"]),
        "author_association": "NONE",
        "performed_via_github_app": None,
        "created_at": stored["created_at"],
        "updated_at": stored["updated_at"],
    }


def reaction(root: str, stored: Json) -> Json:
    """A reaction to a comment."""
    key = stored["id"]
    person = user(root, stored["login"], stored["type"])
    fields = {"content": stored["content"], "created_at": stored["created_at"]}
    return {"id": key, "node_id": f"REA_{key}", "user": person, **fields}


def deployment(root: str, stored: Json) -> Json:
    """A deployment."""
    url = f"{root}/repos/{stored['repository']}/deployments/{stored['id']}"
    fields = ("id", "sha", "ref", "task", "payload", "environment", "description", "created_at")
    return {
        **{name: stored[name] for name in fields},
        "original_environment": stored["environment"],
        "transient_environment": stored["transient_environment"],
        "production_environment": stored["production_environment"],
        "node_id": f"DE_{stored['id']}",
        "url": url,
        "statuses_url": f"{url}/statuses",
        "repository_url": f"{root}/repos/{stored['repository']}",
        "creator": user(root, stored["login"], stored["type"]),
        "updated_at": stored["created_at"],
    }


def deployment_status(root: str, stored: Json) -> Json:
    """A deployment status."""
    url = f"{root}/repos/{stored['repository']}/deployments/{stored['deployment']}"
    return {
        "id": stored["id"],
        "node_id": f"DES_{stored['id']}",
        "url": f"{url}/statuses/{stored['id']}",
        "state": stored["state"],
        "description": stored["description"],
        "environment": stored["environment"],
        **{name: stored[name] for name in ("environment_url", "log_url", "target_url")},
        "creator": user(root, stored["login"], stored["type"]),
        "created_at": stored["created_at"],
        "updated_at": stored["created_at"],
        "deployment_url": url,
        "repository_url": f"{root}/repos/{stored['repository']}",
    }


def commit_status(root: str, stored: Json) -> Json:
    """A commit status."""
    creator = user(root, stored["login"], stored["type"])
    fields = ("id", "state", "description", "target_url", "context", "created_at")
    return {
        **{name: stored[name] for name in fields},
        "node_id": f"SC_{stored['id']}",
        "url": f"{root}/repos/{stored['repository']}/statuses/{stored['sha']}",
        "avatar_url": creator["avatar_url"],
        "creator": creator,
        "updated_at": stored["created_at"],
    }


def artifact(root: str, stored: Json) -> Json:
    """An artifact of a workflow run."""
    url = f"{root}/repos/{stored['repository']}/actions/artifacts/{stored['id']}"
    return {
        "id": stored["id"],
        "node_id": f"MDg_{stored['id']}",
        "name": stored["name"],
        "size_in_bytes": stored["size_in_bytes"],
        "url": url,
        "archive_download_url": f"{url}/zip",
        "expired": stored["expired"],
        "digest": stored["digest"],
        **dict.fromkeys(("created_at", "expires_at", "updated_at"), stored["created_at"]),
        "workflow_run": {
            "id": stored["run_id"],
            "head_branch": stored["head_branch"],
            "head_sha": stored["head_sha"],
        },
    }


def workflow_run(root: str, stored: Json, repositories: dict[str, Json]) -> Json:
    """A workflow run; `pull_requests` is empty, as GitHub returns it for forks."""
    name, key = stored["repository"], stored["id"]
    url = f"{root}/repos/{name}/actions/runs/{key}"

    def slim(of: str) -> Json:
        settings = repositories.get(of, {"default_branch": "main", "private": False})
        return repository(root, of, default_branch=settings["default_branch"], private=settings["private"])

    links = ("jobs", "logs", "check_suite", "artifacts", "cancel", "rerun", "workflow")
    fields = ("id", "head_branch", "head_sha", "event", "status", "conclusion", "run_attempt", "created_at", "path")
    person = stored.get("triggering_actor", "")
    return {
        **{field: stored[field] for field in fields},
        **({"triggering_actor": user(root, person, "User")} if person else {}),
        "node_id": f"WFR_{key}",
        "run_started_at": stored.get("run_started_at", stored["created_at"]),
        "run_number": 1,
        "workflow_id": 1,
        "display_title": stored["display_title"],
        "url": url,
        "html_url": f"{root}/html/{name}/actions/runs/{key}",
        **{f"{link}_url": f"{url}/{link}" for link in links},
        "pull_requests": [],
        "updated_at": stored["created_at"],
        "head_commit": None,
        "repository": slim(name),
        "head_repository": slim(stored["head_repository"]),
    }


def issue(root: str, stored: Json) -> Json:
    """An issue."""
    name, number = stored["repository"], stored["id"]
    url = f"{root}/repos/{name}/issues/{number}"
    return {
        "id": number,
        "node_id": f"I_{number}",
        "number": number,
        "url": url,
        "repository_url": f"{root}/repos/{name}",
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": f"{root}/html/{name}/issues/{number}",
        "state": stored.get("state", "open"),
        "title": stored["title"],
        "body": stored["body"],
        "user": user(root, stored["login"], stored["type"]),
        "labels": [],
        "locked": False,
        "comments": 0,
        "author_association": "NONE",
        **dict.fromkeys(("assignee", "milestone", "closed_at")),
        "created_at": stored["created_at"],
        "updated_at": stored["created_at"],
    }


def environment(root: str, name: str, key: str) -> Json:
    """An environment."""
    url = f"{root}/repos/{name}/environments/{key}"
    times = dict.fromkeys(("created_at", "updated_at"), "2020-01-01T00:00:00Z")
    number = sum(map(ord, key))
    html = f"{root}/html/{name}/deployments/activity_log?environments_filter={key}"
    return {"id": number, "node_id": f"EN_{number}", "name": key, "url": url, "html_url": html, **times}


def check_run(root: str, stored: Json) -> Json:
    """A check run."""
    url = f"{root}/repos/{stored['repository']}/check-runs/{stored['id']}"
    count = len(stored["output"].get("annotations", ()))
    output = {key: stored["output"].get(key) for key in ("title", "summary", "text")} | {"annotations_count": count}
    fields = ("id", "name", "head_sha", "external_id", "details_url", "status", "conclusion")
    return {
        **{field: stored[field] for field in fields},
        "node_id": f"CR_{stored['id']}",
        "url": url,
        "html_url": f"{root}/html/{stored['repository']}/runs/{stored['id']}",
        "started_at": stored["created_at"],
        "completed_at": stored["created_at"],
        "output": {
            **output,
            "annotations_count": len(stored["output"].get("annotations", ())),
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": None,
        "app": None,
        "pull_requests": [],
    }


def git_ref(root: str, name: str, ref: str, sha: str) -> Json:
    """A git reference; `ref` without `refs/`."""
    url = f"{root}/repos/{name}/git"
    target = {"type": "commit", "sha": sha, "url": f"{url}/commits/{sha}"}
    return {"ref": f"refs/{ref}", "node_id": f"REF_{ref}", "url": f"{url}/refs/{ref}", "object": target}


def git_commit(root: str, name: str, stored: Json, *, signed: bool) -> Json:
    """A git commit, with the verdict on its signature."""
    url = f"{root}/repos/{name}/git"
    person = {"name": "A", "email": "a@example.org", "date": "2020-01-01T00:00:00Z"}
    verification = {
        "verified": signed,
        "reason": "valid" if signed else "unsigned",
        "signature": "-----BEGIN PGP SIGNATURE-----" if signed else None,
        "payload": "tree" if signed else None,
        "verified_at": "2020-01-01T00:00:00Z" if signed else None,
    }
    parents = [
        {"sha": sha, "url": f"{url}/commits/{sha}", "html_url": f"{root}/html/{name}/commit/{sha}"}
        for sha in stored["parents"]
    ]
    return {
        "sha": stored["sha"],
        "node_id": f"C_{stored['sha']}",
        "url": f"{url}/commits/{stored['sha']}",
        "html_url": f"{root}/html/{name}/commit/{stored['sha']}",
        "author": person,
        "committer": person,
        "message": stored["message"],
        "tree": {"sha": stored["tree"], "url": f"{url}/trees/{stored['tree']}"},
        "parents": parents,
        "verification": verification,
    }


def rule(repository_name: str, kind: str) -> Json:
    """A rule in force on a branch."""
    parameters = {
        "pull_request": {
            "dismiss_stale_reviews_on_push": False,
            "require_code_owner_review": False,
            "require_last_push_approval": False,
            "required_approving_review_count": 1,
            "required_review_thread_resolution": False,
        },
        "required_status_checks": {
            "required_status_checks": [{"context": "ci"}],
            "strict_required_status_checks_policy": False,
        },
    }
    origin = {"ruleset_source_type": "Repository", "ruleset_source": repository_name, "ruleset_id": 1}
    return {"type": kind, **origin, **({"parameters": parameters[kind]} if kind in parameters else {})}
