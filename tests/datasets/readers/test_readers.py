"""Every layout with its known defects: each row is a clip or an excused row that says why, and nothing stops the others."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from corpora import CORPORA
from planted import Planted, lines, sound

from nightdub.datasets.prompts import SOUNDS, VOICES, transcript_of
from nightdub.datasets.readers import READERS, read_corpus
from nightdub.datasets.readers.checks import clip_id, language_code
from nightdub.datasets.readers.ksponspeech import wording
from nightdub.datasets.rows import REASONS, Excused, SourceClip
from nightdub.infra.errors import ConfigError

Read = dict[str, tuple[Planted, list[SourceClip | Excused], Path]]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    found = {}
    for name, (reader, make) in CORPORA.items():
        folder = tmp_path_factory.mktemp(name)
        planted = make(folder)
        found[name] = (planted, list(read_corpus(reader, folder, planted.options)), folder)
    return found


def clips(read: Read, name: str) -> dict[str, SourceClip]:
    return {row.id: row for row in read[name][1] if isinstance(row, SourceClip)}


@pytest.mark.parametrize("name", CORPORA)
def test_every_good_row_is_a_clip_and_every_defect_is_excused_with_its_reason_and_place(read: Read, name: str) -> None:
    planted, rows, folder = read[name]
    assert tuple(row.id for row in rows if isinstance(row, SourceClip)) == planted.good
    assert tuple((row.id, row.code, row.where) for row in rows if isinstance(row, Excused)) == tuple(
        (clip and clip_id(clip), code, where) for clip, code, where in planted.excused
    )
    assert {row.code for row in rows if isinstance(row, Excused)} <= REASONS.keys()
    assert all(row.what for row in rows if isinstance(row, Excused))
    assert not (folder / "canary").exists()


@pytest.mark.parametrize("name", CORPORA)
def test_a_clip_names_a_file_of_the_corpus_a_language_and_its_place(read: Read, name: str) -> None:
    folder = read[name][2]
    for clip in clips(read, name).values():
        assert Path(clip.audio).is_file()
        assert Path(clip.audio).is_relative_to(folder.resolve())
        assert (folder / clip.where.partition(":")[0]).is_file()
        assert language_code(clip.language) == clip.language


@pytest.mark.parametrize("name", CORPORA)
def test_a_corpus_read_again_is_the_same(read: Read, name: str) -> None:
    planted, rows, folder = read[name]
    assert list(read_corpus(CORPORA[name][0], folder, planted.options)) == rows


def test_ljspeech_gives_the_spoken_wording_and_keeps_quotes_and_formulas(read: Read) -> None:
    found = clips(read, "ljspeech")
    assert found["LJ001-0001"].text == "Printing, in one sense"
    assert found["LJ001-0001"].tags == {"written": "Printing, in 1 sense"}
    assert found["LJ001-0004"].text == '“curly”, ‘quotes’ and a "straight one'
    assert found["LJ001-0010"].text == "=1+1 is two"
    assert {clip.speaker for clip in found.values()} == {"LJ"}
    written = {row.id: row for row in read_corpus("ljspeech", read["ljspeech"][2], {"text": "written"}) if isinstance(row, SourceClip)}
    assert written["LJ001-0001"].text == "Printing, in 1 sense"
    assert written["LJ001-0005"].text == "written alone"


def test_kss_passes_the_stated_length_on_and_reads_windows_paths(read: Read) -> None:
    found = clips(read, "kss")
    assert [(clip.length, clip.language, clip.speaker) for clip in found.values()] == [(0.5, "ko", "KSS"), (0.6, "ko", "KSS")]
    assert found["1_0001"].audio.endswith("/kss/1/1_0001.wav")
    assert "이십 분" in found["1_0000"].text
    assert found["1_0000"].tags["english"].startswith("I usually")


def test_vctk_knows_its_speakers_in_the_words_of_the_table(read: Read) -> None:
    found = clips(read, "vctk")
    assert found["p225_001"].tags == {"age": "23", "gender": "female", "accent": "English", "region": "Southern England"}
    assert found["p280_001"].tags["comment"] == "mic2 files unavailable"
    assert found["p376_001"].tags == {"age": "unknown", "gender": "male", "accent": "Indian"}
    assert found["s5_001"].speaker == "s5"
    assert clips(read, "vctk-0.80")["p225_001"].tags["accent"] == "English"
    assert clips(read, "vctk-0.80")["p226_001"].tags == {}
    assert all(clip.audio.endswith("_mic2.flac") for clip in clips(read, "vctk-mic2").values())


def test_vctk_080_has_one_microphone(read: Read) -> None:
    with pytest.raises(ConfigError, match="mic2"):
        read_corpus("vctk", read["vctk-0.80"][2], {"mic": "mic2"})


def test_ravdess_says_emotion_gender_and_sentence_by_its_names(read: Read) -> None:
    found = clips(read, "ravdess")
    emotions = Counter(clip.emotion for clip in found.values())
    assert emotions == dict.fromkeys(("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"), 2)
    clip = found["03-01-06-01-02-01-12"]
    assert (clip.emotion, clip.text, clip.speaker) == ("fearful", "Dogs are sitting by the door", "Actor_12")
    assert clip.tags == {"gender": "female", "intensity": "normal", "statement": "2", "repetition": "1"}
    assert found["03-01-01-01-02-01-01"].tags["gender"] == "male"
    strong = next(row for row in read["ravdess"][1] if isinstance(row, Excused) and row.id == "03-01-01-02-01-01-01")
    assert "no strong neutral" in strong.what


def test_ksponspeech_is_headerless_and_one_of_its_wordings(read: Read) -> None:
    found = clips(read, "ksponspeech")
    assert {clip.raw_rate for clip in found.values()} == {16_000}
    assert found["KsponSpeech_000001"].text == "근데 칠십 프로가 커피라고 하면은"
    assert found["KsponSpeech_000002"].text == "아 그 그래서 지호랑 계단 올라와서"
    assert found["KsponSpeech_000002"].tags == {"part": "train", "unclear": "yes"}
    assert clips(read, "ksponspeech-eval")["KsponSpeech_E00001"].text == "3 번"
    assert wording("(1)/(일) (2) / (이)", "spoken") == "일 이"


def test_commonvoice_quotes_are_letters_and_regions_fall_away(read: Read) -> None:
    found = clips(read, "commonvoice")
    assert [(clip.text, clip.language, clip.speaker) for clip in found.values()] == [('He said "no', "en", "ab12"), ("你好", "zh", "ab12")]
    assert found["common_voice_1"].tags == {"gender": "female_feminine", "age": "twenties", "accent": "Estuary"}


def test_a_folder_gives_speakers_and_ids_for_any_name(read: Read) -> None:
    found = clips(read, "folder")
    assert [(clip.speaker, clip.text) for clip in found.values()] == [
        ("ana", "a space and a break"),
        ("ana", "in the lab"),
        ("ben", "another script"),
    ]
    assert [clip.tags for clip in found.values()] == [{"id": "ana/a b"}, {}, {"id": "ben/없음"}]


def test_jsonl_gives_stretches_and_emotions_by_name_or_number(read: Read) -> None:
    found = clips(read, "jsonl")
    assert [(clip.emotion, clip.speaker) for clip in found.values()] == [("happy", "ana"), ("angry", "ana"), ("", "")]
    assert (found["b"].start, found["b"].end, found["b"].length, found["b"].recording) == (0.25, 0.75, 0.5, "a")
    assert (found["c"].end, found["c"].length) == (None, 1.0)


def test_lhotse_stretches_are_told_from_whole_recordings(read: Read) -> None:
    found = clips(read, "lhotse")
    whole, part = found["s1"], found["s2"]
    assert (whole.start, whole.end, whole.length, whole.recording) == (0.0, None, 1.0, "r1")
    assert (part.start, part.end, part.length, part.recording) == (0.25, 0.75, 0.5, "r1")
    assert (whole.emotion, whole.language, whole.tags) == ("sad", "en", {"gender": "F", "quality": "high"})
    cut = clips(read, "lhotse-cuts")["c1"]
    assert (cut.start, cut.end, cut.speaker) == (0.25, 0.75, "ana")


def test_huggingface_reads_columns_quotes_and_formulas_as_text(read: Read) -> None:
    found = clips(read, "huggingface")
    assert found["train/a"].text == 'he said "yes", twice'
    assert found["train/sub/b"].text == '=HYPERLINK("http://127.0.0.1:9")'
    assert (found["train/a"].emotion, found["train/sub/b"].emotion, found["test/e"].emotion) == ("calm", "happy", "sad")
    assert (found["test/e"].language, found["test/e"].speaker, found["test/e"].tags) == ("es", "7", {"split": "test"})


@pytest.mark.parametrize("languages", ["en,es", "ru"])
def test_every_line_and_every_recording_of_the_prompts_is_a_clip_or_excused(languages: str) -> None:
    rows = list(read_corpus("prompts", Path(), {"languages": languages}))
    named = [row for row in rows if isinstance(row, SourceClip) or ".txt.gz:" in row.where]
    asked = languages.split(",")
    said = sum(1 for language in asked for line in transcript_of(language)[1] if line.strip() and not line.startswith(";"))
    assert len(named) == said
    good = {str(Path(row.audio).relative_to(SOUNDS.resolve())) for row in rows if isinstance(row, SourceClip)}
    unnamed = {row.where for row in rows if isinstance(row, Excused)}
    files = {str(path.relative_to(SOUNDS)) for language in asked for path in (SOUNDS / VOICES[language]).rglob("*.g722")}
    remarks = {f"{VOICES[row.id[:2]]}/{row.id[3:]}.g722" for row in named if isinstance(row, Excused)}
    assert files - good - unnamed <= remarks
    assert len(good) > 450 * len(asked)
    assert {row.language for row in rows if isinstance(row, SourceClip)} == set(asked)
    assert Counter(row.code for row in rows if isinstance(row, Excused)).keys() <= {"no-text", "no-audio", "duplicate-id"}


def test_the_same_person_is_one_speaker_in_two_languages() -> None:
    rows = [row for row in read_corpus("prompts", Path(), {"languages": "en,es"}) if isinstance(row, SourceClip)]
    assert {(row.language, row.speaker, row.tags["gender"]) for row in rows} == {("en", "Allison", "female"), ("es", "Allison", "female")}


# ---------------------------------------------------------------- what cannot be read at all


def test_an_unknown_reader_names_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as told:
        read_corpus("timit", tmp_path)
    assert all(name in str(told.value) for name in READERS)


@pytest.mark.parametrize("reader", READERS)
def test_a_folder_that_is_not_there_or_not_the_corpus_is_no_empty_success(reader: str, tmp_path: Path) -> None:
    options = {"language": "en"} if READERS[reader].options.keys() >= {"language"} else {}
    with pytest.raises(ConfigError, match="no such folder"):
        read_corpus(reader, tmp_path / "missing", options)
    with pytest.raises(ConfigError) as told:
        read_corpus(reader, tmp_path, options)
    assert told.value.where
    with pytest.raises(ConfigError, match="unknown option quality"):
        read_corpus(reader, tmp_path, options | {"quality": "high"})


@pytest.mark.parametrize("reader", [name for name in READERS if any(option.allowed for option in READERS[name].options.values())])
def test_a_value_that_an_option_does_not_have_names_those_that_it_has(reader: str, tmp_path: Path) -> None:
    name, option = next((name, option) for name, option in READERS[reader].options.items() if option.allowed)
    with pytest.raises(ConfigError, match=option.allowed[-1]):
        read_corpus(reader, tmp_path, {"language": "en", name: "loud"} if reader == "folder" else {name: "loud"})


def test_an_option_without_a_default_must_be_given(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no option language"):
        read_corpus("folder", tmp_path)


@pytest.mark.parametrize("languages", ["en,xx", "", ",", "../en"])
def test_prompts_know_their_languages(languages: str) -> None:
    with pytest.raises(ConfigError, match="allowed: en,es,fr,it,ru"):
        read_corpus("prompts", SOUNDS, {"languages": languages})


@pytest.mark.parametrize("empty", [b"", b"\n\r\n  \n", b"\xef\xbb\xbf"])
def test_a_manifest_without_a_row_is_no_empty_success(empty: bytes, tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_bytes(empty)
    with pytest.raises(ConfigError, match="not one row"):
        read_corpus("jsonl", tmp_path)


def test_a_corpus_without_a_good_row_is_all_excused(tmp_path: Path) -> None:
    lines(tmp_path / "metadata.csv", "a|b", "c|d|e")
    assert [(row.code, row.where) for row in read_corpus("ljspeech", tmp_path) if isinstance(row, Excused)] == [
        ("bad-row", "metadata.csv:1"),
        ("no-audio", "metadata.csv:2"),
    ]


def test_several_manifests_of_one_kind_ask_which(tmp_path: Path) -> None:
    for name in ("cuts_train.jsonl", "cuts_dev.jsonl"):
        lines(tmp_path / name, "{}")
    with pytest.raises(ConfigError, match=r"cuts_dev\.jsonl, cuts_train\.jsonl"):
        read_corpus("lhotse", tmp_path)
    assert len(list(read_corpus("lhotse", tmp_path, {"cuts": "cuts_dev.jsonl"}))) == 1


def test_two_kinds_of_metadata_in_one_folder_are_refused(tmp_path: Path) -> None:
    for name in ("metadata.csv", "metadata.jsonl"):
        lines(tmp_path / name, "file_name")
    sound(tmp_path / "a.wav")
    with pytest.raises(ConfigError, match="beside"):
        read_corpus("huggingface", tmp_path)


def test_every_reader_option_and_licence_is_in_the_docs() -> None:
    page = (Path(__file__).parents[3] / "docs/corpora.md").read_text("utf-8")
    readers, options = page[page.index("## Readers") : page.index("## Options")], page[page.index("## Options") :]
    for name, reader in READERS.items():
        row = next(line for line in readers.splitlines() if line.startswith(f"| `{name}` |"))
        assert reader.licence in row
        assert row.endswith({True: "| yes |", False: "| no |", None: "| ask |"}[reader.commercial])
        cells = [line.split("|") for line in options.splitlines() if f"`{name}`" in line.partition("|")[2].partition("|")[0]]
        assert {option for cell in cells for option in re.findall(r"`(\w+)`", cell[2])} == reader.options.keys()
        for option, fact in reader.options.items():
            meaning = next(cell[3] for cell in cells if f"`{option}`" in cell[2])
            assert [value for value in fact.allowed if f"`{value}`" not in meaning] == []


def test_what_lhotse_itself_writes_is_read(tmp_path: Path) -> None:
    import lhotse

    sound(tmp_path / "wavs/r1.wav", 1)
    recording = lhotse.Recording.from_file(tmp_path / "wavs/r1.wav").with_path_prefix(str(tmp_path))
    said = lhotse.SupervisionSegment("s1", "r1", 0.2, 0.4, text="hello", language="English", speaker="ana", custom={"emotion": "sad"})
    recordings, supervisions = lhotse.RecordingSet.from_recordings([recording]), lhotse.SupervisionSet.from_segments([said])
    cuts = lhotse.CutSet.from_manifests(recordings, supervisions).trim_to_supervisions()
    for name, rows in (("recordings", recordings), ("supervisions", supervisions), ("cuts", cuts), ("16k", cuts.resample(16_000))):
        rows.to_file(tmp_path / f"{name}.jsonl.gz")
    prefix = {"prefix": f"{tmp_path}/"}
    (by_cut,) = read_corpus("lhotse", tmp_path, prefix)
    (by_supervision,) = read_corpus("lhotse", tmp_path, prefix | {"supervisions": "supervisions.jsonl.gz"})
    for clip in (by_cut, by_supervision):
        assert isinstance(clip, SourceClip)
        assert (clip.start, clip.end) == pytest.approx((0.2, 0.6))
        assert (clip.text, clip.speaker, clip.emotion) == ("hello", "ana", "sad")
        assert clip.audio == str((tmp_path / "wavs/r1.wav").resolve())
    (absolute,) = read_corpus("lhotse", tmp_path)
    (transformed,) = read_corpus("lhotse", tmp_path, prefix | {"cuts": "16k.jsonl.gz"})
    assert [row.code for row in (absolute, transformed) if isinstance(row, Excused)] == ["unsafe-path", "bad-row"]


def test_the_terms_of_a_corpus_are_known() -> None:
    assert {name for name, reader in READERS.items() if reader.commercial is False} == {"kss", "ravdess"}
    assert {name for name, reader in READERS.items() if not reader.licence} == {"folder", "jsonl", "lhotse", "huggingface"}
    assert all(reader.licensor for reader in READERS.values() if reader.licence)
