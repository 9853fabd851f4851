"""The schema's history. `HEAD` names its newest step, so that a start needs no look at the files."""

HEAD = "0004"
