"""Asks both arms: one request at a time, after another one, or in a crowd; counts every answer by its kind."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from typing import TYPE_CHECKING

from ghmlops.core.answers.answer import Answer, AnswerKind
from ghmlops.core.load.call import Call
from ghmlops.core.synthetic.ask import When
from ghmlops.core.synthetic.compare import Observation, Reading, judge, problem, reading
from ghmlops.measure.asking.sender import Sender

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.core.policy.latency import Request
    from ghmlops.core.synthetic.message import Message
    from ghmlops.core.synthetic.question import Question
    from ghmlops.measure.load.target import Target

BASELINE, CANDIDATE = "baseline", "candidate"
MAX_SILENT = 8
"""Timeouts in a row from which on an arm is not asked any further: each takes the complete timeout of the endpoint."""


class Session:
    """Connections to the arms.

    Args:
        targets: address of each arm, with the address that was probed.
        endpoints: the endpoints of the policy, with their headers filled in.
        connections: requests in flight in a crowd.
        seconds: time for all requests; what is asked later is not sent, and its answer is a timeout.
    """

    def __init__(
        self, targets: Mapping[str, Target], endpoints: Sequence[Request], connections: int, seconds: float
    ) -> None:
        self.arms = tuple(targets)
        self.kinds: Counter[tuple[str, str]] = Counter()
        self.examples: dict[tuple[str, str], str] = {}
        self.sent = 0
        self.silent: Counter[str] = Counter()
        self._end = time.monotonic() + seconds
        self._connections = connections
        self._senders = {arm: Sender(target, endpoints) for arm, target in targets.items()}
        self._crowds = {arm: [Sender(target, endpoints) for _ in range(connections)] for arm, target in targets.items()}
        self._recent: dict[str, deque[Message]] = {arm: deque(maxlen=connections) for arm in targets}

    @property
    def late(self) -> bool:
        """Whether the time is used up."""
        return time.monotonic() > self._end

    @property
    def over(self) -> bool:
        """Whether the time is used up, or an arm is silent: only timeouts, many in a row."""
        return self.late or max(self.silent.values(), default=0) >= MAX_SILENT

    def extend(self, seconds: float) -> None:
        """Allow more time from now on."""
        self._end = time.monotonic() + seconds

    def close(self) -> None:
        """Close all connections."""
        for sender in (*self._senders.values(), *(sender for crowd in self._crowds.values() for sender in crowd)):
            sender.close()

    def ask(self, arm: str, message: Message) -> Reading:
        """Send a message when it wants to be sent, and return its answer."""
        if message.when is When.UNDER_LOAD:
            others = list(self._recent[arm])
            crowd = [*others[: len(others) // 2], message, *others[len(others) // 2 :]]
            return self.crowd(arm, crowd)[len(others) // 2]
        if message.when is When.AFTER_OTHER:
            self._disturb(arm, message)
        return self._reading(arm, message, self._send(arm, message))

    def crowd(self, arm: str, messages: Sequence[Message]) -> list[Reading]:
        """Send messages over all connections of an arm at once, and return their answers in the same order."""
        answers: list[Answer | None] = [None] * len(messages)
        indices = iter(range(len(messages)))
        lock = threading.Lock()

        def work(sender: Sender) -> None:
            while True:
                with lock:
                    index = next(indices, None)
                if index is None or self.over:
                    return
                answers[index] = sender.ask(_call(messages[index]))

        threads = [threading.Thread(target=work, args=(sender,), daemon=True) for sender in self._crowds[arm]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.sent += len(messages)
        lost = Answer(kind=AnswerKind.THROTTLED, problem="not sent: the time was used up")
        return [self._reading(arm, message, answer or lost) for message, answer in zip(messages, answers, strict=True)]

    def observe(self, arm: str, question: Question) -> Observation:
        """Ask a question on one arm and judge it."""
        source = question.earlier.get(BASELINE if question.against_baseline else arm)
        if source is None and question.source is not None:
            source = self.ask(BASELINE if question.against_baseline else arm, question.source)
        return judge(question.expected, source, self._ask_changed(arm, question), question.how)

    def _ask_changed(self, arm: str, question: Question) -> Reading:
        """Ask the changed request behind the requests of its context, or among them."""
        if question.context and question.changed.when is When.UNDER_LOAD:
            middle = len(question.context) // 2
            crowd = [*question.context[:middle], question.changed, *question.context[middle:]]
            return self.crowd(arm, crowd)[middle]
        for message in question.context:
            self._send(arm, message)
        return self.ask(arm, question.changed)

    def _disturb(self, arm: str, message: Message) -> None:
        """Send another recent message if the last one was this one."""
        recent = self._recent[arm]
        if recent and _same(recent[-1], message):
            other = next((one for one in reversed(recent) if not _same(one, message)), None)
            if other is not None:
                self._send(arm, other)

    def _send(self, arm: str, message: Message) -> Answer:
        answer = self._senders[arm].ask(_call(message))
        self.sent += 1
        recent = self._recent[arm]
        if message.part is None and answer.successful and not (recent and _same(recent[-1], message)):
            recent.append(message)
        return answer

    def _reading(self, arm: str, message: Message, answer: Answer) -> Reading:
        result = reading(answer, message.part)
        self.silent[arm] = self.silent[arm] + 1 if answer.kind is AnswerKind.TIMEOUT else 0
        kind = problem(result) or "answered"
        self.kinds[arm, kind] += 1
        self.examples.setdefault((arm, kind), answer.problem)
        return result


def _call(message: Message) -> Call:
    return Call(endpoint=message.endpoint, path=message.path, body=message.body)


def _same(one: Message, other: Message) -> bool:
    return (one.endpoint, one.path, one.text, one.raw) == (other.endpoint, other.path, other.text, other.raw)
