"""Messages of the Open Inference Protocol over gRPC, and their conversion from and to the JSON (REST) form.

`open_inference.proto` defines the messages. Their classes are created from its compiled descriptor instead of a
generated module, because such a module requires a protobuf runtime at least as new as its compiler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from ghmlops.measure.load.protocols.open_inference_descriptor import FILE_DESCRIPTOR

if TYPE_CHECKING:
    from collections.abc import Iterator

METHOD = "/inference.GRPCInferenceService/ModelInfer"
_CONTENTS = {
    "BOOL": "bool_contents", "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents",
    "INT64": "int64_contents", "UINT8": "uint_contents", "UINT16": "uint_contents", "UINT32": "uint_contents",
    "UINT64": "uint64_contents", "FP32": "fp32_contents", "FP64": "fp64_contents", "BYTES": "bytes_contents",
}  # fmt: skip
"""Field of `InferTensorContents` by data type."""
_RAW = {
    "BOOL": "?", "INT8": "i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8", "UINT8": "u1", "UINT16": "<u2",
    "UINT32": "<u4", "UINT64": "<u8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
"""NumPy type of raw contents by data type."""
_PARAMETERS = {bool: "bool_param", int: "int64_param", str: "string_param"}


def _message_classes() -> tuple[Any, Any]:
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(FILE_DESCRIPTOR)
    names = ("inference.ModelInferRequest", "inference.ModelInferResponse")
    request, response = (message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in names)
    return request, response


ModelInferRequest, ModelInferResponse = _message_classes()


def encode_request(model: str, version: str, body: bytes) -> bytes:
    """Return the serialised `ModelInferRequest` of a request in the JSON form of the protocol.

    Args:
        model: Name of the model.
        version: Version of the model; empty to let the server choose.
        body: JSON with `inputs`, and optionally `id`, `parameters` and `outputs`.

    Raises:
        ValueError: The body is not of this form; the message is a sentence that names the fault.
    """
    try:
        request = msgspec.json.decode(body, type=_JsonRequest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not a request of the Open Inference Protocol: {error}") from None
    message = ModelInferRequest(model_name=model, model_version=version, id=request.id)
    _set_parameters(message, request.parameters)
    for tensor in request.inputs:
        _add_input(message, tensor)
    for output in request.outputs:
        _set_parameters(message.outputs.add(name=output.name), output.parameters)
    serialised: bytes = message.SerializeToString()
    return serialised


class _JsonOutput(msgspec.Struct):
    name: str
    parameters: dict[str, Any] = {}


class _JsonInput(msgspec.Struct):
    name: str
    shape: list[int]
    datatype: str
    data: list[Any]
    parameters: dict[str, Any] = {}


class _JsonRequest(msgspec.Struct):
    inputs: list[_JsonInput]
    outputs: list[_JsonOutput] = []
    id: str = ""
    parameters: dict[str, Any] = {}


def _add_input(message: Any, tensor: _JsonInput) -> None:  # noqa: ANN401 (a class created above)
    if tensor.datatype not in _CONTENTS:
        supported = ", ".join(_CONTENTS)
        raise ValueError(f"input `{tensor.name}` has datatype `{tensor.datatype}`, supported are {supported}")
    data = list(_flatten(tensor.data))
    if tensor.datatype == "BYTES":
        data = [item.encode() if isinstance(item, str) else item for item in data]
    added = message.inputs.add(name=tensor.name, datatype=tensor.datatype)
    try:
        added.shape.extend(tensor.shape)
        getattr(added.contents, _CONTENTS[tensor.datatype]).extend(data)
    except (TypeError, ValueError) as error:
        raise ValueError(f"input `{tensor.name}` is not {tensor.datatype}: {error}") from None
    _set_parameters(added, tensor.parameters)


def _flatten(values: list[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield from _flatten(value)
        else:
            yield value


def _set_parameters(message: Any, parameters: dict[str, Any]) -> None:  # noqa: ANN401 (a class created above)
    for name, value in parameters.items():
        field = _PARAMETERS.get(type(value))
        if field is None:
            raise ValueError(f"parameter `{name}` must be a string, an integer or a boolean")
        try:
            setattr(message.parameters[name], field, value)
        except ValueError as error:
            raise ValueError(f"parameter `{name}`: {error}") from None


def count_outputs(message: bytes) -> int:
    """Return the number of outputs of a serialised `ModelInferResponse`.

    Raises:
        ValueError: `message` is not a ModelInferResponse.
    """
    return len(_decode_response(message).outputs)


def response_to_json(message: bytes) -> bytes:
    """Return a serialised `ModelInferResponse` in the JSON form of the protocol, without its parameters.

    Raises:
        ValueError: `message` is not a ModelInferResponse, or its raw contents do not match their data type.
    """
    response = _decode_response(message)
    raw = list(response.raw_output_contents)
    outputs = []
    for index, tensor in enumerate(response.outputs):
        if index < len(raw):
            data = _decode_raw(tensor.datatype, raw[index])
        else:
            data = list(getattr(tensor.contents, _CONTENTS.get(tensor.datatype, "bytes_contents")))
        data = [item.decode("utf-8", "replace") if isinstance(item, bytes) else item for item in data]
        fields = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape), "data": data}
        outputs.append(fields)
    head = {"model_name": response.model_name, "model_version": response.model_version, "id": response.id}
    return msgspec.json.encode(head | {"outputs": outputs})


def _decode_response(message: bytes) -> Any:  # noqa: ANN401 (a class created above)
    try:
        return ModelInferResponse.FromString(message)
    except DecodeError:
        raise ValueError("the response is not a ModelInferResponse") from None


def _decode_raw(datatype: str, raw: bytes) -> list[Any]:
    """Return the values of raw contents: little-endian numbers, or strings that follow their length in four bytes."""
    if datatype in _RAW:
        numbers: list[Any] = np.frombuffer(raw, _RAW[datatype]).tolist()
        return numbers
    items, position = [], 0
    while position < len(raw):
        stop = position + 4 + int.from_bytes(raw[position : position + 4], "little")
        if stop > len(raw):
            raise ValueError("the raw contents of the response are truncated")
        items.append(raw[position + 4 : stop])
        position = stop
    return items
