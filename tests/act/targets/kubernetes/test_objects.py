"""Objects are decoded strictly: what does not fit is one error, and never a weight."""

from __future__ import annotations

import pytest

from ghmlops.act.targets.kubernetes.objects import Autoscaler, Route, decode_object, decode_objects
from ghmlops.core.errors import ServiceError


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"[]", b"{}", b"<html>", b'{"metadata": {"name": 1}}', b"[" * 100_000, b'{"items": 3}'],
)
def test_garbage_is_no_object(content: bytes) -> None:
    """Whatever is printed is one error with one line."""
    for decode, kind in ((decode_object, Route), (decode_objects, Autoscaler)):
        with pytest.raises(ServiceError) as caught:
            decode(content, kind)
        assert caught.value.reason_code == "target-refused"
        assert "\n" not in caught.value.message


def test_a_weight_out_of_range_is_no_weight() -> None:
    """The API server would not accept it."""
    content = b'{"metadata": {"name": "r", "resourceVersion": "1"}, "spec": {"rules": [{"backendRefs": [{"name": "a", '
    for weight in (b"-1", b"1000001", b"1.5", b'"1"'):
        with pytest.raises(ServiceError):
            decode_object(content + b'"weight": ' + weight + b"}]}]}}", Route)
