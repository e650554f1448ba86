"""The pipe to a program in another environment, with shell scripts in the program's place."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from nightdub.infra.errors import EngineCrashed
from nightdub.tasks.engines import host_process
from nightdub.tasks.engines.host_process import HostProcess

Start = Callable[[str], HostProcess]


@pytest.fixture
def start() -> Iterator[Start]:
    hosts: list[HostProcess] = []

    def run(script: str) -> HostProcess:
        hosts.append(HostProcess(["sh", "-c", script], "engine test", {"GREETING": "hello"}))
        return hosts[-1]

    yield run
    for host in hosts:
        host.close()


def test_each_question_gets_its_answer(start: Start) -> None:
    host = start("exec cat")
    assert [host.ask({"line": number, "text": "señal\n"}) for number in range(3)] == [
        {"line": number, "text": "señal\n"} for number in range(3)
    ]
    assert not host.ended


def test_it_sees_our_environment_and_its_own(start: Start) -> None:
    assert start('echo "{\\"path\\": \\"${PATH:+set}\\", \\"greeting\\": \\"$GREETING\\"}"').answer() == {
        "path": "set",
        "greeting": "hello",
    }


@pytest.mark.parametrize(
    ("script", "event"),
    [
        ("read line; echo 'out of memory' >&2; exit 3", "ended: out of memory"),
        ("read line; kill -9 $$", "ended: no last words"),
        ("exit 0", "ended: no last words"),
        ("read line; echo loading...", r"answered b'loading...\\n'"),
        ("read line; echo '[1, 2]'", r"answered b'\[1, 2\]\\n'"),
        ("read line; printf '\\377\\376\\n'", r"answered b'\\xff\\xfe\\n'"),
        ("read line; printf '{\"ok\": tr'", "answered"),
    ],
)
def test_a_host_that_loses_step_is_closed_with_its_last_words(start: Start, script: str, event: str) -> None:
    host = start(script)
    with pytest.raises(EngineCrashed, match=rf"^engine test: the host process {event}"):
        host.ask({})
    assert host.ended
    assert not host.scratch.exists()


def test_a_silent_host_is_not_waited_for_for_ever(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_process, "PATIENCE", 0.05)
    host = start("while read line; do :; done")
    with pytest.raises(EngineCrashed, match=r"said nothing for 0\.05 s"):
        host.ask({})
    assert host.ended


def test_a_closed_host_answers_nobody(start: Start) -> None:
    host = start("exec cat")
    host.close()
    host.close()
    with pytest.raises(EngineCrashed, match="is closed"):
        host.ask({})
