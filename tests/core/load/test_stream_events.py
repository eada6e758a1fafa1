"""Failures inside streams, in the spelling of each server."""

from __future__ import annotations

import pytest

from ghmlops.core.load.stream_apis import Part
from ghmlops.core.load.stream_events import classify

FAILURES = [
    # OpenAI and compatible servers
    (b"", b'{"error": {"message": "The server had an error", "type": "server_error", "param": null, "code": null}}'),
    (b"", b'{"error": {"object": "error", "message": "boom", "type": "InternalServerError", "code": 500}}'),  # vLLM
    (b"", b'{"object": "error", "message": "boom", "type": "BadRequestError", "code": 400}'),  # vLLM, older
    (b"", b'{"id": "x", "choices": [{"delta": {"content": ""}, "finish_reason": "error"}], "error": {"code": 502}}'),
    (b"", b'{"choices": [{"delta": {}, "finish_reason": "abort"}]}'),
    (b"", b'{"choices": [{"delta": {"content": "a"}, "finish_reason": "content_filter"}]}'),  # Azure
    (b"", b'{"choices": [{"delta": {}, "finish_reason": "insufficient_system_resource"}]}'),  # DeepSeek
    (b"", b'{"choices": [], "x_groq": {"error": "over capacity"}}'),
    (b"", b'{"text": "**NETWORK ERROR**", "error_code": 50001}'),  # FastChat
    # OpenAI Responses
    (b"error", b'{"type": "error", "code": "server_error", "message": "boom", "param": null, "sequence_number": 3}'),
    (b"", b'{"type": "error", "code": "server_error", "message": "boom"}'),
    (b"response.failed", b'{"type": "response.failed", "response": {"error": {"code": "server_error"}}}'),
    (b"", b'{"type": "response.incomplete", "response": {"incomplete_details": {"reason": "content_filter"}}}'),
    # Anthropic
    (b"error", b'{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}'),
    (
        b"message_delta",
        b'{"type": "message_delta", "delta": {"stop_reason": "refusal"}, "usage": {"output_tokens": 3}}',
    ),
    # TGI, Triton, SGLang, Ollama
    (b"", b'{"error": "Request failed during generation", "error_type": "generation"}'),
    (b"", b'{"error": "in ensemble: the model is overloaded"}'),
    (b"", b'{"text": "", "meta_info": {"finish_reason": {"type": "abort", "message": "aborted", "status_code": 500}}}'),
    (b"", b'{"error": "model runner has unexpectedly stopped"}'),
    # Gemini and Vertex AI
    (b"", b'{"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}'),
    (b"", b'[{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}]'),
    (b"", b'{"promptFeedback": {"blockReason": "SAFETY"}}'),
    (b"", b'{"candidates": [{"content": {"parts": []}, "finishReason": "SAFETY"}]}'),
    # Cohere
    (b"", b'{"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "boom"}}'),
    (b"", b'{"event_type": "stream-end", "finish_reason": "ERROR_TOXIC"}'),
    # Bedrock, LangServe, Gradio, Dify, and text
    (b"", b'{"modelStreamErrorException": {"message": "boom"}}'),
    (b"error", b'{"status_code": 500, "message": "Internal Server Error"}'),
    (b"error", b"null"),
    (b"", b'{"msg": "process_completed", "success": false, "output": {"error": null}}'),
    (b"", b'{"event": "error", "status": 400, "message": "boom"}'),
    (b"", b"[ERROR] out of memory"),
    # Any service
    (b"", b'{"error": true}'),
    (b"", b'{"error": {}}'),
    (b"", b'{"error": 500, "message": "boom"}'),
    (b"", b'{"error": {"message": "the loss is NaN"}, "loss": NaN}'),
]


@pytest.mark.parametrize(("name", "data"), FAILURES)
def test_each_spelling_of_a_failure_is_one(name: bytes, data: bytes) -> None:
    """An event that reports a failure is a failure in the spelling of every server."""
    assert classify(name, data).failed


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b'{"error": null, "choices": [{"delta": {"content": "a"}}]}', Part.OUTPUT),
        (b'{"error": "", "text_output": "a"}', Part.OUTPUT),
        (b'{"error": false, "token": 3}', Part.OUTPUT),
        (b'{"error": 0.02, "forecast": 3.1}', Part.OUTPUT),  # an error bar
        (b'{"error_code": 0, "text": "a"}', Part.OUTPUT),
        (b'{"choices": [{"delta": {"content": "an error"}, "finish_reason": "length"}]}', Part.OUTPUT),
        # The filter could not be applied; the answer is complete all the same (Azure).
        (b'{"choices": [{"content_filter_results": {"error": {"code": "content_filter_error"}}}]}', Part.NONE),
        (b'{"type": "response.created", "response": {"error": null}}', Part.NONE),
        (b'{"type": "response.incomplete", "response": {"incomplete_details": {"reason": "max_output_tokens"}}}', 0),
        (b"error: disk full", Part.OUTPUT),
        (b"[1, 2]", Part.OUTPUT),
        (b"3.5", Part.OUTPUT),
        (b"\xff\xfe", Part.OUTPUT),
        (b"{" * 100_000, Part.OUTPUT),
        (b'{"type": {"a": 1}, "event_type": [1], "choices": "a"}', Part.OUTPUT),
    ],
)
def test_what_only_resembles_a_failure_is_none(data: bytes, part: Part) -> None:
    """An empty error, a metric of that name, or text that contains the word is not a failure."""
    event = classify(b"", data)
    assert (event.failed, event.part) == (False, part)


@pytest.mark.parametrize(
    ("name", "data"),
    [(b"ping", b"{}"), (b"heartbeat", b"1"), (b"end", b""), (b"", b'{"type": "ping"}'), (b"", b"[DONE]")],
)
def test_events_without_output_are_no_token(name: bytes, data: bytes) -> None:
    """Pings and end markers of any service are not tokens."""
    assert classify(name, data).part is Part.NONE
