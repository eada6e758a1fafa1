"""The messages of the Open Inference Protocol: field numbers as on the wire, JSON there and back."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from ghmlops.measure.load.protocols.inference_messages import (
    Request,
    Response,
    answer_json,
    answer_outputs,
    request_message,
)


def tensor(**more: Any) -> bytes:
    given = {"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [1.0, 2.0]}
    return json.dumps({"inputs": [given | more]}).encode()


def test_the_bytes_on_the_wire() -> None:
    """Field numbers and types as the protocol defines them, written out by hand."""
    contents = b"\x3a\x10" + struct.pack("<2d", 1.0, 2.0)
    inputs = b"\x0a\x01x\x12\x04FP64\x1a\x02\x01\x02\x2a" + bytes([len(contents)]) + contents
    assert request_message("m", "3", tensor()) == b"\x0a\x01m\x12\x013" + b"\x2a" + bytes([len(inputs)]) + inputs


@pytest.mark.parametrize(
    ("datatype", "data", "field"),
    [
        ("BOOL", [True, False], "bool_contents"),
        ("INT8", [-1, 2], "int_contents"),
        ("INT16", [-1, 2], "int_contents"),
        ("INT32", [-1, 2], "int_contents"),
        ("INT64", [-(2**63), 2], "int64_contents"),
        ("UINT8", [1, 2], "uint_contents"),
        ("UINT16", [1, 2], "uint_contents"),
        ("UINT32", [1, 2], "uint_contents"),
        ("UINT64", [1, 2**64 - 1], "uint64_contents"),
        ("FP32", [0.5, 2], "fp32_contents"),
        ("FP64", [0.1, 2], "fp64_contents"),
    ],
)
def test_every_datatype_has_its_contents(datatype: str, data: list[Any], field: str) -> None:
    """Values arrive in the field of their datatype."""
    message = Request.FromString(request_message("m", "", tensor(datatype=datatype, data=data)))
    assert list(getattr(message.inputs[0].contents, field)) == data


def test_text_nested_data_parameters_and_outputs() -> None:
    """Text becomes UTF-8, nested lists become flat, and what else the JSON form may hold goes along."""
    form = {
        "id": "7",
        "parameters": {"a": "b"},
        "inputs": [
            {"name": "t", "shape": [2, 1], "datatype": "BYTES", "data": [["ä"], ["b"]], "parameters": {"n": 3}},
        ],
        "outputs": [{"name": "y", "parameters": {"binary": False}}],
    }
    message = Request.FromString(request_message("m", "", json.dumps(form).encode()))
    assert message.id == "7"
    assert message.parameters["a"].string_param == "b"
    assert list(message.inputs[0].contents.bytes_contents) == ["ä".encode(), b"b"]
    assert message.inputs[0].parameters["n"].int64_param == 3
    assert message.outputs[0].name == "y"
    assert message.outputs[0].parameters["binary"].WhichOneof("choice") == "bool_param"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "not a request of the Open Inference Protocol"),
        (b"[]", "not a request of the Open Inference Protocol"),
        (b'{"inputs": [{"name": "x"}]}', "missing required field `shape`"),
        (tensor(datatype="FP16"), "input `x` has datatype `FP16`, known are BOOL"),
        (tensor(data=["a", "b"]), "input `x` is not FP64"),
        (tensor(datatype="INT32", data=[2**31, 1]), "input `x` is not INT32"),
        (tensor(datatype="INT64", data=[1.5, 1]), "input `x` is not INT64"),
        (tensor(datatype="UINT8", data=[-1, 1]), "input `x` is not UINT8"),
        (tensor(datatype="BYTES", data=[1, 2]), "input `x` is not BYTES"),
        (tensor(data=[None, 1.0]), "input `x` is not FP64"),
        (tensor(shape=[2**64]), "input `x` is not FP64"),
        (tensor(parameters={"p": [1]}), "parameter `p` must be text"),
        (tensor(parameters={"p": 2**63}), "parameter `p`: "),
        (b'{"inputs": [{"name": "\\ud800", "shape": [1], "datatype": "FP64", "data": [1]}]}', "not a request"),
    ],
)
def test_what_is_no_request(body: bytes, told: str) -> None:
    """Each fault is told in a sentence."""
    with pytest.raises(ValueError, match=told):
        request_message("m", "", body)


def test_answers_as_json() -> None:
    """Typed and raw contents come out alike; texts of raw contents are cut at their lengths."""
    typed = Response(model_name="m", model_version="1", id="7")
    typed.outputs.add(name="y", datatype="INT64", shape=[2]).contents.int64_contents.extend([1, 2])
    raw = Response(model_name="m", model_version="1", id="7")
    raw.outputs.add(name="y", datatype="INT64", shape=[2])
    raw.raw_output_contents.append(struct.pack("<2q", 1, 2))
    wanted = {"name": "y", "datatype": "INT64", "shape": [2], "data": [1, 2]}
    for answer in (typed, raw):
        found = json.loads(answer_json(answer.SerializeToString()))
        assert found == {"model_name": "m", "model_version": "1", "id": "7", "outputs": [wanted]}
    texts = Response()
    texts.outputs.add(name="t", datatype="BYTES", shape=[2])
    texts.raw_output_contents.append(b"\x02\x00\x00\x00ab\x01\x00\x00\x00c")
    assert json.loads(answer_json(texts.SerializeToString()))["outputs"][0]["data"] == ["ab", "c"]
    assert answer_outputs(texts.SerializeToString()) == 1
    assert answer_outputs(b"") == 0


@pytest.mark.parametrize(("datatype", "raw"), [("BYTES", b"\x09\x00\x00\x00ab"), ("FP64", b"abc"), ("ODD", b"\x09")])
def test_raw_contents_that_are_cut(datatype: str, raw: bytes) -> None:
    """Raw contents that do not fit their datatype are an error of the answer."""
    answer = Response()
    answer.outputs.add(name="t", datatype=datatype, shape=[2])
    answer.raw_output_contents.append(raw)
    with pytest.raises(ValueError, match=r"raw contents|buffer size"):
        answer_json(answer.SerializeToString())


def test_what_is_no_answer() -> None:
    """Bytes that are no message."""
    with pytest.raises(ValueError, match="not a ModelInferResponse"):
        answer_outputs(b"\xff\xff")
