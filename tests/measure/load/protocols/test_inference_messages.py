"""Messages of the Open Inference Protocol: bytes on the wire, and conversion from and to JSON."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from ghmlops.measure.load.protocols.inference_messages import (
    ModelInferRequest,
    ModelInferResponse,
    count_outputs,
    encode_request,
    response_to_json,
)


def tensor(**more: Any) -> bytes:
    fields = {"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [1.0, 2.0]}
    return json.dumps({"inputs": [fields | more]}).encode()


def test_the_bytes_on_the_wire() -> None:
    """Field numbers and types are those of the protocol, encoded here by hand."""
    contents = b"\x3a\x10" + struct.pack("<2d", 1.0, 2.0)
    inputs = b"\x0a\x01x\x12\x04FP64\x1a\x02\x01\x02\x2a" + bytes([len(contents)]) + contents
    assert encode_request("m", "3", tensor()) == b"\x0a\x01m\x12\x013" + b"\x2a" + bytes([len(inputs)]) + inputs


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
def test_each_data_type_has_its_contents_field(datatype: str, data: list[Any], field: str) -> None:
    """Values are stored in the field of their data type."""
    message = ModelInferRequest.FromString(encode_request("m", "", tensor(datatype=datatype, data=data)))
    assert list(getattr(message.inputs[0].contents, field)) == data


def test_text_nested_data_parameters_and_outputs() -> None:
    """Text becomes UTF-8, nested lists are flattened, and identifiers, parameters and outputs are included."""
    request = {
        "id": "7",
        "parameters": {"a": "b"},
        "inputs": [
            {"name": "t", "shape": [2, 1], "datatype": "BYTES", "data": [["ä"], ["b"]], "parameters": {"n": 3}},
        ],
        "outputs": [{"name": "y", "parameters": {"binary": False}}],
    }
    message = ModelInferRequest.FromString(encode_request("m", "", json.dumps(request).encode()))
    assert message.id == "7"
    assert message.parameters["a"].string_param == "b"
    assert list(message.inputs[0].contents.bytes_contents) == ["ä".encode(), b"b"]
    assert message.inputs[0].parameters["n"].int64_param == 3
    assert message.outputs[0].name == "y"
    assert message.outputs[0].parameters["binary"].WhichOneof("parameter_choice") == "bool_param"


@pytest.mark.parametrize(
    ("body", "fact"),
    [
        (b"", "Open Inference Protocol"),
        (b"[]", "Open Inference Protocol"),
        (b'{"inputs": [{"name": "x"}]}', "`shape`"),
        (tensor(datatype="FP16"), "`x` has datatype `FP16`.* BOOL"),
        (tensor(data=["a", "b"]), "`x` is not FP64"),
        (tensor(datatype="INT32", data=[2**31, 1]), "`x` is not INT32"),
        (tensor(datatype="INT64", data=[1.5, 1]), "`x` is not INT64"),
        (tensor(datatype="UINT8", data=[-1, 1]), "`x` is not UINT8"),
        (tensor(datatype="BYTES", data=[1, 2]), "`x` is not BYTES"),
        (tensor(data=[None, 1.0]), "`x` is not FP64"),
        (tensor(shape=[2**64]), "`x` is not FP64"),
        (tensor(parameters={"p": [1]}), "parameter `p` must"),
        (tensor(parameters={"p": 2**63}), "parameter `p`: "),
        (
            b'{"inputs": [{"name": "\\ud800", "shape": [1], "datatype": "FP64", "data": [1]}]}',
            "Open Inference Protocol",
        ),
    ],
)
def test_an_invalid_request_is_an_error(body: bytes, fact: str) -> None:
    """The message names the input or parameter, and the fault."""
    with pytest.raises(ValueError, match=fact):
        encode_request("m", "", body)


def test_responses_are_converted_to_json() -> None:
    """Typed and raw contents give the same JSON; strings in raw contents are split by their lengths."""
    typed = ModelInferResponse(model_name="m", model_version="1", id="7")
    typed.outputs.add(name="y", datatype="INT64", shape=[2]).contents.int64_contents.extend([1, 2])
    raw = ModelInferResponse(model_name="m", model_version="1", id="7")
    raw.outputs.add(name="y", datatype="INT64", shape=[2])
    raw.raw_output_contents.append(struct.pack("<2q", 1, 2))
    output = {"name": "y", "datatype": "INT64", "shape": [2], "data": [1, 2]}
    for response in (typed, raw):
        converted = json.loads(response_to_json(response.SerializeToString()))
        assert converted == {"model_name": "m", "model_version": "1", "id": "7", "outputs": [output]}
    texts = ModelInferResponse()
    texts.outputs.add(name="t", datatype="BYTES", shape=[2])
    texts.raw_output_contents.append(b"\x02\x00\x00\x00ab\x01\x00\x00\x00c")
    assert json.loads(response_to_json(texts.SerializeToString()))["outputs"][0]["data"] == ["ab", "c"]
    assert count_outputs(texts.SerializeToString()) == 1
    assert count_outputs(b"") == 0


@pytest.mark.parametrize(("datatype", "raw"), [("BYTES", b"\x09\x00\x00\x00ab"), ("FP64", b"abc"), ("ODD", b"\x09")])
def test_invalid_raw_contents_are_an_error(datatype: str, raw: bytes) -> None:
    """Raw contents that do not match their data type are an error of the response."""
    response = ModelInferResponse()
    response.outputs.add(name="t", datatype=datatype, shape=[2])
    response.raw_output_contents.append(raw)
    with pytest.raises(ValueError, match=r"raw contents|buffer size"):
        response_to_json(response.SerializeToString())


def test_an_invalid_response_is_an_error() -> None:
    """Bytes that are not a message are rejected, and the error names the expected message."""
    with pytest.raises(ValueError, match="ModelInferResponse"):
        count_outputs(b"\xff\xff")
