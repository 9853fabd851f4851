"""The shared vocabulary: every fact that decides a ruling.

A situation in the decision table is a set of these facts; a reader finds them in what people write; an answer shows them
back. A fact that nobody told is absent, never guessed. Each value carries the plain words in which it is shown to staff.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Self


class FactValue(StrEnum):
    """One value of one fact; `label` is how it reads in an answer."""

    label: str

    def __new__(cls, value: str, label: str) -> Self:
        """A member that is its value, with its label beside it."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member


class Matter(FactValue):
    """What the question is about."""

    # Contact with people
    CONNECT = "connect", "a friend request or follow"
    LOOK_UP = "look_up", "looking at a profile"
    SHOWN = "shown", "being shown something on their screen"
    REACT = "react", "liking or commenting on a post"
    PLAY = "play", "playing online together"
    MESSAGE = "message", "sending a message or calling"
    ANSWER = "answer", "answering a message"
    NOT_ANSWER = "not_answer", "leaving a message unanswered"
    FOLLOWED = "followed", "being followed on a public page"
    GROUP = "group", "a group chat"
    MEET = "meet", "meeting in person"
    TONE = "tone", "jokes, kisses, emoji or nicknames"
    HOURS = "hours", "messages outside school hours"
    UNSEEN_CHANNEL = "unseen_channel", "a chat nobody else can check"
    GIVE_DETAILS = "give_details", "giving out your own number, e-mail or account"
    ASK_DETAILS = "ask_details", "asking for personal details"
    SIDE_WORK = "side_work", "tutoring, a side business or a following of your own"
    DATING = "dating", "dating apps"
    # What one says and shows
    POST = "post", "an ordinary post about your own life"
    CRITICISE = "criticise", "unkind or offensive words"
    ACCUSE = "accuse", "an allegation"
    DISCRIMINATE = "discriminate", "discriminatory words"
    ENDORSE = "endorse", "liking or sharing somebody's unkind words"
    GRUMBLE = "grumble", "a private grumble about nothing to do with school"
    DISCLOSE = "disclose", "confidential matters"
    STUDENT_PICTURES = "student_pictures", "posting pictures of students"
    TAKE_PICTURES = "take_pictures", "pictures of students on your own device"
    OPINION = "opinion", "political or union opinions"
    REPLY_TO_ABUSE = "reply_to_abuse", "replying to an abusive post"
    GRIEVANCE = "grievance", "where to take a grievance"
    NAME_SCHOOL = "name_school", "naming the school on your profile"
    PSEUDONYM = "pseudonym", "an account without your name"
    AI = "ai", "AI tools"
    # One's own profile
    REVIEW_PROFILE = "review_profile", "checking your own profiles"
    PRIVACY = "privacy", "who can see your pages"
    PUBLISH_NUMBER = "publish_number", "your own phone number on a profile"
    PUBLISH_DETAILS = "publish_details", "your address, birthday or location on a profile"
    OLD_PICTURES = "old_pictures", "old or embarrassing pictures of you"
    TAGGED = "tagged", "being tagged by others"
    FOLLOW_SCHOOL = "follow_school", "following the school's own account"
    FAKE_ACCOUNT = "fake_account", "a fake account of a member of staff"
    # Equipment and log-ins
    SCHOOL_DEVICE_PERSONAL = "school_device_personal", "school equipment for your own personal information"
    SCHOOL_DEVICE_OTHER = "school_device_other", "school equipment for other personal use"
    OWN_DEVICE_WORK = "own_device_work", "your own device for school work"
    PHONE_IN_LESSON = "phone_in_lesson", "your own phone in lesson time"
    SHARE_LOGIN = "share_login", "sharing a log-in or password"
    SHARED_LOGIN = "shared_login", "a log-in made for a group, or a password manager"
    LEAVE_OPEN = "leave_open", "leaving a log-in open"
    LOST_DEVICE = "lost_device", "a lost device or leaked data"
    # Duties
    RECORD = "record", "reporting and recording what happened"
    TELL_DEPARTURE = "tell_departure", "telling leadership why you go against the guidance"
    ACKNOWLEDGE = "acknowledge", "openly acknowledging a contact"
    KEEP_QUIET = "keep_quiet", "keeping a contact or conversation quiet"
    # Teaching with social media
    TEACH_WITH = "teach_with", "teaching with social media"
    RUN_ACCOUNT = "run_account", "a class page or account for school"
    NEW_TOOL = "new_tool", "a new tool"
    SCHOOL_PLATFORM = "school_platform", "chat or video lessons on a school platform"
    # What the guidance is, means, covers and leads to
    IS_IT_BANNED = "is_it_banned", "whether social media is banned"
    WHOM_IT_PROTECTS = "whom_it_protects", "whom the guidance protects"
    INNOVATION = "innovation", "whether it leaves room for new ideas"
    MONITORING = "monitoring", "who checks what staff do online"
    PERSONAL_USE = "personal_use", "whether it covers personal accounts and free time"
    UNLAWFUL = "unlawful", "unlawful or unsafe behaviour"
    AIMS = "aims", "what the guidance is for"
    FALSE_ALLEGATIONS = "false_allegations", "protection from false allegations"
    TRUST = "trust", "why contact with students is limited"
    NOT_COVERED = "not_covered", "something the guidance does not mention"
    WHO_IS_STAFF = "who_is_staff", "whom the guidance applies to"
    WHO_IS_STUDENT = "who_is_student", "who counts as a student"
    OTHER_POLICIES = "other_policies", "how it fits with other policies"
    CONDUCT = "conduct", "conduct that could be questioned"
    OPEN_WORK = "open_work", "working openly"
    OWN_PRACTICE = "own_practice", "keeping your own practice under review"
    WHAT_IS_SOCIAL_MEDIA = "what_is_social_media", "what counts as social media"
    WHICH_TECHNOLOGY = "which_technology", "which devices and technologies are covered"
    STANDARDS = "standards", "standards of conduct in and out of work"
    SUITABILITY = "suitability", "what a departure may mean for your job"
    BOUNDARIES = "boundaries", "boundaries and being misunderstood"
    HOW_TO_REPORT = "how_to_report", "to whom, how and by when to report"
    WHY_PROFILE = "why_profile", "why your profile matters"
    EQUALITY = "equality", "equality law online"
    DISREPUTE = "disrepute", "what brings the school into disrepute"
    STUDENT_CHANNELS = "student_channels", "how to communicate with students"
    PARENT_CHANNELS = "parent_channels", "how to contact parents"
    PROTOCOLS = "protocols", "agreed protocols for messages"
    MISREAD_CONTACT = "misread_contact", "a contact that somebody has misread"
    SANCTION = "sanction", "what happens after a breach"
    REVIEW = "review", "how often the guidance is reviewed"
    ACCEPTANCE = "acceptance", "signing or accepting the guidance"
    ANONYMITY = "anonymity", "anonymous reporting"
    OTHERS_CONDUCT = "others_conduct", "what parents or students do online"


