"""YAML that is to grow, to nest, to run or to be passed over is refused with its line, by every file that we read as YAML."""

from __future__ import annotations

from pathlib import Path

import pytest

from nightdub.infra.errors import ConfigError
from nightdub.infra.strict_yaml import DEEPEST, LARGEST
from nightdub.quality.policy import read_policy
from nightdub.tasks.profile import read_profile

LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30))
HOSTILE = {
    "alias bomb": (LAUGHS, r"alias \*a0.*line 2"),
    "endless alias": ("a: &a [*a]\n", r"alias \*a.*line 1"),
    "merge bomb": ("a: &a {b: 1}\nc: {<<: *a}\n", r"alias \*a.*line 2"),
    "merge": ("<<: {name: tiny}\nname: other\n", "'<<' merges another mapping.*line 1"),
    "depth": ("a: " + "[" * 100_000, f"more than {DEEPEST} lists and mappings.*line 1"),
    "depth of mappings": ("{a: " * 20_000, f"more than {DEEPEST} lists and mappings.*line 1"),
    "size": ("#" * (LARGEST + 1), f"{LARGEST + 1} bytes; allowed: at most {LARGEST}"),
    "python": ("name: !!python/object/apply:os.system [touch ran]\n", "tag .*os.system.*line 1"),
    "python name": ("name: !!python/name:os.system\n", "tag .*os.system.*line 1"),
    "own tag": ("name: !x y\n", "tag !x.*line 1"),
    "broken tag": ("name: !!timestamp x\n", "tag .*timestamp.*line 1"),
    "twice": ("name: tiny\nname: other\n", "'name' stands twice.*line 2"),
    "twice, spelled otherwise": ("name: tiny\n'name': other\n", "'name' stands twice.*line 2"),
    "digits": (f"name: {'9' * 5000}\n", "Exceeds the limit"),
    "several documents": ("name: tiny\n---\nname: other\n", "expected a single document"),
    "no text": ("\x00", "special characters are not allowed"),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_yaml_is_refused_with_its_line(name: str, tmp_path: Path) -> None:
    text, says = HOSTILE[name]
    path = tmp_path / "tiny.yaml"
    path.write_text(text)
    for read in (lambda: read_profile(path), lambda: read_policy("tiny", tmp_path)):
        with pytest.raises(ConfigError, match=says) as raised:
            read()
        assert raised.value.where
    assert list(tmp_path.iterdir()) == [path]
