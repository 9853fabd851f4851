"""What the encoder is trained on, as far as it can be tested without training."""

from collections import Counter
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guidance_kb.facts import Matter
from intents.model import Intent
from intents.train.coverage import coverage
from intents.train.examples import Example, load_examples
from intents.train.noise import noisy
from intents.train.targets import heads, places, targets
from tests.guidance import library

LIBRARY = library()


@pytest.fixture(scope="module")
def examples() -> tuple[Example, ...]:
    """Every labelled message."""
    return load_examples()


def test_the_examples_cover_the_field(examples: tuple[Example, ...]) -> None:
    """Enough messages of every kind, none of them twice under two meanings."""
    intents = Counter(one.intent for one in examples)
    assert len(examples) >= 9_000
    assert intents[Intent.URGENT] >= 800
    assert intents[Intent.OFF_TOPIC] >= 1_000
    meanings = Counter(turns for turns, _ in {(one.turns, one.intent) for one in examples})
    assert not [turns for turns, count in meanings.items() if count > 1]


def test_true_facts_lead_to_a_ruling_that_experts_accept(examples: tuple[Example, ...]) -> None:
    """Facts and table suffice: for at least 97 % of the messages whose ruling experts gave by themselves."""
    judged = [(one, LIBRARY.rule(one.facts)) for one in examples if one.verdicts and one.facts]
    right = [
        row is not None and row.verdict in one.verdicts and not {*row.clauses[:2]}.isdisjoint(one.cites)
        for one, row in judged
    ]
    assert len(right) > 3_000
    assert np.mean(right) >= 0.97


def test_every_question_has_a_ruling(examples: tuple[Example, ...]) -> None:
    """The facts of each example lead to a row."""
    assert not [one.turns for one in examples if one.intent is Intent.QUESTION and LIBRARY.rule(one.facts) is None]


def test_each_head_that_is_asked_has_one_whole_answer() -> None:
    """Of a question all heads but one are asked, of another message two; shares of what is right add up to 1."""
    question = Example("me", ("can i add a pupil",), Intent.QUESTION, {"matter": Matter.CONNECT})
    hello = Example("me", ("hello",), Intent.HELP, {})
    right = targets([question, hello], LIBRARY)
    asked = [
        {head for head, columns in places(heads(LIBRARY)).items() if line[list(columns.values())].sum() > 0.5}
        for line in right
    ]
    assert asked[0] == set(heads(LIBRARY)) - {"follows"}
    assert asked[1] == {"intent", "risk"}
    assert right.sum(axis=1) == pytest.approx([len(asked[0]), len(asked[1])], abs=1e-3)


def test_the_best_accepted_verdict_weighs_most() -> None:
    """Others that experts accept are not wrong, only less right."""
    facts = {"matter": Matter.CONNECT}
    line = targets([Example("me", ("x",), Intent.QUESTION, facts, ("refer", "prohibited"), ("scope.1",))], LIBRARY)[0]
    verdicts = places(heads(LIBRARY))["verdict"]
    assert line[verdicts["refer"]] > line[verdicts["prohibited"]] > line[verdicts["permitted"]]


@given(text=st.text(min_size=1, max_size=300), seed=st.integers(0, 10_000))
def test_noise_never_fails_and_leaves_a_message(text: str, seed: int) -> None:
    """Whatever is typed can be mistyped; the same seed mistypes it alike."""
    assert noisy(text, Random(seed)) == noisy(text, Random(seed))
    assert abs(len(noisy(text, Random(seed))) - len(text)) <= len(text)


def test_coverage_names_thin_rows(examples: tuple[Example, ...]) -> None:
    """A row that nobody worded is in the list."""
    lines = list(coverage(examples[:50], LIBRARY))
    assert any(line.startswith("   0 ") for line in lines)
    assert f"of {len(LIBRARY.situations)} rows have fewer" in " ".join(lines)


def test_a_bad_example_is_named(tmp_path: Path) -> None:
    """An example that is not understood stops the training with its file and line."""
    (tmp_path / "me.jsonl").write_text('{"turns": ["hi"], "intent": "help", "facts": {}}\n{"turns": []}\n')
    with pytest.raises(ValueError, match=r"me\.jsonl, line 2"):
        load_examples(tmp_path)
