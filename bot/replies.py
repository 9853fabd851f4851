"""From a decision to a reply: which sentences, facts, citations and next steps stand in it. Pure."""

from __future__ import annotations

from collections.abc import Callable

from bot.decide import Answer, AskWhich, Decision, HandOver, NotMine, OfferForm, SafetyFirst, SmallTalk
from bot.dialogs.form import After
from bot.model import Choice, Cited, Reply, Tone, Understood
from bot.ports import Words
from bot.school import Contacts
from guidance_kb.facts import VOCABULARY, Facts, Matter
from guidance_kb.library import Library
from guidance_kb.model import Clause, Force, Offer, Situation, Verdict
from intents.model import Courtesy, Intent

SHOWN_FACTS = ("matter", "who", "age", "tie", "account", "channel", "openness", "emergency")
"""The facts worth showing back, in the order they are shown."""

_FORM_MATTER = {
    Intent.REPORT: Matter.RECORD,
    Intent.JUSTIFY: Matter.TELL_DEPARTURE,
    Intent.DECLARE: Matter.ACKNOWLEDGE,
}


_TONES = {
    Verdict.PROHIBITED: Tone.NO,
    Verdict.REQUIRED: Tone.DO,
    Verdict.PERMITTED: Tone.YES,
    Verdict.CONDITIONAL: Tone.DEPENDS,
    Verdict.INFORMATION: Tone.PLAIN,
    Verdict.REFER: Tone.UNSETTLED,
}


