"""Batches: joining bodies, and cutting the answer."""

from __future__ import annotations

from ghmlops.core.synthetic import batches


def tensor(values: list[float], width: int = 1) -> dict[str, object]:
    return {"name": "x", "datatype": "FP64", "shape": [len(values) // width, width], "data": values}


def test_lists_of_instances() -> None:
    """A list at the top, a list under a known key, and whole bodies under a declared one."""
    assert batches.join([[1], [2, 3]]) == [1, 2, 3]
    assert batches.join([{"instances": [1], "m": 0}, {"instances": [2], "m": 0}]) == {"instances": [1, 2], "m": 0}
    assert batches.join([{"a": 1}, {"a": 2}], "rows") == {"rows": [{"a": 1}, {"a": 2}]}
    assert batches.join([{"a": 1}, {"a": 2}], "") == [{"a": 1}, {"a": 2}]
    assert batches.join([{"a": 1}, {"a": 2}]) is None
    assert batches.join([1, 2]) is None
    assert [batches.size(b) for b in ([1, 2], {"rows": [1]}, {"a": 1}, 5)] == [2, 1, 0, 0]


def test_tensors_of_the_open_inference_protocol() -> None:
    """Tensors are joined along their first dimension, if names, types and the other dimensions agree."""
    joined = batches.join([{"inputs": [tensor([1, 2], 2)]}, {"inputs": [tensor([3, 4, 5, 6], 2)]}])
    assert joined == {"inputs": [tensor([1, 2, 3, 4, 5, 6], 2)]}
    assert batches.join([{"inputs": [tensor([1])]}, {"inputs": [tensor([1, 2], 2)]}]) is None
    answer = {"outputs": [{"name": "y", "shape": [3, 2], "data": [1, 2, 3, 4, 5, 6]}]}
    assert batches.cut(answer, 3, 1, 2) == {"outputs": [{"name": "y", "shape": [2, 2], "data": [3, 4, 5, 6]}]}


def test_the_outermost_list_is_cut() -> None:
    """Lists inside an element keep their length, even if it is the number of instances."""
    answer = {"predictions": [[1, 2, 3], [4, 5, 6], [7, 8, 9]], "model": "m"}
    assert batches.cut(answer, 3, 2, 1) == {"predictions": [[7, 8, 9]], "model": "m"}
    assert batches.element([{"y": 1}, {"y": 2}], 2, 1) == {"y": 2}
    assert batches.element({"n": 2, "answers": [5, 6]}, 2, 0) == 5
    assert batches.element({"n": 2}, 2, 0) is None
