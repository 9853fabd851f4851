"""The school's own document, in any format and with any noise, is bound to the clauses; every difference is named."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import docx
import pytest

from guidance_kb.document import Binding, Change, Finding, bind, read_document
from guidance_kb.formats import Block, Part
from guidance_kb.library import Library

FOLDER = Path(__file__).parent.parent / "fixtures" / "second_guidance"
CLAUSES = Library.load(FOLDER).clauses
BLOCKS = read_document(FOLDER / "document.md").blocks
LEAKED = "A password that has leaked out should be changed within 24 hours, and the office “put in the picture”."


def _text_of(blocks: tuple[Block, ...]) -> str:
    """A plain text as Word saves it: one line for each paragraph, headings without marks."""
    return "\n\n".join(f"- {block.text}" if block.part is Part.ITEM else block.text for block in blocks)


def _save_text(path: Path, blocks: tuple[Block, ...]) -> None:
    path.write_text(_text_of(blocks), encoding="utf-8")


def _save_markdown(path: Path, blocks: tuple[Block, ...]) -> None:
    marks = {Part.HEADING: "## ", Part.ITEM: "* ", Part.TEXT: ""}
    path.write_text("\n\n".join(marks[block.part] + block.text for block in blocks), encoding="utf-8")


def _save_html(path: Path, blocks: tuple[Block, ...]) -> None:
    tags = {Part.HEADING: "h2", Part.ITEM: "li", Part.TEXT: "p"}
    body = "\n".join(f"<{tags[b.part]}>{html.escape(b.text)}</{tags[b.part]}>" for b in blocks)
    path.write_text(f"<title>Rules</title><nav><p>Home.</p></nav><script>let a;</script>{body}", encoding="utf-8")


def _save_word(path: Path, blocks: tuple[Block, ...]) -> None:
    styles = {Part.HEADING: "Heading 1", Part.ITEM: "List Bullet", Part.TEXT: "Normal"}
    word = docx.Document()
    for block in blocks:
        word.add_paragraph(block.text, style=styles[block.part])
    word.save(str(path))


SAVERS: dict[str, Callable[[Path, tuple[Block, ...]], None]] = {
    "txt": _save_text,
    "md": _save_markdown,
    "html": _save_html,
    "docx": _save_word,
}


def _bound(blocks: tuple[Block, ...], folder: Path, ending: str = "txt") -> Binding:
    path = folder / f"rules.{ending}"
    SAVERS[ending](path, blocks)
    return bind(read_document(path), CLAUSES)


def _bound_text(text: str, folder: Path) -> Binding:
    path = folder / "rules.txt"
    path.write_text(text, encoding="utf-8")
    return bind(read_document(path), CLAUSES)


def _place(words: str) -> int:
    """Where the block with these words stands."""
    return next(at for at, block in enumerate(BLOCKS) if words in block.text)


def _replaced(words: str, *blocks: Block) -> tuple[Block, ...]:
    """The document with other blocks in place of the one with these words."""
    at = _place(words)
    return (*BLOCKS[:at], *blocks, *BLOCKS[at + 1 :])


@pytest.fixture(params=list(SAVERS))
def ending(request: pytest.FixtureRequest) -> str:
    """Each kind of file in turn."""
    return str(request.param)


def test_every_format_binds_every_clause(tmp_path: Path, ending: str) -> None:
    """The same document binds whole, word for word, from each kind of file."""
    binding = _bound(BLOCKS, tmp_path, ending)
    assert binding.findings == ()
    assert {binding.quote(clause.id) for clause in CLAUSES} <= {block.text for block in BLOCKS}


def test_a_changed_paragraph_is_quoted_as_it_is_now_and_named(tmp_path: Path, ending: str) -> None:
    """A changed paragraph gives the school's words of today, is not current, and is the only finding."""
    now = "Lessons must not be recorded on a tutor's own telephone or tablet; the front desk lends out recorders."
    binding = _bound(_replaced("must not be recorded", Block(Part.TEXT, now)), tmp_path, ending)
    assert binding.findings == (Finding(Change.CHANGED, "recordings.1", "Recordings", 1),)
    assert binding.quote("recordings.1") == now
    assert not binding.is_current("recordings.1")
    assert binding.is_current("recordings.2")


