"""`sealane calc FORMULA`: any published formula by hand; options come from the registry of formulas."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from sealane.cli.output import print_fields, print_json

if TYPE_CHECKING:
    from sealane.emissions.formulas import Calculation, Formula


class _FormulaGroup(TyperGroup):
    """A group whose commands are made from the registry when they are asked for.

    The registry compiles formulas, which other commands need not wait for.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        from sealane.emissions.formulas import FORMULAS

        return list(FORMULAS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        from sealane.emissions.formulas import FORMULAS

        formula = FORMULAS.get(cmd_name)
        return None if formula is None else _command(formula)


group = typer.Typer(
    name="calc",
    cls=_FormulaGroup,
    help="Work out a published formula by hand: value, unit, equation, source, inputs.",
    no_args_is_help=True,
    rich_markup_mode=None,
    subcommand_metavar="FORMULA [OPTIONS]",
)


@group.callback()
def _formulas() -> None:
    """Give Typer a group although its commands appear only later."""


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(group)


def _command(formula: Formula) -> Any:
    """Make the Typer command of one formula."""
    parameters = []
    for option in formula.options:
        kind: Any = {"number": float, "integer": int, "text": str}[option.kind]
        if option.choices:
            kind = Enum(f"{option.name}_choices", {choice: choice for choice in option.choices}, type=str)  # type: ignore[misc] # made at run time
        annotation = kind if option.required else kind | None
        unit = f" [{option.unit}]" if option.unit else ""
        info = typer.Option(f"--{option.name.replace('_', '-')}", help=f"{option.help}{unit}", show_choices=True)
        parameters.append(
            inspect.Parameter(
                option.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if option.required else None,
                annotation=Annotated[annotation, info],
            )
        )
    as_json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
    parameters.append(inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=as_json))
    function = _caller(formula)
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # read by Typer
    function.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    single = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
    single.command(formula.name, help=f"{formula.help}\n\n{formula.equation}")(function)
    return typer.main.get_command(single)


def _caller(formula: Formula) -> Callable[..., None]:
    def call(*, as_json: bool, **inputs: Any) -> None:
        from sealane.emissions.formulas import calc

        given = {
            name: value.value if isinstance(value, Enum) else value
            for name, value in inputs.items()
            if value is not None
        }
        _show(calc(formula.name, **given), as_json=as_json)

    return call


def _show(calculation: Calculation, *, as_json: bool) -> None:
    content = calculation.as_dict()
    if as_json:
        print_json(content)
        return
    fields: list[tuple[str, object]] = []
    for name, value in content.items():
        if isinstance(value, dict):
            fields.append((name, "\n".join(f"{key} = {item}" for key, item in value.items())))
        elif isinstance(value, list | tuple):
            fields.append((name, "\n".join(map(str, value))))
        elif value is not None:
            fields.append((name, f"{value:.10g}" if isinstance(value, float) else value))
    print_fields(fields)
