"""A TCP proxy that loses one answer: it arrives here, and the client never hears it."""

from collections.abc import Callable
from typing import Final

from tests.support.proxy import Change, KafkaProxy, Proxy

Question = Callable[[bytes], bool]
"""Whether these bytes, on their way to the server, ask what is waited for."""


class LosingProxy(Proxy):
    """Forwards everything, until it is told to lose the answer to a question."""

    _question: Question | None = None
    _asked: object | None = None
    _cuts = False
    has_lost = False

    def lose(self, question: Question, *, reset: bool) -> None:
        """Lose the answer to the next such question; ``reset``: and end that connection with RST."""
        self.has_lost, self._cuts, self._question = False, reset, question

    def forward(self) -> None:
        """Lose nothing more."""
        self._question = self._asked = None

    def conversation(self) -> tuple[Change, Change]:
        questions, answers = super().conversation()
        me = object()

        def ask(chunk: bytes) -> bytes:
            if self._question is not None and self._question(chunk):
                self._question, self._asked = None, me
            return questions(chunk)

        def answer(chunk: bytes) -> bytes:
            if self._asked is not me:
                return answers(chunk)
            self.has_lost = True
            if self._cuts:
                self._asked = None
                raise ConnectionResetError
            return b""

        return ask, answer


class LosingKafkaProxy(LosingProxy, KafkaProxy):
    """The same before a broker."""


PRODUCE: Final = 0
FETCH: Final = 1
LIST_OFFSETS: Final = 2
METADATA: Final = 3


def anything(chunk: bytes) -> bool:
    return True


def request(key: int) -> Question:
    """A request of Kafka's protocol: four bytes of length, then the key of what is asked."""
    return lambda chunk: int.from_bytes(chunk[4:6], "big") == key
