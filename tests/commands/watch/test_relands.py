"""A revert that a person reverted, in real commits: what it brought back is not undone again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from history_records import confirmation, deployment, revert
from watched_service import STEP_HOURS

if TYPE_CHECKING:
    from ghmlops.core.history.record import AnyRecord
    from watched_service import WatchedService


def history(service: WatchedService, order: str) -> None:
    """Deploy commits in an order, the last of them at the step, with a confirmed failure of it; push the history.

    `good`, `bad` and its revert come first. Then `r` is a commit that reverts the revert, and `x` any other one.
    """
    work = service.scene.work
    undo = work.commit('Revert "Change"', {"a.txt": "fast\n"})
    shas = [undo]
    for index, letter in enumerate(order):
        message = f'Reapply "Change"\n\nThis reverts commit {undo}.' if letter == "r" else "Change more"
        shas.append(work.commit(message, {"b.txt": f"{index}\n"}))
    records: list[AnyRecord] = [
        deployment(service.ago(100), commit=service.good),
        deployment(service.ago(80), commit=service.bad, base_sha=service.good),
        confirmation(service.ago(79), commit=service.bad, base_sha=service.good),
        revert(service.ago(78), commit=service.bad, reverted=(service.bad,), revert_sha=undo),
        *(deployment(service.ago(77 - index), commit=sha) for index, sha in enumerate(shas[:-1])),
        deployment(service.ago(STEP_HOURS + 0.1), commit=shas[-1], base_sha=shas[-2]),
        confirmation(service.ago(1), commit=shas[-1], base_sha=shas[-2]),
    ]
    service.append(*records)


@pytest.mark.parametrize(
    ("order", "state"), [("x", "act"), ("r", "person-decided"), ("rx", "act"), ("xr", "person-decided")]
)
def test_what_a_person_landed_again_stays(service: WatchedService, order: str, state: str) -> None:
    """Only the deployment that brought it back is theirs; those after it are like any other."""
    history(service, order)
    assert service.run() == 0
    assert service.states() == [state]
    assert service.evidence()["details"]["accuracy"]["false_positives"] == ("r" in order)


def test_commits_between_two_deployments_count(service: WatchedService) -> None:
    """The revert of the revert need not be the commit that is deployed."""
    service.scene.work.commit("Ignored", {"c.txt": "c\n"})
    undo = service.scene.work.commit('Revert "Change"', {"a.txt": "fast\n"})
    service.scene.work.commit(f"Land again\n\nThis reverts commit {undo}.", {"b.txt": "again\n"})
    top = service.scene.work.commit("More", {"b.txt": "more\n"})
    service.append(
        deployment(service.ago(100), commit=service.good),
        revert(service.ago(78), commit=service.bad, reverted=(service.bad,), revert_sha=undo),
        deployment(service.ago(77), commit=undo),
        deployment(service.ago(STEP_HOURS + 0.1), commit=top, base_sha=undo),
        confirmation(service.ago(1), commit=top, base_sha=undo),
    )
    assert service.run() == 0
    assert service.states() == ["person-decided"]


@pytest.mark.parametrize(("order", "state"), [("x", "proposed"), ("r", "proposed"), ("", "act")])
def test_a_checkout_that_shows_too_little_undoes_nothing(service: WatchedService, order: str, state: str) -> None:
    """In a shallow one a revert of a revert is invisible; without reverts in the history there is none."""
    if order:
        history(service, order)
    else:
        confirmed = confirmation(service.ago(1), commit=service.bad, base_sha=service.good)
        service.append(*service.deployments(), confirmed)
    (service.here / ".git/shallow").write_text(service.scene.work.git("rev-parse", "HEAD") + "\n")
    assert service.run() == 0
    assert service.states() == [state]


def test_a_deployment_that_the_checkout_lacks_is_not_undone(service: WatchedService) -> None:
    """Its commits cannot be looked at."""
    foreign = "e" * 40
    service.append(
        deployment(service.ago(100), commit=service.good),
        revert(service.ago(78), commit="d" * 40, revert_sha="f" * 40),
        deployment(service.ago(STEP_HOURS + 0.1), commit=foreign, base_sha=service.good),
        confirmation(service.ago(1), commit=foreign, base_sha=service.good),
    )
    assert service.run() == 0
    assert service.states() == ["proposed"]
