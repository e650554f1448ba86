"""Readers of speech corpora: from a folder, as its makers laid it out, to rows; what cannot be used is counted, and says why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from types import MappingProxyType

from nightdub.datasets.readers import (
    commonvoice,
    folder,
    huggingface,
    jsonl,
    ksponspeech,
    kss,
    lhotse,
    ljspeech,
    prompts,
    ravdess,
    vctk,
)
from nightdub.datasets.readers.checks import checked
from nightdub.datasets.readers.corpus import Corpus
from nightdub.datasets.readers.reader import Reader
from nightdub.datasets.rows import Excused, SourceClip
from nightdub.infra.errors import ConfigError

READERS: dict[str, Reader] = {
    "ljspeech": ljspeech.READER,
    "kss": kss.READER,
    "vctk": vctk.READER,
    "ravdess": ravdess.READER,
    "ksponspeech": ksponspeech.READER,
    "prompts": prompts.READER,
    "commonvoice": commonvoice.READER,
    "folder": folder.READER,
    "jsonl": jsonl.READER,
    "lhotse": lhotse.READER,
    "huggingface": huggingface.READER,
}


def read_corpus(reader: str, folder: Path, options: Mapping[str, str] = MappingProxyType({})) -> Iterator[SourceClip | Excused]:
    """Return the rows of a corpus in its own order: one for each row of its manifests, and for each recording that none of them names.

    `Path()` is where a reader's corpus lies on every machine, if there is such a place. Nothing is decoded, run, fetched or looked for
    outside the folder. A corpus without one good row gives excused rows alone.

    Raises:
        ConfigError: an unknown reader or option, no such folder, a manifest that is missing, has no header, breaks off or holds not one
            row. It is raised by the call itself, or where it shows only further down, by the row there.
        MachineLacks: the transcripts of the recorded prompts are not installed.
    """
    if reader not in READERS:
        raise ConfigError(f"unknown reader {reader!r}", where="a recipe's source", allowed=", ".join(READERS))
    found = READERS[reader]
    settings = found.settings(reader, options)
    corpus = Corpus(found.home if found.home and folder == Path() else folder)
    rows = checked(found.read(corpus, settings))
    first = next(rows, None)
    if first is None:
        raise ConfigError("not one row", where=str(corpus.folder), fix="is this the corpus' own folder, and all of it?")
    return chain((first,), rows)
