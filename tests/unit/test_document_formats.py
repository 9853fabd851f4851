"""What each file format gives, and what is refused."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO
from pathlib import Path

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from hypothesis import given
from hypothesis import strategies as st

from guidance_kb import document, formats
from guidance_kb.document import DocumentError, read_document
from guidance_kb.formats import Block, Part


def test_markdown_signs_are_not_quoted(tmp_path: Path) -> None:
    """Emphasis, links, code, escapes and entities leave plain words; underlined headings are headings."""
    path = tmp_path / "rules.md"
    path.write_text(
        "Rules & more\n============\n<!-- draft -->\n> **Never** lend [the key](http://example.org) to `anyone`\n"
        "> else \\- it&nbsp;is _ours_.\n\n***\n\n1. First.\n2. Second\n   line.\n",
        encoding="utf-8",
    )
    assert read_document(path).blocks == (
        Block(Part.HEADING, "Rules & more"),
        Block(Part.TEXT, "Never lend the key to anyone else - it is ours."),
        Block(Part.ITEM, "First."),
        Block(Part.ITEM, "Second line."),
    )


def test_a_word_document_reads_with_its_tracked_changes_accepted(tmp_path: Path) -> None:
    """Inserted words count, deleted and moved-away words do not; tables are read in their place."""
    word = docx.Document()
    word.add_paragraph("Keys").style = "Title"
    paragraph = word.add_paragraph("Keys are ")
    for xml in (
        "<w:ins {}><w:r><w:t>never </w:t></w:r></w:ins>",
        "<w:del {}><w:r><w:delText>always </w:delText></w:r></w:del>",
        "<w:moveFrom {}><w:r><w:t>gladly </w:t></w:r></w:moveFrom>",
        "<w:r {}><w:t>lent</w:t><w:noBreakHyphen/><w:t>out.</w:t></w:r>",
    ):
        paragraph._p.insert_element_before(parse_xml(xml.format(nsdecls("w"))))
    word.add_table(1, 1).cell(0, 0).text = "Ask the office."
    word.add_paragraph("Thank you.")
    word.save(str(tmp_path / "rules.docx"))
    assert [block.text for block in read_document(tmp_path / "rules.docx").blocks] == [
        "Keys",
        "Keys are never lent-out.",
        "Ask the office.",
        "Thank you.",
    ]


def test_a_web_page_gives_its_text_only(tmp_path: Path) -> None:
    """Scripts, styles, navigation and comments are left out; the text around them and after line breaks is kept."""
    path = tmp_path / "rules.htm"
    path.write_text(
        "<html><head><style>p{}</style></head><body><nav>Home</nav>Loose <b>words</b>.<div>One<br>line.<!-- no --><p>Two "
        "<script>x</script>caf&eacute;s.</p>tail.<br><br>Last.<ul><li><p>Item</p></li></ul></div></body></html>",
        encoding="utf-8",
    )
    assert read_document(path).blocks == (
        Block(Part.TEXT, "Loose words."),
        Block(Part.TEXT, "One line."),
        Block(Part.TEXT, "Two cafés."),
        Block(Part.TEXT, "tail."),
        Block(Part.TEXT, "Last."),
        Block(Part.ITEM, "Item"),
    )


def _save_word(path: Path, text: str) -> None:
    word = docx.Document()
    word.add_paragraph(text)
    word.save(str(path))


def _is_read_or_refused(path: Path) -> bool:
    try:
        return all(block.text for block in read_document(path).blocks)
    except DocumentError as error:
        return path.name in str(error)


def _zipped(**parts: bytes) -> bytes:
    raw = BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return raw.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("rules.pdf", b"%PDF-1.7", "rules.pdf must be one of these kinds of file"),
        ("rules", b"words", "must be one of these kinds of file"),
        ("rules.txt", b"", "rules.txt has no text in it."),
        ("rules.html", b"", "rules.html"),
        ("rules.html", b"<html><script>words</script></html>", "rules.html has no text in it."),
        ("rules.md", b" \n\n ", "rules.md has no text in it."),
        ("rules.txt", b"\x00\x01\x02", "rules.txt cannot be read. The file is not a text file."),
        ("rules.docx", b"not a zip", "rules.docx cannot be read. The file is not a Word document"),
        ("rules.docx", _zipped(note=b"words"), "rules.docx cannot be read. The file is not a Word document"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_plain_sentence(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    """Each kind of bad file gives the one named error, which names the file."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DocumentError, match=re.escape(says)):
        read_document(tmp_path / name)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A missing file and a folder give the named error."""
    (tmp_path / "folder.txt").mkdir()
    for name in ("absent.txt", "folder.txt"):
        with pytest.raises(DocumentError, match=f"{name} cannot be opened"):
            read_document(tmp_path / name)


def test_a_file_over_ten_megabytes_is_refused(tmp_path: Path) -> None:
    """The size is looked at before the file is read."""
    with (tmp_path / "rules.txt").open("wb") as large:
        large.truncate(document.LARGEST_FILE + 1)
    with pytest.raises(DocumentError, match="larger than 10 MB"):
        read_document(tmp_path / "rules.txt")


def test_a_text_far_too_long_for_a_guidance_is_refused(tmp_path: Path) -> None:
    """Over a million letters are not compared."""
    (tmp_path / "rules.txt").write_text("word " * 300_000, encoding="utf-8")
    with pytest.raises(DocumentError, match="more than a million letters"):
        read_document(tmp_path / "rules.txt")


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """A small file that says it unpacks to a huge one is refused."""
    bomb = _zipped(word=b"\0" * (formats.LARGEST_UNPACKED + 1))
    assert len(bomb) < document.LARGEST_FILE
    (tmp_path / "rules.docx").write_bytes(bomb)
    with pytest.raises(DocumentError, match="too large once unpacked"):
        read_document(tmp_path / "rules.docx")


def test_entities_in_a_word_document_reach_no_file(tmp_path: Path) -> None:
    """An external entity in the document's XML never brings a file's content in."""
    (tmp_path / "secret.txt").write_text("hidden words", encoding="utf-8")
    _save_word(tmp_path / "plain.docx", "MARK")
    with zipfile.ZipFile(tmp_path / "plain.docx") as plain, zipfile.ZipFile(tmp_path / "rules.docx", "w") as evil:
        for entry in plain.infolist():
            content = plain.read(entry)
            if entry.filename == "word/document.xml":
                kind = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{(tmp_path / "secret.txt").as_uri()}">]><w:document'
                content = content.replace(b"<w:document", kind.encode(), 1).replace(b"MARK", b"seen &e; end")
            evil.writestr(entry, content)
    try:
        words = " ".join(block.text for block in read_document(tmp_path / "rules.docx").blocks)
    except DocumentError:
        words = ""
    assert "hidden" not in words


@given(raw=st.binary(max_size=200), kind=st.sampled_from([".txt", ".md", ".html", ".docx"]))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, raw: bytes, kind: str) -> None:
    """No bytes lead to any other error than the named one."""
    path = tmp_path_factory.getbasetemp() / f"any{kind}"
    path.write_bytes(raw)
    assert _is_read_or_refused(path)


@given(data=st.data())
def test_a_damaged_word_document_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Bytes lost or turned anywhere in a Word file lead to no other error than the named one."""
    path = tmp_path_factory.getbasetemp() / "damaged.docx"
    _save_word(path, "One paragraph of words.")
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(raw[: data.draw(st.integers(len(raw) // 2, len(raw)))])
    assert _is_read_or_refused(path)
