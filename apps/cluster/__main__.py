"""`make cluster`: start the scaled profile on loopback, run a night on it through its deployment, print the report, take it down."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from nightdub.apps.cli import main
from nightdub.apps.cluster.running import ENVIRONMENT, Cluster, cluster
from nightdub.apps.cluster.servers import S3_SERVERS
from nightdub.apps.night import exit_code
from nightdub.apps.tables import show_summary
from nightdub.flows.report import read_report
from nightdub.infra.errors import NightdubError


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--catalogue", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Instead of the sample, built in FOLDER.")
@click.option("--only", multiple=True, metavar="ID", help="Only this title; may be given several times.")
@click.option("--s3", type=click.Choice(list(S3_SERVERS)), default="moto", show_default=True, help="What stands for S3.")
@click.option("--prefect-file", type=click.Path(path_type=Path, exists=True), default="prefect.yaml", show_default=True)
@click.option("--stay", is_flag=True, help="Stay after the night, with its schedules, until Ctrl-C.")
def run(folder: Path, catalogue: Path | None, only: tuple[str, ...], s3: str, prefect_file: Path, *, stay: bool) -> int:
    """Start a cluster in FOLDER and run one night on it."""
    for word in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(word, _stop)
    listed = (catalogue or _sample(folder)).absolute()
    with cluster(folder, listed.parent, prefect_file, s3=s3, schedules=stay, tell=_say) as running:
        code = _night(running, listed, only)
        if stay:
            _say(f"stays until Ctrl-C; to be part of it: . {running.folder / ENVIRONMENT}")
            with suppress(KeyboardInterrupt):
                while True:
                    running.look()
                    time.sleep(1)
    return code


def _sample(folder: Path) -> Path:
    from nightdub.apps.sample import build_sample  # with its pictures' libraries it takes 2 s to import

    return build_sample(folder / "catalogue")


def _night(running: Cluster, catalogue: Path, only: tuple[str, ...]) -> int:
    if not running.prefect.run_nightly(catalogue, only):
        running.look()
        raise NightdubError("the night did not end well", where=str(running.folder / "servers/prefect-worker.log"), fix="read that log")
    report = read_report(running.home)
    show_summary(report, running.home)
    return exit_code(report)


def _stop(_number: int, _frame: Any) -> None:
    """Leave every block once; what stops the servers is not to be stopped."""
    for word in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(word, signal.SIG_IGN)
    raise KeyboardInterrupt


def _say(line: str) -> None:
    click.echo(line, err=True)


if __name__ == "__main__":
    main(run, "cluster")
