"""A TCP proxy with the loss of a single answer: the answer arrives here and never reaches the client."""

from collections.abc import Callable
from typing import Final

from tests.support.proxy import Change, KafkaProxy, Proxy

Question = Callable[[bytes], bool]
"""Whether these bytes to the server are the awaited question."""


class LosingProxy(Proxy):
    """Forwards everything, until told to lose the answer to a question."""

    _question: Question | None = None
    _asked: object | None = None
    _cuts = False
    has_lost = False

    def lose(self, question: Question, *, reset: bool) -> None:
        """Lose the answer to the next such question. ``reset``: end the connection with RST, too."""
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
    """A request of Kafka's protocol: four bytes of length, then the API key."""
    return lambda chunk: int.from_bytes(chunk[4:6], "big") == key
