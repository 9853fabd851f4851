"""The forms by name."""

from bot.dialogs.ask_leadership import ASK_LEADERSHIP
from bot.dialogs.form import Form
from bot.dialogs.joiner_check import JOINER_CHECK
from bot.dialogs.own_conduct import DECLARE, JUSTIFY
from bot.dialogs.report import REPORT

FORMS: dict[str, Form] = {form.name: form for form in (REPORT, ASK_LEADERSHIP, DECLARE, JUSTIFY, JOINER_CHECK)}
