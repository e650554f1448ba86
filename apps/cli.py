"""The command line. Exit codes: 0 done, 1 something failed, 2 usage or catalogue errors, 3 this machine lacks something."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from nightdub.apps.commands.corrections import edit, sheet
from nightdub.apps.commands.datasets import dataset
from nightdub.apps.commands.delivery import deliver, verify
from nightdub.apps.commands.engines import aliases, demote, engines, evaluate, promote
from nightdub.apps.commands.machine import config, doctor
from nightdub.apps.commands.night import plan, report, run, status
from nightdub.apps.commands.quality import faults, gate, measure
from nightdub.apps.commands.release import decision, override, overrides, release, revoke, rollback
from nightdub.apps.commands.scripts import convert
from nightdub.apps.commands.upkeep import backup, metrics, restore, tidy
from nightdub.apps.commands.voices import consents, voices
from nightdub.infra.errors import CatalogueError, ConfigError, MachineLacks, NightdubError

EXIT_FAILED, EXIT_USAGE, EXIT_MACHINE = 1, 2, 3
COMMANDS = (
    *(run, plan, status, report),
    *(release, rollback, decision, override, overrides, revoke),
    *(deliver, verify),
    *(measure, gate, faults),
    convert,
    *(engines, evaluate, promote, demote, aliases),
    *(edit, sheet),
    *(voices, consents),
    dataset,
    *(tidy, backup, restore, metrics),
    *(doctor, config),
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="nightdub")
@click.option("--home", type=click.Path(path_type=Path), help="Working folder (default: .nightdub, or as the settings say).")
@click.pass_context
def cli(context: click.Context, home: Path | None) -> None:
    """Nightdub: a build system for dubs."""
    context.obj = home


for _command in COMMANDS:
    cli.add_command(_command)


def main(command: click.Command = cli, name: str = "nightdub") -> None:
    """Run a command line; every known error ends as one message and an exit code."""
    try:
        sys.exit(command(standalone_mode=False, prog_name=name))
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_USAGE)
    except click.Abort:
        sys.exit(130)
    except (CatalogueError, ConfigError) as error:
        _complain(error, EXIT_USAGE)
    except MachineLacks as error:
        _complain(error, EXIT_MACHINE)
    except NightdubError as error:
        _complain(error, EXIT_FAILED)
    except OSError as error:
        if error.filename is None:
            raise
        _complain(
            NightdubError(error.strerror or str(error), where=str(error.filename), fix="name another place, or mend its rights"),
            EXIT_FAILED,
        )


def _complain(error: NightdubError, code: int) -> None:
    click.echo(f"nightdub: {error}", err=True)
    sys.exit(code)
