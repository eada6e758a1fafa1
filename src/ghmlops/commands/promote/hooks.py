"""Runs the hooks of a rung while the candidate is judged on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.act.hook import HookProcess
from ghmlops.core.errors import ServiceError
from ghmlops.core.promotion.hook_text import hook_environment, hook_name, hook_values, hook_words
from ghmlops.core.promotion.walk import Stop
from ghmlops.core.steps.step import short

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ghmlops.commands.promote.job import Job
    from ghmlops.core.policy.promote import Hook


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRunner:
    """The hooks of a promotion.

    Args:
        job: Everything that it needs.
        root: Folder of the repository, in which they run.
        environ: Variables of the job.
        note: Reports what a hook printed to the user.
    """

    job: Job
    root: Path
    environ: Mapping[str, str]
    note: Callable[[str], None]

    def run(self, moment: str, rung: int, meanwhile: Callable[[], Stop | None]) -> Stop | None:
        """Run the hooks of a moment one after the other; return why the promotion stops, or `None`.

        Args:
            moment: `before-rung` or `after-rung`.
            rung: Index of the rung that begins or ended.
            meanwhile: Observes the candidate, and waits; a reason to stop ends the hook.
        """
        hooks = self.job.policy.hooks
        for hook in hooks.before_rung if moment == "before-rung" else hooks.after_rung:
            if stop := self._run(hook, moment, rung, meanwhile):
                return stop
        return None

    def _run(self, hook: Hook, moment: str, rung: int, meanwhile: Callable[[], Stop | None]) -> Stop | None:
        job, name = self.job, hook_name(hook)
        values = hook_values(
            moment=moment,
            rung=rung + 1,
            share=job.policy.ladder[rung],
            commit=job.commit,
            service=job.service,
            environment=job.environment,
        )
        try:
            process = HookProcess(
                hook_words(hook, values), self.root, hook_environment(self.environ, values), hook.timeout
            )
        except ServiceError as error:
            return Stop(reaction=hook.on_failure, reason_code="hook-failed", reason=f"{error.message}.")
        try:
            while (code := process.poll()) is None:
                if stop := meanwhile():
                    return stop
            output = process.output().strip()
        finally:
            process.end()
        if process.timed_out:
            reason = f"The hook `{name}` ({moment} {rung + 1}) did not end within {hook.timeout:g} s."
            return Stop(reaction=hook.on_failure, reason_code="hook-timeout", reason=reason)
        if code:
            text = short(output, 300) if output else "it printed nothing"
            reason = f"The hook `{name}` ({moment} {rung + 1}) failed with exit code {code}: {text}."
            return Stop(reaction=hook.on_failure, reason_code="hook-failed", reason=reason)
        self.note(f"hook `{name}` ({moment} {rung + 1}): passed")
        return None
