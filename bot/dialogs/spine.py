"""The questions that every report shares, and what is said between them.

Their order and content follow the walk-through that the field's record-keeping guides share. Not being sure is an answer
everywhere except whom it is about: where a child could come to harm it counts as yes.
"""

from __future__ import annotations

from bot.cases.model import About
from bot.model import Choice, Field, FieldKind, Option

UNSURE = Option("unsure", "I'm not sure")
YES_NO = (Option("yes", "Yes"), Option("no", "No"), UNSURE)

DANGER = Field("danger", "Is anyone in immediate danger?", FieldKind.ONE_OF, YES_NO)
RISK = Field(
    "risk",
    "Could somebody be at risk of harm, now or later?",
    FieldKind.ONE_OF,
    (Option("no", "No"), Option("child", "A child may be"), Option("adult", "An adult may be"), UNSURE),
)
IMAGE = Field("image", "Is there a nude or sexual picture or video of somebody under 18?", FieldKind.ONE_OF, YES_NO)
ABOUT = Field(
    "about",
    "Who is it about?",
    FieldKind.ONE_OF,
    (
        Option(About.SELF, "Me"),
        Option(About.STUDENT, "A student"),
        Option(About.PARENT, "A parent or somebody outside school"),
        Option(About.COLLEAGUE, "A colleague, volunteer or contractor"),
        Option(About.SLT_OR_DSL, "A member of the leadership team or a safeguarding lead"),
        Option(About.HEADTEACHER, "The headteacher"),
        Option(About.GOVERNOR, "A governor"),
        Option(About.CHAIR, "The chair of governors"),
        Option(About.CONFLICT, "The headteacher and the chair of governors"),
        Option(About.UNKNOWN, "I don't know who did it"),
    ),
    hint="Only this decides where it goes.",
)
CONFLICT = Field(
    "conflict",
    "Is there a conflict in telling the chair of governors?",
    FieldKind.ONE_OF,
    (Option("no", "No"), Option("yes", "Yes"), UNSURE),
    hint="For example: the two are friends or family, or the chair is part of it.",
)
WHAT = Field(
    "what",
    "What happened?",
    FieldKind.LONG_TEXT,
    hint="Use your own words: what you saw or heard. Give full names. Put exact words in quotation marks.",
)
COMMON = (
    WHAT,
    Field(
        "when", "When did it happen, and when did you find out?", FieldKind.TEXT, hint="As near as you can.", limit=300
    ),
    Field("where", "Where: which app, site, account or place?", FieldKind.TEXT, limit=300),
    Field("people", "Who was involved?", FieldKind.TEXT, hint="Names and who they are. “Unknown” is fine.", limit=600),
    Field(
        "known",
        "How do you know?",
        FieldKind.ONE_OF,
        (
            Option("saw", "I saw it"),
            Option("received", "It came to me"),
            Option("told", "Somebody told me"),
            Option("found", "I found it"),
            UNSURE,
        ),
    ),
)
EVIDENCE = Field(
    "evidence",
    "Is there anything to show it, and where is it now?",
    FieldKind.TEXT,
    hint="Say where it is held. Don't send it, and don't delete it.",
    required=False,
    limit=600,
)
DONE = Field(
    "done",
    "What have you done so far, and whom have you told?",
    FieldKind.TEXT,
    hint="“Nothing yet” is fine.",
    required=False,
    limit=1000,
)

RUNG = Choice("I have rung: carry on", "next")
CARRY_ON = Choice("Carry on", "next")
SPEAK = Choice("I'd rather say it in person", "speak")

BEFORE = (
    "I can record this and pass it to the right person. I can't keep it secret, "
    "but only people who need to know will see it.",
    "Telling us is not an accusation, and I don't decide what happens.",
)
RING = ("Ring now, before anything else. Come back when you have rung, and I will take the record.",)
TELL = (
    "Speak to the safeguarding lead today, in person or by phone. Don't wait for a reply here.",
    "When you have, or while you wait to get through, carry on and I will take the record.",
)
IMAGE_STOP = (
    "Stop here. Don't look at it again, and don't copy, save, send or delete it.",
    "Tell the safeguarding lead at once, by phone or in person. I take no record of this: it must go by voice.",
)
IMAGE_UNSURE = (
    "Don't look to make sure. Don't copy, save, send or delete anything.",
    "Tell the safeguarding lead at once, by phone or in person. Carry on here only when you have, "
    "and describe no picture.",
)
CANNOT_CARRY = "I can't carry this one safely, so I won't take any details. Please ring:"
WISH_ONLY = "Only the wish to speak is sent. Nothing that you wrote here goes with it, and nothing of it is kept."
