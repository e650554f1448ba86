"""Report formats: what cannot be read says where, and what would have been."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nightdub.infra.errors import PairsError
from nightdub.quality.metrics.pairs import FilePair, TextPair, read_file_pairs, read_text_pairs

GOOD = '{"id": "a", "ref": "x", "hyp": ""}'


def test_lines_of_texts_are_read(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(f'\ufeff{GOOD}\n\n{{"id": "b", "ref": "1\u20282", "hyp": "y", "src": "z", "speaker": 3}}\r\n', encoding="utf-8")
    assert read_text_pairs(path) == [TextPair("a", "x", ""), TextPair("b", "1\u20282", "y", "z")]


@pytest.mark.parametrize(
    ("second", "what"),
    [
        ('{"id": "b", "ref": "x"}', "line 2: no field hyp"),
        ('{"id": "b"}', "line 2: no field ref, hyp"),
        ('{"id": "b", "ref": null, "hyp": 3}', "line 2: ref is NoneType, not text, hyp is int, not text"),
        ('{"id": " ", "ref": "", "hyp": ""}', "line 2: id is empty"),
        ('{"id": "a", "ref": "", "hyp": ""}', "line 2: id 'a' again, first on line 1"),
        ('{"id": "b", ', "line 2: no JSON"),
        ('["b", "x", "y"]', "line 2: a list instead of an object"),
    ],
)
def test_a_faulty_line_is_named_with_what_is_allowed(second: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(f"{GOOD}\n{second}\n")
    with pytest.raises(PairsError) as caught:
        read_text_pairs(path)
    assert f"pairs.jsonl: {what}" in str(caught.value)
    assert 'allowed: {"id": "...", "ref": "...", "hyp": "..."}' in str(caught.value)


@pytest.mark.parametrize(("data", "what"), [(b"\n\n", "no pair in it"), (b'{"id": "a"}\n\xff', "line 2: not UTF-8")])
def test_an_empty_or_unreadable_file_is_refused(data: bytes, what: str, tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(data)
    with pytest.raises(PairsError, match=what):
        read_text_pairs(path)
    with pytest.raises(PairsError, match="No such file"):
        read_text_pairs(tmp_path / "absent.jsonl")


def test_a_list_of_files_is_read_beside_its_file(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.mp4", "in/b.mp4"):
        (tmp_path / name).write_bytes(b"x")
    path = tmp_path / "pairs.json"
    path.write_text('[\n {"ref": "a.mp4", "gen": "in/b.mp4"}\n]')
    assert read_file_pairs(path) == [FilePair(tmp_path.resolve() / "a.mp4", tmp_path.resolve() / "in/b.mp4")]


@pytest.mark.parametrize("name", ["../outside.mp4", "/etc/passwd", "link.mp4", "", "in/../../outside.mp4", "a\0b"])
def test_a_path_that_leaves_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "list"
    folder.mkdir()
    (tmp_path / "outside.mp4").write_bytes(b"x")
    (folder / "a.mp4").write_bytes(b"x")
    (folder / "link.mp4").symlink_to(tmp_path / "outside.mp4")
    path = folder / "pairs.json"
    path.write_text(json.dumps([{"ref": "a.mp4", "gen": "a.mp4"}, {"ref": "a.mp4", "gen": name}], indent=1))
    with pytest.raises(PairsError, match=r"line 6: .* is not a path inside the folder"):
        read_file_pairs(path)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[]", "no pair in it"),
        ('{"ref": "a"}', "a dict instead of a list"),
        ('[\n{"ref": "a",}\n]', "line 2: no JSON"),
        ('[\n{"ref": "a"}\n]', "line 2: no field gen"),
        ("[\n3\n]", "line 2: a int instead of an object"),
        ('[\n\n{"ref": "a", "gen": "b"}\n]', "line 3: no file 'a'"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_faulty_list_is_named_with_what_is_allowed(text: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / "pairs.json"
    path.write_text(text)
    with pytest.raises(PairsError) as caught:
        read_file_pairs(path)
    assert what in str(caught.value)
    assert 'allowed: [{"ref": "PATH", "gen": "PATH"}, ...]' in str(caught.value)
