"""Common Voice: `validated.tsv` (tabs, a header, no quoting) and `clips/*.mp3`."""

from __future__ import annotations

from collections.abc import Mapping

from nightdub.datasets.readers.corpus import Corpus, Defect, parsed, stem
from nightdub.datasets.readers.reader import Option, Reader, Rows
from nightdub.datasets.rows import Excused, SourceClip
from nightdub.infra.errors import ConfigError

NEEDED = ("client_id", "path", "sentence", "locale")
TAGS = {"gender": "gender", "age": "age", "accent": "accent", "accents": "accent", "variant": "variant"}  # column -> tag


def read(corpus: Corpus, options: Mapping[str, str]) -> Rows:
    """Yield the lines of one part; its other files' clips are not looked for."""
    name = corpus.manifest(f"{options['part']}.tsv")
    lines = corpus.lines(name)
    first = next(lines, None)
    header = [] if first is None or isinstance(first, Excused) else [field.strip() for field in first[1].split("\t")]
    if missing := [column for column in NEEDED if column not in header]:
        raise ConfigError(f"no column {', '.join(missing)}", where=f"{corpus.folder / name}:1", fix="is this Common Voice's own file?")

    def parse(line: str, where: str) -> SourceClip:
        fields = line.split("\t")
        if len(fields) != len(header):
            raise Defect("bad-row", f"{len(fields)} fields of {len(header)}")
        row = dict(zip(header, map(str.strip, fields), strict=True))
        clip = stem(row["path"].replace("\\", "/"))
        try:
            audio = corpus.file(row["path"], "clips")
        except Defect as defect:
            raise Defect(defect.code, defect.what, clip) from None
        tags = {tag: row[column] for column, tag in TAGS.items() if row.get(column)}
        return SourceClip(clip, audio, row["sentence"], row["locale"], row["client_id"], tags=tags, where=where)

    yield from parsed(lines, parse)


READER = Reader(
    read,
    "`validated.tsv` (or another part's), `clips/*.mp3`",
    licence="CC0-1.0",
    commercial=True,
    licensor="https://commonvoice.mozilla.org/",
    options={
        "part": Option("the file's name without its ending", "validated", ("validated", "train", "dev", "test", "other", "invalidated"))
    },
)
