"""The few named errors. Expected outcomes are values; these are for what must stop the work at hand."""

from __future__ import annotations


class CharterError(Exception):
    """Base of all; its text is fit to show to the person who runs Charter."""


class SettingsError(CharterError):
    """A setting is missing, half given or wrong; the text says which and how to mend it."""