class Replies:
    """Writes replies in the words of one product, one guidance and one school.

    `quote` gives a paragraph's exact words from the school's own document, or None.
    """

    def __init__(
        self, words: Words, library: Library, contacts: Contacts, quote: Callable[[str], str | None] = lambda _: None
    ) -> None:
        self._words = words
        self._library = library
        self._contacts = contacts
        self._quote = quote

    def reply(self, decision: Decision) -> Reply:
        """The reply that carries out a decision."""
        match decision:
            case Answer():
                return self._answer(decision)
            case AskWhich():
                return self._which(decision)
            case OfferForm():
                return self._form(decision)
            case HandOver():
                return self.plain("hand_over", Choice("Ask leadership", "open:form:ask_leadership", opens=True))
            case SmallTalk(Courtesy.STATUS):
                return self.plain("status", Choice("My cases", "open:mine", opens=True), safeguarding=False)
            case SmallTalk():
                return self.plain(decision.courtesy.value, *self._start_choices(), safeguarding=False)
            case NotMine():
                return self.plain("not_mine")
            case SafetyFirst():
                return self._safety_first(decision)

    def safety(self, adult: bool = False) -> tuple[str, ...]:
        """The safety card's lines."""
        name = "safety_adult" if adult else "safety_child"
        return tuple(self._words.say(name, contacts=self._contacts).splitlines())

    def plain(self, name: str, *choices: Choice, safeguarding: bool = True) -> Reply:
        """A short reply of fixed words; with the safeguarding route beneath unless it is mere courtesy."""
        lead, *body = self._words.say(name, contacts=self._contacts).splitlines()
        return Reply(lead, tuple(body), choices=choices, footnote=self._route() if safeguarding else "")

    def _route(self) -> str:
        return self._words.say("safeguarding_route", contacts=self._contacts)

    def receipt(self, ref: str, recipients: tuple[str, ...], after: After, unwatched: str | None = None) -> Reply:
        """Word that a case is stored: its reference, who has it, and what to do and not to do now; nothing of what was said.

        `unwatched` says that nobody is there just now.
        """
        lead, *body = self._words.say("receipt", ref=ref).splitlines()
        mine = Choice("My cases", "open:mine", opens=True)
        lines = (*([unwatched] if unwatched else []), *recipients, *(one.words for one in after.advice), *body)
        return Reply(lead, lines, citations=self._behind(after), choices=(mine,), footnote=after.do_not)

    def checked(self, left: tuple[str, ...], after: After) -> Reply:
        """The end of the account check: what is left to look at, and the paragraphs behind it."""
        lead, *body = self._words.say("checked_left" if left else "checked").splitlines()
        return Reply(lead, (*body, *left), citations=self._behind(after))

    def _behind(self, after: After) -> tuple[Cited, ...]:
        """The paragraphs that advice rests on, as far as this guidance has them."""
        ids = dict.fromkeys(one.paragraph for one in after.advice)
        return tuple(self._cited(clause) for clause in self._library.clauses if clause.id in ids)

    def not_carried(self, numbers: tuple[str, ...], words: str = "not_carried") -> Reply:
        """Word that nobody can safely be told through Charter, with the numbers to ring."""
        lead, *body = self._words.say(words).splitlines()
        return Reply(lead, (*body, *numbers))

    def correction(self, fact: str, allowed: tuple[str, ...] | None = None) -> Reply:
        """The question that puts a fact right. Raises KeyError for a fact that is not in the vocabulary."""
        values = [value for value in VOCABULARY[fact] if allowed is None or value in allowed]
        choices = tuple(Choice(_capital(value.label), f"set:{fact}={value}") for value in values)
        lead = self._words.say(f"which_{fact}" if fact in ("who", "age", "tie") else "which_fact")
        return Reply(lead, choices=choices, footnote=self._words.say("or_say_it"))

    def _answer(self, answer: Answer) -> Reply:
        row = answer.situation
        return Reply(
            lead=self.verdict(row),
            tone=_TONES[row.verdict],
            body=(row.answer,),
            understood=tuple(_shown(answer.facts)),
            citations=tuple(map(self._cited, self._library.citations(row))),
            choices=(*self._asked_back(row), *map(self._next_step, row.offers), *map(self._instead, answer.others)),
            footnote="" if row.verdict is not Verdict.REFER else self._words.say("not_settled_note"),
        )

    def verdict(self, row: Situation) -> str:
        """The verdict in words that follow the guidance's force."""
        advice = row.force is Force.ADVICE and row.verdict in (Verdict.PROHIBITED, Verdict.REQUIRED)
        return self._words.say(f"verdict_{row.verdict}" + ("_advice" if advice else ""))

    def _which(self, which: AskWhich) -> Reply:
        choices = tuple(Choice(describe(row), f"choose:{row.id}") for row in which.options)
        none = Choice("None of these: ask leadership", "open:form:ask_leadership", opens=True)
        return Reply(self._words.say("ask_which"), choices=(*choices, none), footnote=self._route())

    def _form(self, offer: OfferForm) -> Reply:
        lead, *body = self._words.say(f"offer_{offer.form}").splitlines()
        row = self._library.rule({"matter": _FORM_MATTER[offer.form]})
        cited = tuple(map(self._cited, self._library.citations(row))) if row else ()
        button = self._next_step(Offer(str(offer.form) if offer.form is not Intent.DECLARE else "declare"))
        return Reply(lead, tuple(body), citations=cited, choices=(button,), footnote=self._route())

    def _safety_first(self, decision: SafetyFirst) -> Reply:
        beneath = (
            self.reply(decision.then) if decision.then else self.plain("after_safety", self._next_step(Offer.REPORT))
        )
        return Reply(
            beneath.lead,
            beneath.body,
            self.safety(decision.adult),
            beneath.understood,
            beneath.citations,
            beneath.choices,
            tone=beneath.tone,
        )

    def _cited(self, clause: Clause) -> Cited:
        force = self._words.say(f"force_{clause.force}")
        return Cited(clause.id, clause.section, clause.paragraph, force, clause.words, self._quote(clause.id))

    def _instead(self, row: Situation) -> Choice:
        return Choice(self._words.say("meant_instead", what=_small(describe(row))), f"choose:{row.id}")

    def _asked_back(self, row: Situation) -> tuple[Choice, ...]:
        """One tap for each value of the fact that would change the ruling."""
        if row.ask is None:
            return ()
        matters = {row.ask: set[str]()}
        for matter in row.when["matter"]:
            for other in self._library.rows_for(matter):
                matters[row.ask].update(other.when.get(row.ask, ()))
        return tuple(
            Choice(_capital(value.label), f"set:{row.ask}={value}")
            for value in VOCABULARY[row.ask]
            if value in matters[row.ask]
        )

    def _next_step(self, offer: Offer) -> Choice:
        label = self._words.say(f"offer_button_{offer}")
        match offer:
            case Offer.SAFEGUARDING:
                return Choice(label, "safety")
            case Offer.CHECK_ACCOUNTS:
                return Choice(label, "open:form:joiner_check", opens=True)
            case _:
                return Choice(label, f"open:form:{offer}", opens=True)

    def _start_choices(self) -> tuple[Choice, ...]:
        return tuple(self._next_step(offer) for offer in (Offer.REPORT, Offer.ASK_LEADERSHIP, Offer.CHECK_ACCOUNTS))


def describe(row: Situation) -> str:
    """A row in a few words, for a button: the facts that it pins down, the matter first."""
    pinned = [next(iter(values)).label for name, values in row.when.items() if name != "asks" and len(values) == 1]
    return _capital(", ".join(pinned) or min(row.when["matter"]).label)


def _shown(facts: Facts) -> list[Understood]:
    return [Understood(name, facts[name].label, f"correct:{name}") for name in SHOWN_FACTS if name in facts]


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
