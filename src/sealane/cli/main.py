"""The command `sealane`: composes the command groups and turns errors into messages and exit codes."""

from __future__ import annotations

import io
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer

import sealane
from sealane.cli import (
    agreement,
    alert,
    arrival,
    calc,
    calls,
    cargo,
    document,
    explain,
    factors,
    inventory,
    key,
    lane,
    ledger,
    node,
    peer,
    plan,
    product,
    report,
    result,
    route,
    rule,
    sample,
    scenario,
    shared,
    speed_zones,
    stream,
    token,
    user,
)
from sealane.cli.output import message
from sealane.errors import SealaneError

# Beside the exit codes of sealane.errors; docs/reference/exit-codes.md is generated from this table.
EXIT_CODES: dict[int, str] = {
    0: "the command did what it was asked",
    1: "an error Sealane raises on purpose that has no code of its own",
    2: "the input or the command line is wrong; nothing was written",
    3: "no published value answers the question; give the value yourself",
    4: "a shipped reference table breaks its own rules; the installation is damaged",
    5: "the chosen engine cannot run on this machine",
    70: "a fault of the program itself; a traceback is printed",
    74: "the machine could not read or write, for instance a full disk",
    75: "a partner cannot be reached now",
    129: "the terminal was closed (SIGHUP); nothing half-written is left",
    130: "stopped by the user (Ctrl-C); nothing half-written is left",
    141: "whoever read the output stopped reading",
    143: "ended from outside (SIGTERM); nothing half-written is left",
}

app = typer.Typer(
    name="sealane",
    help="Green and digital shipping corridors between partner ports.\n\n"
    "AIS positions become port calls and an emissions inventory in which every figure is explained. Agreements"
    " between ports become documents that both sign and their nodes execute.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
inventory.add_to(app)
calls.add_to(app)
explain.add_to(app)
calc.add_to(app)
factors.add_to(app)
route.add_to(app)
lane.add_to(app)
rule.add_to(app)
scenario.add_to(app)
plan.add_to(app)
arrival.add_to(app)
speed_zones.add_to(app)
report.add_to(app)
agreement.add_to(app)
node.add_to(app)
key.add_to(node.group)
token.add_to(node.group)
user.add_to(app)
result.add_to(app)
alert.add_to(app)
alert.add_to(app)
peer.add_to(app)
stream.add_to(app)
ledger.add_to(app)
product.add_to(app)
shared.add_to(app)
cargo.add_to(app)
document.add_to(app)
sample.add_to(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sealane {sealane.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and stop.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Hold the options that stand before any command."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; never raises for an error made on purpose.

    Parameters
    ----------
    arguments : the words after `sealane`.
    """
    for written in (sys.stdout, sys.stderr):
        if isinstance(written, io.TextIOWrapper):
            # A terminal that cannot show a letter gets an escape instead of a crash.
            written.reconfigure(errors="backslashreplace")
    try:
        command = typer.main.get_command(app)
        _whole_sentences(command)
        result = command.main(args=list(arguments), prog_name="sealane", standalone_mode=False)
        sys.stdout.flush()
    except SealaneError as error:
        message(f"sealane: {error}")
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        message("sealane: stopped")
        return 130
    except BrokenPipeError:
        return _nobody_reads()
    except SystemExit as stop:
        # Typer leaves this way when a pipe breaks under a command.
        if isinstance(stop.__context__, BrokenPipeError):
            return _nobody_reads()
        return stop.code if isinstance(stop.code, int) else 1
    except (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, FileExistsError) as error:
        message(f"sealane: {error.filename}: {error.strerror}")
        return 2
    except OSError as error:
        message(f"sealane: {error.filename or 'input or output'}: {error.strerror or error}")
        return 74
    except Exception as error:
        return _usage_or_fault(error)
    return result if isinstance(result, int) else 0


def _whole_sentences(command: Any) -> None:
    """Let the lists of commands show whole first sentences; left alone they are cut off at the terminal's width."""
    for sub in getattr(command, "commands", {}).values():
        sub.short_help = " ".join((sub.help or "").partition("\n\n")[0].split()).partition(". ")[0].removesuffix(".")
        _whole_sentences(sub)


def _nobody_reads() -> int:
    # Python flushes standard output once more at exit; give it a place that takes everything.
    sys.stdout = sys.__stdout__ or sys.stdout
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141


def _usage_or_fault(error: Exception) -> int:
    """Report a wrong command line, or a fault of the program."""
    show = getattr(error, "show", None)
    exit_code = getattr(error, "exit_code", None)
    if callable(show) and isinstance(exit_code, int):  # Typer's own usage errors, in any of its versions
        show()
        return exit_code
    traceback.print_exception(error)
    message("sealane: a fault of the program. Please report it with the lines above.")
    return 70


def _end(number: int, _: object) -> None:
    # An ordinary exit, so that temporary folders are removed on the way out; the code is what a shell would give.
    raise SystemExit(128 + number)


def main() -> None:
    """Entry point of the installed command."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup stays in force
            signal.signal(number, _end)
    sys.exit(run(sys.argv[1:]))
