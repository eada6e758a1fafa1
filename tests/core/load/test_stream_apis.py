"""What the events of each streaming API carry."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ghmlops.core.load.stream_apis import Part
from ghmlops.core.load.stream_events import classify

DELTA = "content_block_delta"
PARTS: list[tuple[dict[str, Any], Part]] = [
    # Chat completions
    ({"choices": [{"delta": {"role": "assistant", "content": ""}}]}, Part.NONE),
    ({"choices": [{"delta": {"content": "a"}}]}, Part.OUTPUT),
    ({"choices": [{"delta": {"refusal": "no"}}]}, Part.OUTPUT),
    ({"choices": [{"delta": {"reasoning_content": "a"}}]}, Part.REASONING),
    ({"choices": [{"delta": {"reasoning": "a", "content": ""}}]}, Part.REASONING),
    ({"choices": [{"delta": {"content": [{"type": "thinking", "thinking": [{"text": "a"}]}]}}]}, Part.REASONING),
    ({"choices": [{"delta": {"content": [{"type": "text", "text": "a"}]}}]}, Part.OUTPUT),
    ({"choices": [{"delta": {"tool_calls": [{"function": {"name": "f"}}]}}]}, Part.TOOL),
    ({"choices": [{"text": "a"}]}, Part.OUTPUT),
    ({"choices": [{"delta": {}}, {"delta": {"content": "b"}}]}, Part.OUTPUT),
    ({"choices": []}, Part.NONE),
    # Responses
    ({"type": "response.created", "response": {}}, Part.NONE),
    ({"type": "response.output_item.added", "item": {"type": "message"}}, Part.NONE),
    ({"type": "response.content_part.added"}, Part.NONE),
    ({"type": "response.output_text.delta", "delta": "a"}, Part.OUTPUT),
    ({"type": "response.output_text.delta", "delta": ""}, Part.NONE),
    ({"type": "response.output_text.done", "text": "a"}, Part.NONE),
    ({"type": "response.refusal.delta", "delta": "no"}, Part.OUTPUT),
    ({"type": "response.reasoning_summary_text.delta", "delta": "a"}, Part.REASONING),
    ({"type": "response.function_call_arguments.delta", "delta": "{"}, Part.TOOL),
    # Messages
    ({"type": "message_start", "message": {"usage": {"output_tokens": 1}}}, Part.NONE),
    ({"type": "content_block_start", "content_block": {"type": "text", "text": ""}}, Part.NONE),
    ({"type": DELTA, "delta": {"type": "text_delta", "text": "a"}}, Part.OUTPUT),
    ({"type": DELTA, "delta": {"type": "thinking_delta", "thinking": "a"}}, Part.REASONING),
    ({"type": DELTA, "delta": {"type": "signature_delta", "signature": "a"}}, Part.NONE),
    ({"type": DELTA, "delta": {"type": "input_json_delta", "partial_json": "{"}}, Part.TOOL),
    # Gemini, Cohere and native streams
    ({"candidates": [{"content": {"parts": [{"text": "a"}]}}]}, Part.OUTPUT),
    ({"candidates": [{"content": {"parts": [{"text": "a", "thought": True}]}}]}, Part.REASONING),
    ({"candidates": [{"content": {"parts": [{"functionCall": {"name": "f"}}]}}]}, Part.TOOL),
    ({"type": "content-delta", "delta": {"message": {"content": {"text": "a"}}}}, Part.OUTPUT),
    ({"type": "content-delta", "delta": {"message": {"content": {"thinking": "a"}}}}, Part.REASONING),
    ({"type": "tool-call-delta", "delta": {"message": {"tool_calls": {"function": {}}}}}, Part.TOOL),
    ({"type": "content-start", "delta": {}}, Part.NONE),
    ({"event_type": "text-generation", "text": "a"}, Part.OUTPUT),
    ({"token": {"text": "a", "special": False}, "generated_text": None}, Part.OUTPUT),
    ({"content": "a", "stop": False}, Part.OUTPUT),
    ({"message": {"content": "", "thinking": "a"}, "done": False}, Part.REASONING),
    ({"response": "a", "done": False}, Part.OUTPUT),
    ({"text": "a", "meta_info": {"finish_reason": None}}, Part.OUTPUT),
    ({"model_name": "m", "text_output": "a"}, Part.OUTPUT),
    # Any service
    ({"token": 1}, Part.OUTPUT),
    ({"event_type": "row", "value": 1}, Part.OUTPUT),
]


@pytest.mark.parametrize(("value", "part"), PARTS)
def test_only_generated_content_is_a_token(value: dict[str, Any], part: Part) -> None:
    """Text, reasoning and tool calls are tokens of different kinds; events that structure the answer are none."""
    event = classify(b"", msgspec.json.encode(value))
    assert (event.part, event.failed) == (part, False)


@pytest.mark.parametrize(
    ("value", "usage"),
    [
        ({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"completion_tokens": 7}}, 7),
        ({"type": "response.completed", "response": {"usage": {"output_tokens": 8}}}, 8),
        ({"type": "response.incomplete", "response": {"usage": {"output_tokens": 8}}}, 8),
        ({"type": "message_stop"}, 0),
        (
            {
                "candidates": [{"finishReason": "STOP"}],
                "usageMetadata": {"candidatesTokenCount": 5, "thoughtsTokenCount": 2},
            },
            7,
        ),
        ({"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": {"tokens": {"output_tokens": 4}}}}, 4),
        ({"event_type": "stream-end", "finish_reason": "COMPLETE"}, 0),
        ({"token": {"text": "."}, "generated_text": "a.", "details": {"generated_tokens": 2}}, 2),
        ({"content": "", "stop": True, "tokens_predicted": 3}, 3),
        ({"response": "", "done": True, "done_reason": "stop", "eval_count": 6}, 6),
        ({"text": "a", "meta_info": {"finish_reason": {"type": "stop"}, "completion_tokens": 9}}, 9),
    ],
)
def test_the_end_of_an_answer_and_its_token_count(value: dict[str, Any], usage: int) -> None:
    """Each API has an end marker; the number of tokens is the service's if it reports one."""
    event = classify(b"", msgspec.json.encode(value))
    assert (event.ends, event.recognised, event.usage, event.failed) == (True, True, usage, False)


@pytest.mark.parametrize("count", [-1, 0, True, 1.5, "7", None, 2**40])
def test_an_impossible_token_count_is_ignored(count: object) -> None:
    """A count that is not a positive whole number of 31 bits is not used."""
    assert classify(b"", msgspec.json.encode({"choices": [], "usage": {"completion_tokens": count}})).usage == 0


def test_a_tool_call_without_arguments_is_an_answer() -> None:
    """The start of a tool call shows that the answer is not empty, although it is no token."""
    starts = [
        {"type": "content_block_start", "content_block": {"type": "tool_use", "name": "f"}},
        {"type": "response.output_item.added", "item": {"type": "function_call", "name": "f"}},
        {"type": "tool-call-start", "delta": {}},
    ]
    events = [classify(b"", msgspec.json.encode(start)) for start in starts]
    assert [(event.part, event.substance) for event in events] == [(Part.NONE, True)] * 3
