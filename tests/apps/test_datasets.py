"""`nightdub dataset` as a person and a script see it: one corpus, built in Prefect, looked at, changed, exported, erased."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "flows"))

from speech_corpus import write_corpus, write_manifest, write_recipe


@pytest.mark.slow
def test_a_corpus_from_plan_to_erasure(run, tmp_path: Path) -> None:
    rows = write_corpus(tmp_path / "corpus", speakers=8, clips=2)
    write_manifest(tmp_path / "corpus", rows, "{torn")
    recipe = write_recipe(tmp_path / "corpus", augment=["gain=-6"])
    code, out, _ = run("dataset", "plan", recipe)
    assert (code, out) == (
        0, "voices: 17 rows of the corpus, 16 clips, 1 excused\nto make from step dataset_sound on: 16 of its 16 items\n",
    )  # fmt: skip
    code, out, _ = run("dataset", "build", recipe)
    assert code == 0, out
    assert out.startswith("voices is released: version ")
    assert "17 rows = 16 clips + 1 excused\nleft out because\trows\nbad-row\t1\n" in out
    version = out.split("version ")[1][:12]
    assert run("dataset", "plan", recipe)[1].endswith("nothing to make\n")
    code, out, _ = run("dataset", "build", recipe, "--json")
    assert (code, json.loads(out)["made"], json.loads(out)["version"][:12]) == (0, 0, version)
    assert version in run("dataset", "list")[1]
    card = run("dataset", "card", recipe)[1]
    assert "17 rows in = 16 clips kept + 1 excused" in card
    assert json.loads(run("dataset", "card", recipe, "--json")[1])["account"]["kept"] == 16
    assert Path(".nightdub/datasets/voices/card.html").read_text().count("data:image/png") >= 3
    assert run("dataset", "export", recipe, "out")[1] == "33 files in out\n"
    assert "no output 'lhotse'; allowed: jsonl" in run("dataset", "export", recipe, "other", "--output", "lhotse")[2]
    assert run("dataset", "variant", recipe, "s0-0", "gain=-6+tempo=1.1", "v.wav")[0] == 0
    assert run("dataset", "variant", recipe, "nobody", "gain=-6", "w.wav")[0] == 2
    decided = run("decision", "dataset.voices", "mul")[1]
    assert decided.startswith("dataset.voices/mul: pass by policy dataset")
    assert "dataset.leaks == 0 leaks\tpass\t0" in decided
    code, out, _ = run("dataset", "erase", recipe, "s3", "--who", "Eva", "--why", "her letter")
    assert (code, "2 clips will not be taken again" in out, "s3-0.wav" in out) == (0, True, True)
    assert "withdraw" in run("dataset", "list")[1]
    assert run("dataset", "rollback", recipe, "--who", "Eva", "--why", "x")[0] == 1
    assert "no version" in run("dataset", "diff", recipe, version)[2]


def test_what_cannot_be_is_said(run, tmp_path: Path) -> None:
    code, _, err = run("dataset", "build", "nothing")
    assert (code, "allowed: prompts, prompts-sample, or a file *.yaml" in err) == (2, True)
    assert "none is out; recipes here: prompts, prompts-sample" in run("dataset", "list")[1]
    (tmp_path / "corpus").mkdir()
    write_manifest(tmp_path / "corpus", {})
    code, _, err = run("dataset", "plan", write_recipe(tmp_path / "corpus"))
    assert code == 2
    assert "not one row" in err
    assert run("dataset", "select")[0] == 2
