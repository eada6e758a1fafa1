"""Batches: several bodies joined into one, and the part of its answer that belongs to one of them.

A body is joined by its list of instances: a list at the top, or the list of a key such as `instances`; the tensors of
the Open Inference Protocol by their first dimension; or, if the policy says so, whole bodies become the elements of a
list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.synthetic.rows.fields import Json

INSTANCE_KEYS = ("instances", "inputs", "rows", "records", "data", "dataframe_records", "requests", "texts")
"""Keys that are known to contain a list of instances."""


def join(bodies: Sequence[Json], key: str | None = None) -> Json | None:
    """Return one body for all; `None` if bodies of this form cannot be joined.

    Args:
        bodies: decoded bodies, one instance each.
        key: key of the list of whole bodies; empty: the list itself is the body; `None`: find the list of instances.
    """
    if key is not None:
        return {key: list(bodies)} if key else list(bodies)
    if all(isinstance(body, list) and body for body in bodies):
        return [instance for body in bodies for instance in body]
    if not all(isinstance(body, dict) for body in bodies):
        return None
    if all(_is_tensors(body.get("inputs")) for body in bodies):
        return _join_tensors(bodies)
    lists = [name for name in INSTANCE_KEYS if all(isinstance(body.get(name), list) and body[name] for body in bodies)]
    if not lists:
        return None
    name = lists[0]
    return {**bodies[0], name: [instance for body in bodies for instance in body[name]]}


def size(body: Json, key: str | None = None) -> int:
    """Return the number of instances of one body; 0 if it has no list of instances."""
    if key is not None:
        return 1
    if isinstance(body, list):
        return len(body)
    if not isinstance(body, dict):
        return 0
    if _is_tensors(body.get("inputs")):
        return int(body["inputs"][0]["shape"][0])
    return next((len(body[name]) for name in INSTANCE_KEYS if isinstance(body.get(name), list)), 0)


def cut(answer: Json, total: int, offset: int, count: int) -> Json:
    """Return the answer to `count` instances from the answer to `total`: each outermost list of that length is cut.

    Args:
        answer: decoded answer to the batch.
        total: instances of the batch.
        offset: index of the first instance.
        count: number of instances.
    """
    if isinstance(answer, list):
        return (
            answer[offset : offset + count] if len(answer) == total else [cut(v, total, offset, count) for v in answer]
        )
    if not isinstance(answer, dict):
        return answer
    if _is_tensor(answer) and answer["shape"][0] == total and len(answer["data"]) % total == 0:
        width = len(answer["data"]) // total
        data = answer["data"][offset * width : (offset + count) * width]
        return {**answer, "shape": [count, *answer["shape"][1:]], "data": data}
    return {name: cut(value, total, offset, count) for name, value in answer.items()}


def element(answer: Json, total: int, offset: int) -> Json | None:
    """Return the element of the first list of `total` elements: the answer to one of the whole bodies of a batch."""
    if isinstance(answer, list):
        return answer[offset] if len(answer) == total else None
    lists = [value for value in answer.values() if isinstance(value, list)] if isinstance(answer, dict) else []
    return next((value[offset] for value in lists if len(value) == total), None)


def _is_tensors(value: Json) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_tensor(item) for item in value)


def _is_tensor(value: Json) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("data"), list):
        return False
    shape = value.get("shape")
    return isinstance(shape, list) and bool(shape) and all(type(length) is int and length > 0 for length in shape)


def _join_tensors(bodies: Sequence[dict[str, Any]]) -> Json | None:
    names = [
        [(item.get("name"), item.get("datatype"), item["shape"][1:]) for item in body["inputs"]] for body in bodies
    ]
    if any(other != names[0] for other in names):
        return None
    inputs = []
    for index, first in enumerate(bodies[0]["inputs"]):
        parts = [body["inputs"][index] for body in bodies]
        shape = [sum(part["shape"][0] for part in parts), *first["shape"][1:]]
        inputs.append({**first, "shape": shape, "data": [value for part in parts for value in part["data"]]})
    return {**bodies[0], "inputs": inputs}
