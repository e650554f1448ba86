"""What the newest run left of a title-language: the outputs of every step that finished."""

from __future__ import annotations

from nightdub.flows.chain.gather import Shelf
from nightdub.flows.night import Books
from nightdub.infra.errors import LedgerError
from nightdub.infra.ledger import TitleLanguage
from nightdub.tasks.rows import Language


def stored(books: Books, title: str, language: Language) -> tuple[Shelf, TitleLanguage]:
    """Return the inputs and outputs of a title-language's newest steps, and what the ledger says of it.

    Raises: LedgerError where it was never built.
    """
    row = books.ledger.title_languages(title).get((title, language))
    if row is None:
        raise LedgerError("nothing was built", where=f"{title}/{language}", fix="nightdub status lists what there is")
    heads = books.ledger.heads(title, "") | books.ledger.heads(title, language)
    digests = {name: digest for key in heads.values() for name, digest in books.ledger.inputs_of(key).items()}
    digests |= {f"{step}.{made.name}": made.digest for step, key in heads.items() for made in books.ledger.artifacts_of(key)}
    return Shelf(digests, books.store.fetch), row
