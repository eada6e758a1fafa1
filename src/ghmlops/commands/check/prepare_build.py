"""Builds one commit for the cache, as `check` would build it as the baseline of a later change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.check.builds import ArmBuilds
from ghmlops.commands.shared.base import Result, dry_run_result
from ghmlops.core.errors import InputError, PolicyError
from ghmlops.core.model import Outcome

if TYPE_CHECKING:
    from ghmlops.commands.check.inputs import Inputs
    from ghmlops.commands.shared.base import Services


def prepare_build(inputs: Inputs, services: Services) -> Result:
    """Build the commit that is checked out into the folder `build-cache`, and return the key for GitHub's cache.

    Raises:
        PolicyError: The policy is missing or invalid, or has no `preview.build`.
        InputError: No folder is named, or there is no commit.
        ServiceError: The build failed.
    """
    from ghmlops.commands.shared.policy_file import load_policy
    from ghmlops.core.artifacts.build_key import key_prefix
    from ghmlops.measure.builds.keys import commit_key, folder_digest
    from ghmlops.measure.checkout import head_sha

    section = load_policy(services.cwd / inputs.policy, inputs.policy).preview
    if section is None or not section.build:
        raise PolicyError(
            f"{inputs.policy} builds nothing", hint="add `preview: {build: ...}`, or leave prepare-build out"
        )
    if not inputs.build_cache:
        raise InputError("input `prepare-build` needs `build-cache`", hint="--build-cache FOLDER")
    sha = head_sha(services.cwd)
    if not sha:
        raise InputError("there is no commit to build", hint="run it in a checkout with a commit")
    if inputs.dry_run:
        return dry_run_result("Nothing was built.", f"would build {sha[:12]} into {inputs.build_cache}\n")
    builds = ArmBuilds(services=services, base=sha, evidence_dir=inputs.evidence_dir, build_cache=inputs.build_cache)
    with builds:
        arm = builds.arm("baseline", section)
        key = key_prefix(commit_key(services.cwd, sha, section.build)) + folder_digest(builds.place(arm.key))
    reason = f"The build of {sha[:12]} is in {inputs.build_cache}; its key in the cache is {key}."
    return Result(
        outcome=Outcome.PASS,
        reason_code="build-prepared",
        reason=reason,
        outputs={"verdict-file": "", "evidence-dir": inputs.evidence_dir, "build-key": key},
        text=f"{reason}\n",
        data={"build_key": key},
    )