def test_one_word_that_turns_a_rule_round_is_a_change(tmp_path: Path) -> None:
    """Dropping a "not" leaves nearly the same text and is still found."""
    binding = _bound_text(_text_of(BLOCKS).replace("must not be recorded", "must be recorded"), tmp_path)
    assert [(found.change, found.clause_id) for found in binding.findings] == [(Change.CHANGED, "recordings.1")]


def test_a_missing_paragraph_is_never_quoted(tmp_path: Path, ending: str) -> None:
    """A paragraph that is gone is named with the place where it stood, and nothing is quoted for it."""
    binding = _bound(_replaced("Whatever worries"), tmp_path, ending)
    assert binding.findings == (Finding(Change.MISSING, "concerns.1", "If something goes wrong", 1),)
    assert binding.quote("concerns.1") is None
    assert not binding.is_current("concerns.1")


def test_a_new_paragraph_is_named_by_its_place_and_moves_nothing(tmp_path: Path, ending: str) -> None:
    """A paragraph no clause knows is new; those that follow it keep their order and count as in place."""
    new = Block(Part.TEXT, "Stewards wear their yellow sash at every concert, so that visitors can find them.")
    binding = _bound(_replaced("These rules", new, BLOCKS[_place("These rules")]), tmp_path, ending)
    assert binding.findings == (Finding(Change.NEW, None, "About these rules", 1),)


def test_a_rewritten_paragraph_is_missing_and_new(tmp_path: Path) -> None:
    """Words that share next to nothing with a clause's paragraph are not taken for it."""
    binding = _bound(_replaced("Whatever worries", Block(Part.TEXT, "Ring the bell, then wait outside.")), tmp_path)
    assert binding.findings == (
        Finding(Change.NEW, None, "If something goes wrong", 1),
        Finding(Change.MISSING, "concerns.1", "If something goes wrong", 1),
    )


def test_nothing_is_guessed_of_a_clause_without_a_sketch(tmp_path: Path) -> None:
    """A changed paragraph is missing and new where the clause has nothing to compare."""
    path = tmp_path / "rules.txt"
    path.write_text(_text_of(BLOCKS).replace("must not be recorded", "must be recorded"), encoding="utf-8")
    binding = bind(read_document(path), [replace(clause, sketch="") for clause in CLAUSES])
    assert [found.change for found in binding.findings] == [Change.NEW, Change.MISSING]
    assert binding.quote("recordings.1") is None


def test_a_paragraph_in_another_order_has_moved(tmp_path: Path, ending: str) -> None:
    """Of three paragraphs with the last put first only that one has moved."""
    at = _place("Everyone is welcome")
    order = (*BLOCKS[: at - 2], BLOCKS[at], *BLOCKS[at - 2 : at], *BLOCKS[at + 1 :])
    binding = _bound(order, tmp_path, ending)
    assert binding.findings == (Finding(Change.MOVED, "pupils.3", "Pupils", 1),)
    assert binding.is_current("pupils.3")


def test_a_paragraph_in_another_section_has_moved(tmp_path: Path) -> None:
    """The finding tells the section and the number that the paragraph has now."""
    moved = BLOCKS[_place("Whatever worries")]
    rest = tuple(block for block in BLOCKS if block is not moved)
    at = next(n for n, block in enumerate(rest) if block.text == "Recordings") + 1
    binding = _bound((*rest[:at], moved, *rest[at:]), tmp_path)
    assert binding.findings == (Finding(Change.MOVED, "concerns.1", "Recordings", 1),)


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (Finding(Change.CHANGED, "pupils.3", "Pupils", 1), "changed: Pupils, paragraph 1 (pupils.3)"),
        (Finding(Change.NEW, None, "", 2), "new: before the first heading, paragraph 2"),
    ],
)
def test_a_finding_is_a_line_that_a_policy_owner_can_read(found: Finding, line: str) -> None:
    """What changed and where it stands in the school's document; the clause where there is one."""
    assert str(found) == line


