"""A route and Deployments on a real API server: effects, conflicts, lost answers, and what the cluster lacks."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
import yaml

from ghmlops.act.targets import apply_shares, open_target, read_shares
from ghmlops.act.targets.base import check_climb
from ghmlops.act.targets.kubernetes import Kubernetes
from ghmlops.core.errors import ServiceError
from ghmlops.core.promotion.weights import BASELINE_ONLY, rung_shares
from haproxy_router import free_port
from kubernetes_api import needs_kubernetes
from kubernetes_scene import ARMS, Scene, rule, shop

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = needs_kubernetes


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Return a namespace of its own, whose pool has all traffic."""
    with shop(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Return a namespace that tests only read."""
    with shop(tmp_path_factory.mktemp("still")) as running:
        yield running


def target(scene: Scene, **changes: object) -> Kubernetes:
    """Return the target, which has read nothing yet."""
    return Kubernetes(msgspec.structs.replace(scene.settings, **changes), scene.folder)


def test_all_weights_change_in_one_version(scene: Scene) -> None:
    """The route goes from one rung to the next without anything in between, for the Gateway too."""
    before = scene.route()["metadata"]["generation"]
    assert apply_shares(target(scene), rung_shares(0.25, with_twin=True)) == rung_shares(0.25, with_twin=True)
    assert scene.route()["metadata"]["generation"] == before + 1
    assert scene.weights() == {"scorer-v2": 1, "scorer-v1t": 1, "scorer-v1": 2}


def test_the_route_shows_who_changed_it(scene: Scene) -> None:
    """The API server records the name and the time with the fields."""
    apply_shares(target(scene), rung_shares(0.25, with_twin=True))
    managers = {entry["manager"]: entry for entry in scene.route()["metadata"]["managedFields"]}
    assert "f:rules" in managers["ghmlops"]["fieldsV1"]["f:spec"]


def test_a_change_by_a_person_is_a_conflict(scene: Scene) -> None:
    """The weights that a person set after they were read stay."""
    router = target(scene)
    router.server_weights()
    scene.set_weights(7, 0, 93)
    with pytest.raises(ServiceError) as caught:
        router.set_weights({"candidate": 50, "pool": 50})
    assert caught.value.reason_code == "target-conflict"
    assert scene.weights() == {"scorer-v2": 7, "scorer-v1t": 0, "scorer-v1": 93}
    assert router.server_weights() == {"candidate": (7,), "twin": (0,), "pool": (93,)}


def test_a_new_status_is_no_conflict(scene: Scene) -> None:
    """A controller writes it after every change."""
    router = target(scene)
    router.server_weights()
    scene.accept_route(Programmed="True")
    router.set_weights({"candidate": 10, "pool": 90})
    assert scene.weights()["scorer-v2"] == 10


@pytest.mark.parametrize("arrived", [True, False])
def test_a_lost_answer_is_looked_up(scene: Scene, *, arrived: bool) -> None:
    """Whether the change was made is read; if it was not, it is made once."""
    generation = scene.route()["metadata"]["generation"]
    call = 'KUBECTL "$@" >/dev/null' if arrived else ":"
    script = f"""case " $* " in *" patch "*)
      [ -e "${{0%/*}}/once" ] || {{ : >"${{0%/*}}/once"; {call}; echo 'error: unexpected EOF' >&2; exit 1; }}
    esac
    exec KUBECTL "$@" """
    with scene.wrapped(script):
        apply_shares(target(scene), rung_shares(0.5, with_twin=True))
    assert scene.weights() == {"scorer-v2": 1, "scorer-v1t": 1, "scorer-v1": 0}
    assert scene.route()["metadata"]["generation"] == generation + 1


def test_weights_that_are_absent_are_1(scene: Scene) -> None:
    """All arms have the same share, as the Gateway has it; both are said before a promotion."""
    scene.create_route([rule(None, None, None)])
    assert target(scene).server_weights() == {"candidate": (1,), "twin": (1,), "pool": (1,)}
    scene.create_route([rule(0, 0, None)])
    assert read_shares(target(scene)) == BASELINE_ONLY


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"route": "other"}, "other"),
        ({"namespace": "elsewhere"}, "no such object"),
        ({"rule": "1"}, '"1"'),
        ({"candidate": "scorer-v9"}, "scorer-v9"),
        ({"context": "production"}, "context"),
    ],
)
def test_names_that_do_not_exist(still: Scene, changes: dict[str, object], fact: str) -> None:
    """One line names what is missing."""
    with pytest.raises(ServiceError) as caught:
        read_shares(target(still, **changes))
    assert caught.value.reason_code == "target-refused"
    assert fact in caught.value.message
    assert "\n" not in caught.value.message


def test_a_route_with_several_rules_needs_one_of_them(scene: Scene) -> None:
    """Its index or its name; the weights of the others stay."""
    scene.create_route([rule(0, 0, 5), rule(0, 0, 9)])
    with pytest.raises(ServiceError) as caught:
        read_shares(target(scene))
    assert caught.value.reason_code == "target-refused"
    assert "0, 1" in caught.value.hint
    second = target(scene, rule="1")
    apply_shares(second, rung_shares(0.25, with_twin=True))
    assert second.server_weights() == {"candidate": (1,), "twin": (1,), "pool": (2,)}
    assert scene.weights() == {"scorer-v2": 0, "scorer-v1t": 0, "scorer-v1": 5}


def test_backends_that_are_ambiguous(scene: Scene) -> None:
    """A Service that is there twice, or one with a weight that belongs to no arm, is refused before a change."""
    refs = [{"name": name, "port": 80, "weight": weight} for name, weight in zip(ARMS.values(), (0, 0, 9), strict=True)]
    for extra, fact in (({"name": "scorer-v2", "port": 81}, "more than once"), ({"name": "old", "port": 80}, "old")):
        scene.create_route([{"backendRefs": [*refs, {**extra, "weight": 1}]}])
        with pytest.raises(ServiceError, match=fact) as caught:
            read_shares(target(scene))
        assert caught.value.reason_code == "target-refused"
    scene.create_route([{"backendRefs": [*refs, {"name": "old", "port": 80, "weight": 0}]}])
    assert read_shares(target(scene)) == BASELINE_ONLY


@pytest.mark.parametrize(
    "conditions",
    [
        {"Accepted": "", "ResolvedRefs": ""},
        {"Accepted": "False"},
        {"Accepted": ""},
        {"ResolvedRefs": "False"},
        {"Programmed": "Unknown"},
        {"PartiallyInvalid": "True"},
    ],
)
def test_a_route_that_no_gateway_follows(scene: Scene, conditions: dict[str, str]) -> None:
    """No traffic moves by it; the weights can be read all the same, for the way back."""
    scene.accept_route(**conditions)
    with pytest.raises(ServiceError) as caught:
        check_climb(target(scene))
    assert caught.value.reason_code == "route-not-accepted"
    assert read_shares(target(scene)) == BASELINE_ONLY


def test_a_route_whose_newest_version_is_not_observed(scene: Scene) -> None:
    """Before the first change it must be; after a change of ours the requests show whether it is in effect."""
    scene.set_weights(0, 0, 7)
    router = target(scene)
    with pytest.raises(ServiceError) as caught:
        router.check()
    assert caught.value.reason_code == "route-not-accepted"
    scene.accept_route()
    router.check()
    apply_shares(router, rung_shares(0.25, with_twin=True))
    router.check()


def documented_rules() -> list[dict[str, list[str]]]:
    """Return the rules of the Role in the README."""
    text = (Path(__file__).parents[4] / "actions" / "promote" / "README.md").read_text(encoding="utf-8")
    (role,) = (block for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "kind: Role\n" in block)
    rules: list[dict[str, list[str]]] = yaml.safe_load(role)["rules"]
    return rules


def test_the_documented_role_is_enough(scene: Scene) -> None:
    """For the checks, the weights, the replicas and the memory of them."""
    scene.bind(documented_rules(), "promoter")
    with scene.acting_as("promoter"):
        router = target(scene, scale=True)
        router.check()
        router.scale("candidate", 3)
        assert apply_shares(router, rung_shares(0.25, with_twin=True)).candidate == 0.25
        assert router.scaled_from() == {"candidate": 1}


@pytest.mark.parametrize("resource", ["httproutes", "deployments/scale"])
def test_a_role_that_may_only_read(scene: Scene, resource: str) -> None:
    """The API server's refusal names what is missing, and nothing is changed."""
    rules = [{**rule, "verbs": ["get"]} if rule["resources"] == [resource] else rule for rule in documented_rules()]
    scene.bind(rules, "reader")
    with scene.acting_as("reader"):
        router = target(scene, scale=True)
        change = partial(router.set_weight, "candidate", 9)
        if resource == "deployments/scale":
            change = partial(router.scale, "candidate", 3)
        with pytest.raises(ServiceError, match="cannot patch") as caught:
            change()
    assert caught.value.reason_code == "target-refused"
    assert scene.weights() == {"scorer-v2": 0, "scorer-v1t": 0, "scorer-v1": 100}
    assert scene.replicas() == [1, 1, 2]


def test_rights_that_are_missing(scene: Scene) -> None:
    """Without any, nothing can be read; the message is that of the API server."""
    with scene.acting_as("nobody"), pytest.raises(ServiceError) as caught:
        read_shares(target(scene))
    assert caught.value.reason_code == "target-refused"
    assert '"nobody" cannot get' in caught.value.message


def test_an_api_server_that_cannot_be_reached(scene: Scene) -> None:
    """Nothing listens at its port; neither its address nor the credentials are in the message."""
    with scene.acting_as("promoter", port=free_port()), pytest.raises(ServiceError) as caught:
        read_shares(target(scene))
    assert caught.value.reason_code == "target-unreachable"
    assert "127.0.0.1" not in caught.value.message


def test_credentials_that_are_not_accepted(scene: Scene) -> None:
    """The API server does not know the token."""
    with scene.acting_as("stranger"), pytest.raises(ServiceError) as caught:
        read_shares(target(scene))
    assert caught.value.reason_code == "target-refused"


def test_the_table_opens_it(still: Scene) -> None:
    """The settings name their class."""
    assert isinstance(open_target(still.settings, still.folder), Kubernetes)
