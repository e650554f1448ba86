"""Speech corpora made in the exact layouts of the known ones, with their known defects planted, and what a reader should say of each."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import manifests
from planted import Planted, lines, sound


def ljspeech(folder: Path) -> Planted:
    """Write a BOM, CRLF, two and four fields, an empty wording, curly quotes, bad UTF-8, a missing recording, and one that no row names."""
    for number in (1, 2, 3, 4, 5, 6, 7, 9, 10):
        sound(folder / f"wavs/LJ001-{number:04}.wav")
    lines(
        folder / "metadata.csv",
        "\ufeffLJ001-0001|Printing, in 1 sense|Printing, in one sense",
        "LJ001-0002|two fields",
        "LJ001-0003|an extra|an | extra",
        'LJ001-0004|“curly”, ‘quotes’ and a "straight one|“curly”, ‘quotes’ and a "straight one',
        "",
        "LJ001-0005|written alone|",
        b"LJ001-0006|caf\xe9|caf\xe9",
        "LJ001-0007|...|...",
        "LJ001-0008|no recording|no recording",
        "LJ001-0001|again|again",
        "|no id|no id",
        "=cmd|' /C calc'!A0|formula",
        "LJ001-0010|=1+1 is two|=1+1 is two",
        end=b"\r\n",
    )
    return Planted(
        ("LJ001-0001", "LJ001-0004", "LJ001-0010"),
        (
            ("LJ001-0002", "bad-row", "metadata.csv:2"),
            ("LJ001-0003", "bad-row", "metadata.csv:3"),
            ("LJ001-0005", "no-text", "metadata.csv:6"),
            ("", "bad-row", "metadata.csv:7"),
            ("LJ001-0007", "no-text", "metadata.csv:8"),
            ("LJ001-0008", "no-audio", "metadata.csv:9"),
            ("LJ001-0001", "duplicate-id", "metadata.csv:10"),
            ("", "bad-row", "metadata.csv:11"),
            ("=cmd", "no-audio", "metadata.csv:12"),
            ("", "no-text", "wavs/LJ001-0006.wav"),  # its row was not UTF-8
            ("", "no-text", "wavs/LJ001-0009.wav"),
        ),
    )


def kss(folder: Path) -> Planted:
    """Write Windows separators, a field of taken apart letters, a length that is off, five fields, a length that is no number."""
    for name in ("1/1_0000", "1/1_0001", "2/2_0000", "2/2_0001", "3/3_0000", "4/4_0000"):
        sound(folder / f"kss/{name}.wav", 0.5, 44_100)
    spoken = "저는 보통 이십 분 정도 낮잠을 잡니다."
    taken_apart = unicodedata.normalize("NFD", spoken)
    row = "{}|저는 보통 20분 정도 낮잠을 잡니다.|" + f"{spoken}|{taken_apart}|{{}}|I usually take a nap for 20 minutes."
    lines(
        folder / "transcript.v.1.4.txt",
        row.format("1/1_0000.wav", "0.5"),
        row.format("1\\1_0001.wav", "0.6"),
        f"2/2_0000.wav|{spoken}|{spoken}|{taken_apart}|0.5",
        row.format("2/2_0001.wav", "half"),
        row.format("3/3_0001.wav", "0.5"),
        row.format("1/1_0000.wav", "0.5"),
        f"4/4_0000.wav|{spoken}||{taken_apart}|0.5|A nap.",
    )
    return Planted(
        ("1_0000", "1_0001"),
        (
            ("2_0000", "bad-row", "transcript.v.1.4.txt:3"),
            ("2_0001", "bad-row", "transcript.v.1.4.txt:4"),
            ("3_0001", "no-audio", "transcript.v.1.4.txt:5"),
            ("1_0000", "duplicate-id", "transcript.v.1.4.txt:6"),
            ("4_0000", "no-text", "transcript.v.1.4.txt:7"),
            ("", "no-text", "kss/3/3_0000.wav"),
        ),
    )


NEW_TABLE = (
    "ID  AGE  GENDER  ACCENTS  REGION COMMENTS",
    "p225  23  F    English    Southern  England",
    "p280  25  F    French    France (mic2 files unavailable)",
    "p315  18  M    American   New England (all the text files were lost)",
    "p376  unknown  M  Indian",
    "p226",
    "s5  18  F  British",
)


def vctk(folder: Path, mic: str = "mic1") -> Planted:
    """Write version 0.92: p315 without texts, p280 without its second microphone, an age that is no number, a row that is none."""
    lines(folder / "speaker-info.txt", *NEW_TABLE)
    for name in ("p225_001", "p225_002", "p280_001", "p315_001", "p376_001", "s5_001"):
        speaker = name.split("_")[0]
        for other in ("mic1", "mic2"):
            if (speaker, other) != ("p280", "mic2"):
                sound(folder / f"wav48_silence_trimmed/{speaker}/{name}_{other}.flac", rate=48_000)
        if speaker != "p315":
            lines(folder / f"txt/{speaker}/{name}.txt", "Please call Stella." if name != "p225_002" else "")
    lines(folder / "txt/p376/p376_002.txt", "Ask her to bring these things.")
    sound(folder / "wav48_silence_trimmed/p225/p226_001_mic1.flac")
    good = ["p225_001", "p280_001", "p376_001", "s5_001"]
    excused = [
        ("", "bad-row", "speaker-info.txt:6"),
        ("p226_001_mic1", "bad-row", "wav48_silence_trimmed/p225/p226_001_mic1.flac"),
        ("p225_002", "no-text", "txt/p225/p225_002.txt"),
        ("p315_001", "no-text", f"wav48_silence_trimmed/p315/p315_001_{mic}.flac"),
        ("p376_002", "no-audio", "txt/p376/p376_002.txt"),
    ]
    if mic == "mic2":
        good.remove("p280_001")
        excused.insert(3, ("p280_001", "no-audio", "txt/p280/p280_001.txt"))
    return Planted(tuple(good), tuple(excused), {"mic": mic})


def vctk_second_microphone(folder: Path) -> Planted:
    return vctk(folder, "mic2")


def vctk_old(folder: Path) -> Planted:
    """Write version 0.80: the table has numbers alone, and there is one microphone."""
    lines(folder / "speaker-info.txt", "ID  AGE  GENDER  ACCENTS  REGION", "225  23  F    English    Southern  England")
    for name in ("p225_001", "p226_001"):
        sound(folder / f"wav48/{name[:4]}/{name}.wav", rate=48_000)
        lines(folder / f"txt/{name[:4]}/{name}.txt", "Please call Stella.")
    return Planted(("p225_001", "p226_001"), ())


RAVDESS_BAD = {
    "Actor_01/03-01-01-02-01-01-01": "bad-label",  # strong neutral
    "Actor_01/03-01-09-01-01-01-01": "bad-label",
    "Actor_01/03-02-03-01-01-01-01": "bad-label",  # sung
    "Actor_01/03-01-03-01-01-01-02": "bad-label",  # another actor's folder
    "Actor_01/03-01-03-01-03-01-01": "bad-label",
    "Actor_01/01-01-03-01-01-01-01": "bad-label",  # a film
    "Actor_01/03-01-03-01-01-01-01-01": "bad-row",
    "Actor_01/٠٣-01-03-01-01-01-01": "bad-row",  # digits, of another script
}


def ravdess(folder: Path) -> Planted:
    """Write two actors, with names that the design excludes, and the copy of an actor's folder that one of its archives has."""
    good = [f"Actor_{actor:02}/03-01-{emotion:02}-01-02-01-{actor:02}" for actor in (1, 12) for emotion in range(1, 9)]
    copy = "audio_speech_actors_01-24/Actor_12/03-01-06-01-02-01-12"
    for name in (*good, *RAVDESS_BAD, copy):
        sound(folder / f"{name}.wav", rate=48_000)
    lines(folder / "README.txt", "not a recording")
    excused = [(Path(name).name, code, f"{name}.wav") for name, code in sorted(RAVDESS_BAD.items())]
    return Planted(tuple(Path(name).name for name in good), (*excused, (Path(copy).name, "duplicate-id", f"{copy}.wav")))


