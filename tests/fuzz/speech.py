"""Manifests of speech corpora: any bytes are each of them in turn."""

from __future__ import annotations

from pathlib import Path

from nightdub.infra.errors import NightdubError

CORPORA = (
    b"LJ001-0001|Printing, in 1 sense|Printing, in one sense\n",
    "1/1_0000.wav|20분|이십 분|이십 분|0.5|A nap.\n".encode(),
    b"ID  AGE  GENDER  ACCENTS  REGION COMMENTS\np225  23  F    English    Southern  England (a note)\n225 x M Welsh\n",
    "KsponSpeech_01/1.pcm :: o/ 근데 (70%)/(칠십 프로)가 b/ 그+\n".encode(),
    b"client_id\tpath\tsentence\tlocale\tage\nab\ta.mp3\tHello\ten-GB\tteens\n",
    b'{"id": "a", "audio_path": "a.wav", "text": "x", "language": "en", "emotion": 3, "start": 0.5, "duration": 1}\n',
    b'{"id": "r", "sources": [{"type": "file", "channels": [0], "source": "a.wav"}], "duration": 1.0}\n',
    b'{"id": "s", "recording_id": "r", "start": 0, "duration": 1.0, "text": "x", "language": "English", "custom": {"emotion": "sad"}}\n',
    b'{"id": "c", "type": "MonoCut", "start": 0, "duration": 1, "recording": {"id": "r", "sources": [{"type": "command", "source": "a"}],'
    b'"duration": 1}, "supervisions": [{"id": "s", "start": 0, "duration": 1, "text": "x"}]}\n',
    b'file_name,text,emotion\na.wav,"he said ""yes"", twice",calm\n',
    b'{"file_name": "a.wav", "text": "x", "emotion": 2}\n',
)
CORPUS_TOKENS = ("|", "||", "\t", "::", ")/(", "b/ ", '"', "pipe:", "http://", "../", "~", "{", "[" * 300, "1e308", "-1", "\ufeff", "\r")
CORPUS_READERS = ("checks", "commonvoice", "corpus", "huggingface", "jsonl", "kss", "ksponspeech", "lhotse", "ljspeech", "vctk")

# layout -> reader, manifest, options
_READ = {
    "ljspeech": ("ljspeech", "metadata.csv", {}),
    "kss": ("kss", "transcript.v.1.4.txt", {}),
    "vctk": ("vctk", "speaker-info.txt", {}),
    "ksponspeech": ("ksponspeech", "train.trn", {}),
    "commonvoice": ("commonvoice", "validated.tsv", {}),
    "jsonl": ("jsonl", "manifest.jsonl", {}),
    "recordings": ("lhotse", "recordings.jsonl", {"supervisions": "supervisions.jsonl", "recordings": "recordings.jsonl"}),
    "cuts": ("lhotse", "cuts.jsonl", {"language": "en"}),
    "csv": ("huggingface", "metadata.csv", {"language": "en"}),
    "lines": ("huggingface", "metadata.jsonl", {"language": "en"}),
}


def read_corpora(path: Path) -> object:
    """Read a file as the manifest of every layout; Lhotse's recordings are its supervisions as well."""
    from nightdub.datasets.readers import read_corpus

    found: list[object] = []
    for layout, (reader, manifest, options) in _READ.items():
        folder = path.parent / f"corpus-{layout}"
        for part in ("txt/p225", "wav48/p225", "wavs", "clips"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        for name in ("a.wav", "1.wav", "wavs/LJ001-0001.wav", "clips/a.mp3", "wav48/p225/p225_001.wav"):
            (folder / name).touch()
        (folder / "txt/p225/p225_001.txt").write_text("hello")
        for name in (manifest, *options.values()):
            if "." in name:
                (folder / name).write_bytes(path.read_bytes())
        try:
            found.append(list(read_corpus(reader, folder, options)))
        except NightdubError as error:
            if not error.where:
                raise
            found.append(error)
    return found
