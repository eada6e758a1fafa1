"""The messages of the Open Inference Protocol over gRPC, and their JSON (REST) form. Pure.

Their definition is that of the protocol, version 2 (`service GRPCInferenceService`, package `inference`); the classes
are made from it here, so that nothing is generated and no compiler is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

if TYPE_CHECKING:
    from collections.abc import Iterator

METHOD = "/inference.GRPCInferenceService/ModelInfer"
_F = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "bool": _F.TYPE_BOOL, "int32": _F.TYPE_INT32, "int64": _F.TYPE_INT64, "uint32": _F.TYPE_UINT32,
    "uint64": _F.TYPE_UINT64, "float": _F.TYPE_FLOAT, "double": _F.TYPE_DOUBLE, "string": _F.TYPE_STRING,
    "bytes": _F.TYPE_BYTES,
}  # fmt: skip
_TENSOR = ["name string 1", "datatype string 2", "shape int64* 3", "parameters map 4", "contents Contents 5"]
_MESSAGES = {
    "Contents": [
        "bool_contents bool* 1", "int_contents int32* 2", "int64_contents int64* 3", "uint_contents uint32* 4",
        "uint64_contents uint64* 5", "fp32_contents float* 6", "fp64_contents double* 7", "bytes_contents bytes* 8",
    ],
    "Parameter": ["bool_param bool| 1", "int64_param int64| 2", "string_param string| 3"],
    "Tensor": _TENSOR,
    "RequestedOutput": ["name string 1", "parameters map 2"],
    "ModelInferRequest": [
        "model_name string 1", "model_version string 2", "id string 3", "parameters map 4", "inputs Tensor* 5",
        "outputs RequestedOutput* 6", "raw_input_contents bytes* 7",
    ],
    "ModelInferResponse": [
        "model_name string 1", "model_version string 2", "id string 3", "parameters map 4", "outputs Tensor* 5",
        "raw_output_contents bytes* 6",
    ],
}  # fmt: skip
"""A field is its name, type and number; `*` repeated, `|` one of several. Names of messages are not on the wire."""
_CONTENTS = {
    "BOOL": "bool_contents", "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents",
    "INT64": "int64_contents", "UINT8": "uint_contents", "UINT16": "uint_contents", "UINT32": "uint_contents",
    "UINT64": "uint64_contents", "FP32": "fp32_contents", "FP64": "fp64_contents", "BYTES": "bytes_contents",
}  # fmt: skip
_RAW = {
    "BOOL": "?", "INT8": "i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8", "UINT8": "u1", "UINT16": "<u2",
    "UINT32": "<u4", "UINT64": "<u8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
_PARAMETERS = {bool: "bool_param", int: "int64_param", str: "string_param"}


def _classes() -> tuple[Any, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="ghmlops/open_inference.proto", package="inference", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field in fields:
            _add(message, *field.split())
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    names = ("inference.ModelInferRequest", "inference.ModelInferResponse")
    request, response = (message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in names)
    return request, response


def _add(message: descriptor_pb2.DescriptorProto, name: str, kind: str, number: str) -> None:
    """Add a field; a map is a repeated entry of key and value."""
    field = message.field.add(name=name, number=int(number), label=_F.LABEL_OPTIONAL)
    plain = kind.rstrip("*|")
    if kind.endswith("*") or kind == "map":
        field.label = _F.LABEL_REPEATED
    if kind.endswith("|"):
        if not message.oneof_decl:
            message.oneof_decl.add(name="choice")
        field.oneof_index = 0
    if plain == "map":
        entry = message.nested_type.add(name="ParametersEntry")
        entry.options.map_entry = True
        _add(entry, "key", "string", "1")
        _add(entry, "value", "Parameter", "2")
        field.type, field.type_name = _F.TYPE_MESSAGE, f".inference.{message.name}.ParametersEntry"
    elif plain in _SCALARS:
        field.type = _SCALARS[plain]
    else:
        field.type, field.type_name = _F.TYPE_MESSAGE, f".inference.{plain}"


Request, Response = _classes()


def request_message(model: str, version: str, body: bytes) -> bytes:
    """Return the serialised `ModelInferRequest` of a request in the JSON form of the protocol.

    Args:
        model: its name.
        version: of the model; empty: the server chooses.
        body: JSON with `inputs`, and perhaps `id`, `parameters` and `outputs`.

    Raises:
        ValueError: a sentence that says what of the JSON is not of this form.
    """
    try:
        form = msgspec.json.decode(body, type=_Form)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not a request of the Open Inference Protocol: {error}") from None
    message = Request(model_name=model, model_version=version, id=form.id)
    _set_parameters(message, form.parameters)
    for tensor in form.inputs:
        if tensor.datatype not in _CONTENTS:
            known = ", ".join(_CONTENTS)
            raise ValueError(f"input `{tensor.name}` has datatype `{tensor.datatype}`, known are {known}")
        data = list(_flat(tensor.data))
        if tensor.datatype == "BYTES":
            data = [item.encode() if isinstance(item, str) else item for item in data]
        made = message.inputs.add(name=tensor.name, datatype=tensor.datatype)
        try:
            made.shape.extend(tensor.shape)
            getattr(made.contents, _CONTENTS[tensor.datatype]).extend(data)
        except (TypeError, ValueError) as error:
            raise ValueError(f"input `{tensor.name}` is not {tensor.datatype}: {error}") from None
        _set_parameters(made, tensor.parameters)
    for wanted in form.outputs:
        _set_parameters(message.outputs.add(name=wanted.name), wanted.parameters)
    serialised: bytes = message.SerializeToString()
    return serialised


class _Wanted(msgspec.Struct):
    name: str
    parameters: dict[str, Any] = {}


class _Input(msgspec.Struct):
    name: str
    shape: list[int]
    datatype: str
    data: list[Any]
    parameters: dict[str, Any] = {}


class _Form(msgspec.Struct):
    inputs: list[_Input]
    outputs: list[_Wanted] = []
    id: str = ""
    parameters: dict[str, Any] = {}


def _flat(values: list[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield from _flat(value)
        else:
            yield value


def _set_parameters(message: Any, given: dict[str, Any]) -> None:  # noqa: ANN401 (a class made above)
    for name, value in given.items():
        kind = _PARAMETERS.get(type(value))
        if kind is None:
            raise ValueError(f"parameter `{name}` must be text, a whole number or a boolean")
        try:
            setattr(message.parameters[name], kind, value)
        except ValueError as error:
            raise ValueError(f"parameter `{name}`: {error}") from None


def answer_outputs(message: bytes) -> int:
    """Return how many outputs a serialised `ModelInferResponse` holds.

    Raises:
        ValueError: it is none.
    """
    return len(_answer(message).outputs)


def answer_json(message: bytes) -> bytes:
    """Return a serialised `ModelInferResponse` in the JSON form of the protocol; its parameters are left out.

    Raises:
        ValueError: it is none, or its raw contents do not fit their datatype.
    """
    answer = _answer(message)
    raw = list(answer.raw_output_contents)
    outputs = []
    for place, tensor in enumerate(answer.outputs):
        if place < len(raw):
            data = _unpacked(tensor.datatype, raw[place])
        else:
            data = list(getattr(tensor.contents, _CONTENTS.get(tensor.datatype, "bytes_contents")))
        data = [item.decode("utf-8", "replace") if isinstance(item, bytes) else item for item in data]
        fields = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape), "data": data}
        outputs.append(fields)
    head = {"model_name": answer.model_name, "model_version": answer.model_version, "id": answer.id}
    return msgspec.json.encode(head | {"outputs": outputs})


def _answer(message: bytes) -> Any:  # noqa: ANN401 (a class made above)
    try:
        return Response.FromString(message)
    except DecodeError:
        raise ValueError("the answer is not a ModelInferResponse") from None


def _unpacked(datatype: str, raw: bytes) -> list[Any]:
    """Read raw contents: little-endian numbers, or texts with their length in four bytes before each."""
    if datatype in _RAW:
        found: list[Any] = np.frombuffer(raw, _RAW[datatype]).tolist()
        return found
    items, at = [], 0
    while at < len(raw):
        stop = at + 4 + int.from_bytes(raw[at : at + 4], "little")
        if stop > len(raw):
            raise ValueError("the answer's raw contents are cut")
        items.append(raw[at + 4 : stop])
        at = stop
    return items
