"""`sealane arrival`: what just-in-time arrival would have saved at a port, and how its queue would run on slots."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sealane.cli import options
from sealane.cli.output import counted, message, print_fields, print_json, print_table
from sealane.errors import DataError, Fault

if TYPE_CHECKING:
    from sealane.corridors.arrival.explain import CallExplanation

_SHOWN = ("fuel", "wtw_co2e", "nox", "waiting")


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("arrival")(arrival)


def arrival(
    calls: Annotated[
        list[Path],
        typer.Argument(
            metavar="CALLS...",
            help="Port calls: CSV, Excel or Parquet, or folders of `sealane inventory`. Calls at other ports show "
            "where a ship came from.",
        ),
    ],
    port: options.Port,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder for the results; omitted: print only.")
    ] = None,
    notice: Annotated[
        str, typer.Option("--notice", metavar="LIST", help="Hours of notice, or voyage; with commas between.")
    ] = "12,24,voyage",
    slot_notice: Annotated[
        str,
        typer.Option("--slot-notice", metavar="H", help="How long before arrival a berth is booked; or voyage."),
    ] = "24",
    berths: Annotated[
        list[str] | None,
        typer.Option(
            "--berths",
            metavar="N",
            help="Berths of the port as one queue, or TERMINAL=N, repeatable; omitted: the most seen at berth at once.",
        ),
    ] = None,
    min_speed_kn: Annotated[
        float | None,
        typer.Option(
            "--min-speed-kn", metavar="KN", help="Slowest speed asked of a ship; omitted: that at 10 % engine load."
        ),
    ] = None,
    hotel_by_load: Annotated[
        bool,
        typer.Option("--hotel-by-load", help="Below 20 % load take the hotel load of manoeuvring, not of transit."),
    ] = False,
    explain: Annotated[
        str | None,
        typer.Option("--explain", metavar="CALL", help="Take the saving of this call apart instead, step by step."),
    ] = None,
    vessels: options.Vessels = None,
    method: Annotated[options.Method, typer.Option(help="Published emission method.")] = options.Method.EPA_2022,
    gwp: Annotated[
        options.Gwp, typer.Option(help="IPCC assessment report for the 100-year warming potentials.")
    ] = options.Gwp.AR5,
    as_json: options.AsJson = False,
) -> None:
    """Work out what notice of the berth's time would have saved, net of hotel load and least speed.

    Waiting at anchor becomes slower sailing from the point of notice. The queue is replayed twice: first come, first
    served, and with berths booked on notice; who waits longer then is shown. Writes Parquet tables, arrival.json,
    report.html and report.xlsx.
    """
    from sealane.corridors.arrival.just_in_time import notices
    from sealane.corridors.arrival.run import FILES, run_arrival, write_arrival
    from sealane.corridors.call_table import read_call_table
    from sealane.emissions.user_vessels import read_user_vessels
    from sealane.folders import check_ours

    if out is not None:
        check_ours(out, FILES)  # before the work, not after it
    asked = notices(notice.split(","))
    slots = notices([slot_notice])
    number = berths_of(berths)
    mode = "by_load" if hotel_by_load else "transit"
    result = run_arrival(
        read_call_table(calls),
        port,
        notices=asked,
        slot_notice_h=slots[0],
        berths=number,
        min_speed_kn=min_speed_kn,
        method=method.value,
        gwp=gwp.value,
        mode=mode,
        vessels=read_user_vessels(vessels) if vessels else None,
    )
    if explain is not None:
        from sealane.corridors.arrival.explain import explain_call

        _print_steps([explain_call(result.waits, explain, hours, mode=mode) for hours in asked], as_json=as_json)
        return
    if out is not None:
        from sealane.reports.arrival_report import write_arrival_report

        write_arrival(result, out, finish=write_arrival_report)
    if as_json:
        print_json(result.summary if out is None else {"out": str(out), **result.summary})
        return
    _print(dict(result.summary), out)


def _print_steps(explanations: list[CallExplanation], *, as_json: bool) -> None:
    if as_json:
        print_json([asdict(explanation) for explanation in explanations])
        return
    for found in explanations:
        notice = "the whole voyage" if found.notice == "voyage" else f"{found.notice} h"
        message(f"{found.call_id}, {found.ship}, notice {notice}, grade {found.grade}")
        print_table(
            ("step", "value>", "unit", "equation", "source"),
            [
                (s.name, "" if math.isnan(s.value) else f"{s.value:,.4f}", s.unit, s.equation, s.source)
                for s in found.steps
            ],
        )
        before, after = found.fuel_before_t, found.fuel_after_t
        message(f"fuel {before:,.4f} t before, {after:,.4f} t after, {before - after:,.4f} t saved net\n")


def berths_of(texts: list[str] | None) -> int | dict[str, int] | None:
    """Berths from ``N`` or ``TERMINAL=N`` texts; None where nothing is given.

    Raises
    ------
    DataError
        listing every text that is neither, and a mixture of both.
    """
    if not texts:
        return None
    faults = []
    by_terminal: dict[str, int] = {}
    whole: int | None = None
    for text in texts:
        name, equals, count = text.rpartition("=")
        if not count.strip().isdecimal() or int(count) < 1 or (equals and not name.strip()):
            faults.append(Fault("--berths", f"'{text}'", "Give a number from 1 on, or TERMINAL=N"))
        elif equals:
            if name.strip() in by_terminal:
                faults.append(Fault("--berths", f"'{name.strip()}' twice", "Give each terminal once"))
            by_terminal[name.strip()] = int(count)
        elif whole is not None:
            faults.append(Fault("--berths", "two numbers for the whole port", "Give one"))
        else:
            whole = int(count)
    if whole is not None and by_terminal:
        faults.append(Fault("--berths", "a number for the port beside terminals", "Give one or the other"))
    if faults:
        raise DataError("The berths cannot be understood.", faults)
    return whole if whole is not None else by_terminal


def _print(summary: dict[str, Any], out: Path | None) -> None:
    if summary["label"]:
        message(summary["label"])
    for note in summary["notes"]:
        message(f"note: {note}")
    calls, wait = summary["calls"], summary["waiting_h"]
    print_fields(
        [
            ("port", summary["port"]),
            ("method", f"{summary['method']}, {summary['gwp']}"),
            ("calls judged", f"{calls['judged']:,} ({calls['waited']:,} waited, {calls['left_out']:,} left out)"),
            ("waiting", f"{wait['total']:,.0f} h; mean {wait['mean']:.1f}, median {wait['median']:.1f} h"),
            ("slowest speed", summary["minimum_speed"]),
        ]
    )
    rows = []
    for notice, quantities in summary["savings"].items():
        for name in _SHOWN:
            if name in quantities:
                q = quantities[name]
                share = q["net_saved"] / q["before"] if q["before"] else 0.0
                gross = "" if q["gross_saved"] is None else f"{q['gross_saved']:,.1f}"
                rows.append(
                    (
                        notice if notice == "voyage" else f"{notice} h",
                        name.replace("_", " "),
                        q["unit"],
                        f"{q['before']:,.1f}",
                        f"{q['after']:,.1f}",
                        f"{q['net_saved']:,.1f}",
                        f"{share:.1%}",
                        gross,
                    )
                )
    message("Before and after: the last stretch from the point of notice on, and the waiting.")
    print_table(("notice", "quantity", "unit", "before>", "after>", "net saved>", "of before>", "gross>"), rows)
    for row in summary["published"]:
        if row["published_pct"] is not None and row["voyages"]:
            notice = "whole voyage" if row["notice"] == "voyage" else f"last {row['notice']} h"
            message(
                f"{notice}: {row['all_pct']:.2f} % of a container voyage's fuel on the mean "
                f"({counted(row['voyages'], 'voyage')}); published study {row['published_pct']:.2f} %"
            )
    queue = summary["queue"]
    if queue:
        print_table(
            ("policy", "delay h>", "at anchor h>", "sailed slower h>", "fuel t>", "longest h>", "Gini>", "overtaken>"),
            [
                (
                    policy,
                    f"{p['delay_h']:,.1f}",
                    f"{p['at_anchor_h']:,.1f}",
                    f"{p['sailed_slower_h']:,.1f}",
                    f"{p['fuel_t']:,.1f}",
                    f"{p['fairness']['max_delay_h']:,.1f}",
                    "" if p["fairness"]["gini"] is None else f"{p['fairness']['gini']:.2f}",
                    f"{p['fairness']['overtaken']:,}",
                )
                for policy, p in queue["policies"].items()
            ],
        )
    if out is not None:
        print_fields([("results", "\n".join(str(path) for path in sorted(out.iterdir())))])
