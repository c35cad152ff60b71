"""`sealane calc FORMULA`: any published formula by hand; options come from the registry of formulas."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from sealane.cli.output import print_fields, print_json

if TYPE_CHECKING:
    from sealane.emissions.formulas import Calculation, Formula, Option


def _registry() -> Mapping[str, Formula]:
    """Formulas of emissions, then those of the rules."""
    from sealane.corridors.rules.formulas import ALL_FORMULAS

    return ALL_FORMULAS


class _FormulaGroup(TyperGroup):
    """A group whose commands are made from the registry when they are asked for.

    The registry compiles formulas, which other commands need not wait for.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_registry())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        formula = _registry().get(cmd_name)
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
    """Make the Typer command of one formula.

    Every option is taken as text and none is required by Typer, so that `calc` can list all faults at once.
    """
    parameters = [_parameter(option) for option in formula.options]
    as_json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
    parameters.append(inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=as_json))
    function = _caller(formula)
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # read by Typer
    function.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    single = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
    single.command(
        formula.name,
        help=f"{formula.help} Result in {formula.unit}.\n\n{formula.equation}\n\nSource: {formula.source}.",
    )(function)
    return typer.main.get_command(single)


def _parameter(option: Option) -> inspect.Parameter:
    notes = [option.help]
    if option.choices:
        notes.append(f"One of: {', '.join(option.choices)}.")
    if option.required:
        notes.append("Required.")
    elif option.default is not None and option.kind != "flag":
        notes.append(f"Default: {option.default}.")
    kind = inspect.Parameter.KEYWORD_ONLY
    if option.kind == "flag":
        flag = Annotated[bool, typer.Option(option.flag, help=" ".join(notes))]
        return inspect.Parameter(option.name, kind, default=False, annotation=flag)
    metavar = "TEXT" if option.kind in ("text", "repeated") else option.unit.replace(" ", "_")
    info = typer.Option(option.flag, help=" ".join(notes), metavar="FRACTION" if metavar == "1" else metavar)
    annotation = Annotated[list[str] | None, info] if option.kind == "repeated" else Annotated[str | None, info]
    return inspect.Parameter(option.name, kind, default=None, annotation=annotation)


def _caller(formula: Formula) -> Callable[..., None]:
    def call(*, as_json: bool, **inputs: str | list[str] | bool | None) -> None:
        from sealane.corridors.rules.formulas import calc

        # An option that may be repeated and was not given is an empty list.
        given = {name: value for name, value in inputs.items() if value != []}
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
            lines = [f"{key} = {'not given' if item is None else item}" for key, item in value.items()]
            fields.append((name, "\n".join(lines)))
        elif name == "rows" and isinstance(value, list):
            lines = [f"{r['row']} = {r['value']} {r['unit']} (grade {r['grade']}; {r['source']})" for r in value]
            fields.append((name, "\n".join(lines)))
        elif isinstance(value, list):
            fields.append((name, "\n".join(map(str, value)) or "none"))
        else:
            fields.append((name, f"{value:.10g}" if isinstance(value, float) else value))
    print_fields(fields)