def test_a_paragraph_moved_and_changed_has_both_findings(tmp_path: Path) -> None:
    """One paragraph can differ in two ways."""
    moved = Block(Part.TEXT, BLOCKS[_place("Whatever worries")].text.replace("Director", "Principal"))
    rest = _replaced("Whatever worries")
    at = next(n for n, block in enumerate(rest) if block.text == "Recordings") + 1
    binding = _bound((*rest[:at], moved, *rest[at:]), tmp_path)
    assert {found.change for found in binding.findings} == {Change.MOVED, Change.CHANGED}
    assert {found.clause_id for found in binding.findings} == {"concerns.1"}


@pytest.mark.parametrize("words", ["the green slip. For", "a parent signs", "may go on"])
def test_a_paragraph_broken_by_blank_lines_is_one(tmp_path: Path, ending: str, words: str) -> None:
    """Wherever a blank line breaks a paragraph, even after a short piece, it is bound and quoted whole."""
    clip = BLOCKS[_place("A concert clip")].text
    cut = clip.index(words) + len(words)
    pieces = (Block(Part.TEXT, clip[:cut].strip()), Block(Part.TEXT, clip[cut:].strip()))
    binding = _bound(_replaced("A concert clip", *pieces), tmp_path, ending)
    assert binding.findings == ()
    assert binding.quote("recordings.2") == clip


def test_a_changed_paragraph_broken_within_a_sentence_is_one(tmp_path: Path) -> None:
    """A break before a small letter joins the pieces even where no fingerprint tells so."""
    pieces = (
        Block(Part.TEXT, "Whatever worries a tutor about a pupil or a family must"),
        Block(Part.TEXT, "reach the Director before the day is out."),
    )
    binding = _bound(_replaced("Whatever worries", *pieces), tmp_path)
    assert binding.findings == (Finding(Change.CHANGED, "concerns.1", "If something goes wrong", 1),)
    assert binding.quote("concerns.1") == " ".join(piece.text for piece in pieces)


def test_a_line_of_signs_is_no_part_of_a_paragraph(tmp_path: Path) -> None:
    """A divider between paragraphs is neither quoted nor a finding."""
    binding = _bound_text(_text_of(BLOCKS).replace("\n\n", "\n\n* * * ______\n\n"), tmp_path)
    assert binding.findings == ()
    assert binding.quote("about.1") == BLOCKS[_place("These rules")].text


def test_wrapped_lines_are_one_paragraph(tmp_path: Path) -> None:
    """A text file with short lines binds whole; its paragraphs end at blank lines."""
    wrapped = re.sub(r"(.{40,60}?) ", r"\1\n", _text_of(BLOCKS))
    assert max(map(len, wrapped.splitlines())) < 100
    assert _bound_text(wrapped, tmp_path).findings == ()


def test_lines_without_blank_lines_between_are_paragraphs(tmp_path: Path) -> None:
    """A text file with a long line for each paragraph needs no blank lines."""
    assert _bound_text(_text_of(BLOCKS).replace("\n\n", "\n"), tmp_path).findings == ()


@pytest.mark.parametrize("heading", ["2. Pupils", "2 PUPILS", "Section 2: Pupils", "II. Pupils", "Pupils:"])
def test_a_heading_without_marks_is_known_from_the_clauses(tmp_path: Path, heading: str) -> None:
    """A numbered or capitalised heading still opens its section."""
    text = _text_of(BLOCKS).replace("\nPupils\n", f"\n{heading}\n")
    assert heading in text
    assert _bound_text(text, tmp_path).findings == ()


def test_typographic_signs_and_old_encodings_make_no_difference(tmp_path: Path) -> None:
    """Curly quotes, bullets and a Windows encoding bind whole."""
    text = (
        _text_of(BLOCKS).replace("'", "’").replace('"put in the picture"', "“put in the picture”").replace("- ", "•\t")
    )
    for encoding in ("cp1252", "utf-16", "utf-8-sig"):
        path = tmp_path / "rules.txt"
        path.write_text(text, encoding=encoding)
        binding = bind(read_document(path), CLAUSES)
        assert binding.findings == ()
        assert binding.quote("passwords.2") == LEAKED
