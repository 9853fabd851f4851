"""From a message to what it means: the safety reader first, then the intent and the facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from guidance_kb.facts import VOCABULARY, Facts, FactValue
from intents.encoder import NOT_TOLD, YES, Encoder
from intents.lexicon import lexicon
from intents.model import Courtesy, Intent, Reading, Told
from intents.normalise import Normaliser
from intents.risk import judge

CARRIED = 0.9
"""How sure it is that a known fact which a follow-up does not tell itself is still as it was."""

UNLIKELY = 0.001
"""Rows below this probability are left out of a reading."""

PART, STEP, MOST_PARTS = 80, 60, 40
"""Words of a part of a long message, how many words on the next part begins, and the most parts.

The encoder reads so many words whole, and learned from hardly any longer message. Danger, and what is asked, may stand in any
part.
"""

_FOLLOWS_FROM = 0.3
_COURTESIES = 6

Heard = Mapping[str, list[float]]
"""What the encoder makes of a text: for each head the probabilities of its answers."""


class EncodedReader:
    """Reads messages with the trained encoder and the lexicon. Holds no conversation: the caller tells what went before."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._normaliser = Normaliser(lexicon().slang, encoder.words)
        answers = encoder.answers
        self._intents = [Intent(name) for name in answers["intent"]]
        self._values = {fact: [_value(kind, answer) for answer in answers[fact]] for fact, kind in VOCABULARY.items()}

    def read(self, text: str, earlier: Sequence[str] = (), known: Facts | None = None) -> Reading:
        """Read one message. `earlier` are the messages of the question so far, oldest first; `known` what is sure.

        Any text is read: an empty one has no risk and no facts. Only a message that continues the last question
        carries over what is known.
        """
        words = self._normaliser.words(text)
        parts = [self._encoder.ask(part, earlier) for part in _parts(text)]
        heard = self._surest(parts)
        follows_on = bool(earlier) and self._chance(parts[0], "follows") >= _FOLLOWS_FROM
        return Reading(
            intents=dict(zip(self._intents, heard["intent"], strict=True)),
            risk=judge(words, [self._chance(part, "risk") for part in parts]),
            facts=self._facts(heard, known if follows_on and known else {}),
            situations=self._rows(heard),
            courtesy=courtesy(words),
            follows_on=follows_on,
        )

    def _surest(self, parts: Sequence[Heard]) -> Heard:
        """The part that is surest what is asked. Start and end together tell whether the message asks at all."""
        ends = [(first + last) / 2 for first, last in zip(parts[0]["intent"], parts[-1]["intent"], strict=True)]
        asking = [part for part in parts if self._asks(part["intent"])]
        if not asking or not self._asks(ends):
            return {**parts[0], "intent": ends}
        return max(asking, key=lambda part: max(part["situation"]))

    def _asks(self, intents: Sequence[float]) -> bool:
        return self._intents[intents.index(max(intents))] is Intent.QUESTION

    def _chance(self, heard: Heard, head: str) -> float:
        return heard[head][self._encoder.answers[head].index(YES)]

    def _rows(self, heard: Heard) -> dict[str, float]:
        rows = zip(self._encoder.answers["situation"], heard["situation"], strict=True)
        return {row: chance for row, chance in rows if chance >= UNLIKELY}

    def _facts(self, heard: Heard, known: Facts) -> dict[str, Told]:
        return {
            fact: _told(dict(zip(values, heard[fact], strict=True)), known.get(fact))
            for fact, values in self._values.items()
        }


def _parts(text: str) -> list[str]:
    """The text, or the parts of a long one."""
    words = text.split()
    if len(words) <= PART:
        return [text]
    return [" ".join(words[at : at + PART]) for at in range(0, min(len(words) - PART + STEP, STEP * MOST_PARTS), STEP)]


def courtesy(words: Sequence[str]) -> Courtesy | None:
    """The small talk that a short message is, if it is that."""
    told = [word for word in words if word not in "?!"]
    if not told or len(told) > _COURTESIES:
        return None
    tags = lexicon().courtesy.tags(told)
    return next(
        (kind for kind in (Courtesy.STATUS, Courtesy.ABOUT, Courtesy.THANKS, Courtesy.GREETING) if kind in tags), None
    )


def _value(kind: type[FactValue], answer: str) -> FactValue | None:
    return None if answer == NOT_TOLD else kind(answer)  # type: ignore[call-arg]


def _told(told: dict[FactValue | None, float], known: FactValue | None) -> Told:
    if known is not None:
        untold = told.pop(None, 0.0)
        told[None] = untold * (1 - CARRIED)
        told[known] = told.get(known, 0.0) + untold * CARRIED
    return told
