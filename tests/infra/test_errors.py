"""Errors keep their parameters through pickling, and say what to do."""

from __future__ import annotations

import pickle

import pytest

from nightdub.infra import errors
from nightdub.infra.errors import CatalogueError, NightdubError, StepFailed, error_row

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, NightdubError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_survives_pickling_with_all_it_knows(kind: type[NightdubError]) -> None:
    error = kind("9 lines", where="film/es", allowed="8", fix="shorten one")
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is kind
    assert (str(twin), twin.to_row(), twin.transient) == (str(error), error.to_row(), error.transient)
    assert str(error).startswith("film/es: 9 lines; allowed: 8; next: shorten one")


def test_particulars_survive_too() -> None:
    listed = pickle.loads(pickle.dumps(CatalogueError("2 problems", problems=["row 2: a", "row 3: b"])))
    assert listed.problems == ["row 2: a", "row 3: b"]
    assert "row 3: b" in str(listed)
    assert pickle.loads(pickle.dumps(StepFailed("x", cause="MediaError"))).cause == "MediaError"


def test_foreign_errors_count_as_terminal() -> None:
    assert error_row(ValueError("odd")) == {"code": "ValueError", "what": "odd", "transient": False}
    assert error_row(KeyError())["what"] == "KeyError"