def ksponspeech(folder: Path) -> Planted:
    """Write both wordings, marks of noise, brackets that are no wordings, and a line without its separator."""
    head = "KsponSpeech_01/KsponSpeech_0001/KsponSpeech_00000"
    for number in range(1, 6):
        sound(folder / f"{head}{number}.pcm", rate=16_000)
    lines(
        folder / "KsponSpeech_scripts/train.trn",
        f"{head}1.pcm :: o/ 근데 (70%)/(칠십 프로)가 커피라고 하면은 b/",
        f"{head}2.pcm :: 아/ 그+ 그래서 {'*'}지호랑 계단 n/ 올라와서 l/",
        f"{head}3.pcm :: (70%)/(칠십",
        f"{head}4.pcm 근데",
        f"{head}5.pcm :: b/ u/",
        f"{head}6.pcm :: 없는 소리",
    )
    at = "KsponSpeech_scripts/train.trn:"
    name = "KsponSpeech_00000"
    return Planted(
        (f"{name}1", f"{name}2"),
        (
            (f"{name}3", "bad-row", f"{at}3"),
            ("KsponSpeech_000004", "bad-row", f"{at}4"),
            (f"{name}5", "no-text", f"{at}5"),
            (f"{name}6", "no-audio", f"{at}6"),
        ),
    )


