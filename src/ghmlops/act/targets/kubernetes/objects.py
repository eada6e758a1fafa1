"""The parts of Kubernetes' objects that are read, and their strict decoding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec

from ghmlops.core.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Sequence

Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
T = TypeVar("T")


class _Object(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An object of the API; fields that are not read are ignored."""


class OwnerReference(_Object, frozen=True, kw_only=True):
    """The object that an object belongs to."""

    kind: str
    name: str
    controller: bool = False


class ManagedFields(_Object, frozen=True, kw_only=True):
    """Fields that a program has set."""

    manager: str = ""
    fields: dict[str, Any] = msgspec.field(name="fieldsV1", default_factory=dict)


class Metadata(_Object, frozen=True, kw_only=True):
    """What every object has."""

    name: str
    resource_version: str
    generation: int = 0
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: tuple[OwnerReference, ...] = ()
    managed_fields: tuple[ManagedFields, ...] = ()


class Condition(_Object, frozen=True, kw_only=True):
    """A condition in a status."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    observed_generation: int | None = None


class BackendRef(_Object, frozen=True, kw_only=True):
    """A backend of a rule with its weight, which is 1 if it is absent."""

    name: str
    kind: str = "Service"
    group: str = ""
    namespace: str = ""
    weight: Count = 1


class Rule(_Object, frozen=True, kw_only=True):
    """A rule of a route."""

    name: str = ""
    backend_refs: tuple[BackendRef, ...] = ()


class RouteSpec(_Object, frozen=True, kw_only=True):
    """What a route should be."""

    rules: tuple[Rule, ...] = ()


class ParentStatus(_Object, frozen=True, kw_only=True):
    """What the controller of a Gateway says about a route."""

    controller_name: str = ""
    conditions: tuple[Condition, ...] = ()


class RouteStatus(_Object, frozen=True, kw_only=True):
    """What the controllers say about a route."""

    parents: tuple[ParentStatus, ...] = ()


class Route(_Object, frozen=True, kw_only=True):
    """An HTTPRoute."""

    metadata: Metadata
    spec: RouteSpec = RouteSpec()
    status: RouteStatus = RouteStatus()


class DeploymentSpec(_Object, frozen=True, kw_only=True):
    """What a Deployment should be."""

    replicas: Count = 1


class DeploymentStatus(_Object, frozen=True, kw_only=True):
    """What a Deployment is. Counts are absent if they are 0."""

    observed_generation: int = 0
    replicas: Count = 0
    updated_replicas: Count = 0
    ready_replicas: Count = 0
    conditions: tuple[Condition, ...] = ()


class Deployment(_Object, frozen=True, kw_only=True):
    """A Deployment."""

    metadata: Metadata
    spec: DeploymentSpec = DeploymentSpec()
    status: DeploymentStatus = DeploymentStatus()


class ScaleTarget(_Object, frozen=True, kw_only=True):
    """What an autoscaler scales."""

    kind: str
    name: str


class AutoscalerSpec(_Object, frozen=True, kw_only=True):
    """What an autoscaler does."""

    scale_target_ref: ScaleTarget


class Autoscaler(_Object, frozen=True, kw_only=True):
    """A HorizontalPodAutoscaler."""

    metadata: Metadata
    spec: AutoscalerSpec


class _Items(_Object, frozen=True, kw_only=True):
    items: tuple[msgspec.Raw, ...]


def decode_object(content: bytes, kind: type[T]) -> T:
    """Return the object that `kubectl` printed.

    Raises:
        ServiceError: It is no object of this kind.
    """
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise ServiceError(
            f"`kubectl` printed no {kind.__name__} that can be read",
            hint="is this the API server of a cluster, and not a proxy in front of it?",
            reason_code="target-refused",
        ) from None


def decode_objects(content: bytes, kind: type[T]) -> Sequence[T]:
    """Return the objects that `kubectl` printed: a list, or a single object.

    Raises:
        ServiceError: One is no object of this kind.
    """
    try:
        items = msgspec.json.decode(content, type=_Items).items
    except (msgspec.DecodeError, ValueError, RecursionError):
        return (decode_object(content, kind),)
    return tuple(decode_object(bytes(item), kind) for item in items)