class Who(FactValue):
    """Whom the contact is with, or whom the words are about."""

    STUDENT = "student", "a student"
    LEAVER = "leaver", "a former student"
    CHILD_ELSEWHERE = "child_elsewhere", "a child who is not a student here"
    PARENT = "parent", "a parent"
    COLLEAGUE = "colleague", "a colleague"
    PUBLIC = "public", "somebody else"
    SELF = "self", "yourself"


class Age(FactValue):
    """How old the student or former student is."""

    UNDER_18 = "under_18", "under 18"
    ADULT = "adult", "18 or over"


class Tie(FactValue):
    """On what basis the member of staff knows them."""

    SCHOOL_ONLY = "school_only", "known only through school"
    OWN_CHILD = "own_child", "your own child"
    STEP_CHILD = "step_child", "a step-child, foster child or ward"
    RELATIVE = "relative", "a relative, neighbour or family friend"
    OWN_CHILDS_FRIEND = "own_childs_friend", "a friend of your own child"
    SOCIAL_CIRCLE = "social_circle", "your own social circle"
    OUTSIDE_INTEREST = "outside_interest", "a club or outside interest"


class Account(FactValue):
    """Whose account, device or line is used."""

    PERSONAL = "personal", "your own account or device"
    SCHOOL = "school", "a school account or device"


class Channel(FactValue):
    """By what means."""

    SOCIAL_NETWORK = "social_network", "on a social network"
    MESSAGING = "messaging", "by a messaging app"
    PHONE = "phone", "by phone or text"
    HIDDEN_NUMBER = "hidden_number", "by phone with the number hidden"
    EMAIL = "email", "by e-mail"
    GAMING = "gaming", "in an online game"
    VIDEO = "video", "by video"
    SHARED_DRIVE = "shared_drive", "in shared files"
    IN_PERSON = "in_person", "in person"


class StartedBy(FactValue):
    """Who made the first move."""

    STAFF = "staff", "started by you"
    OTHER = "other", "started by them"


class When(FactValue):
    """Whether it is still to come."""

    PLANNED = "planned", "not done yet"
    HAPPENED = "happened", "already happened"


class Openness(FactValue):
    """Whether others know of it."""

    OPEN = "open", "openly known"
    HIDDEN = "hidden", "not openly known"


class Protocol(FactValue):
    """Whether it is within what the school has agreed."""

    INSIDE = "inside", "within agreed protocols"
    OUTSIDE = "outside", "outside agreed protocols"


class Purpose(FactValue):
    """What it is for."""

    SCHOOL = "school", "for school business"
    SOCIAL = "social", "for social reasons"


class Emergency(FactValue):
    """Whether it is a real emergency with no other means."""

    REAL = "real", "in a real emergency"


class Asks(FactValue):
    """What kind of answer is asked for."""

    MAY_I = "may_i", "whether you may"
    MUST_I = "must_i", "whether you must"
    WHAT_IS = "what_is", "what it means"
    WHO_IS = "who_is", "who is meant"
    WHY = "why", "why"
    WHAT_IF = "what_if", "what follows"
    HOW = "how", "how"


Facts = Mapping[str, FactValue]
"""Fact name to value; a fact that nobody told is absent."""

VOCABULARY: Mapping[str, type[FactValue]] = MappingProxyType(
    {
        "matter": Matter,
        "who": Who,
        "age": Age,
        "tie": Tie,
        "account": Account,
        "channel": Channel,
        "started_by": StartedBy,
        "when": When,
        "openness": Openness,
        "protocol": Protocol,
        "purpose": Purpose,
        "emergency": Emergency,
        "asks": Asks,
    }
)
"""Every fact by name."""


def parse_facts(raw: Mapping[str, str]) -> dict[str, FactValue]:
    """Turn names and values into facts.

    Raises KeyError for a fact that is not in the vocabulary and ValueError for a value that the fact does not have.
    """
    return {name: VOCABULARY[name](value) for name, value in raw.items()}  # type: ignore[call-arg]