def ksponspeech_eval(folder: Path) -> Planted:
    """Write an evaluation part, whose manifest has one folder more than the disk."""
    sound(folder / "eval_clean/KsponSpeech_E00001.pcm", rate=16_000)
    lines(folder / "eval_clean.trn", "KsponSpeech_eval/eval_clean/KsponSpeech_E00001.pcm :: (3)/(삼) 번")
    return Planted(("KsponSpeech_E00001",), (), {"part": "eval_clean", "text": "written"})


def commonvoice(folder: Path) -> Planted:
    """Write quotes that quote nothing, a row that is short, a locale with a region, an unknown one, a traversal."""
    for number in (1, 2, 3, 4):
        sound(folder / f"clips/common_voice_{number}.mp3", 0.2, 32_000)
    head = "client_id\tpath\tsentence_id\tsentence\tsentence_domain\tup_votes\tdown_votes\tage\tgender\taccents\tvariant\tlocale\tsegment"
    row = "ab12\t{}\t7\t{}\t\t2\t0\ttwenties\tfemale_feminine\tEstuary\t\t{}\t"
    lines(
        folder / "validated.tsv",
        head,
        row.format("common_voice_1.mp3", 'He said "no', "en"),
        row.format("common_voice_2.mp3", "你好", "zh-CN"),
        row.format("common_voice_3.mp3", "Saluton", "eo"),
        "ab12\tcommon_voice_4.mp3\tshort",
        row.format("../../etc/passwd", "out", "en"),
        row.format("common_voice_5.mp3", "gone", "en"),
    )
    return Planted(
        ("common_voice_1", "common_voice_2"),
        (
            ("common_voice_3", "bad-label", "validated.tsv:4"),
            ("", "bad-row", "validated.tsv:5"),
            ("passwd", "unsafe-path", "validated.tsv:6"),
            ("common_voice_5", "no-audio", "validated.tsv:7"),
        ),
    )


# layout -> the reader of it, and what makes it
CORPORA: dict[str, tuple[str, Callable[[Path], Planted]]] = {
    "ljspeech": ("ljspeech", ljspeech),
    "kss": ("kss", kss),
    "vctk": ("vctk", vctk),
    "vctk-mic2": ("vctk", vctk_second_microphone),
    "vctk-0.80": ("vctk", vctk_old),
    "ravdess": ("ravdess", ravdess),
    "ksponspeech": ("ksponspeech", ksponspeech),
    "ksponspeech-eval": ("ksponspeech", ksponspeech_eval),
    "commonvoice": ("commonvoice", commonvoice),
    "folder": ("folder", manifests.folder_of_files),
    "jsonl": ("jsonl", manifests.jsonl),
    "lhotse": ("lhotse", manifests.lhotse),
    "lhotse-cuts": ("lhotse", manifests.lhotse_cuts),
    "huggingface": ("huggingface", manifests.huggingface),
}
