"""report.html: what it says, that nothing in it can act, and that it is the same each time."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from page_audit import PageAudit

from conftest import FORMULA, HOSTILE, TURNED
from sealane.errors import DataError
from sealane.inventory.run import total_grams
from sealane.reports import pages, report, write_report
from sealane.reports.figures import number, share
from sealane.reports.results import read_results
from sealane.reports.summary import summarise


def page(folder: Path) -> str:
    return (folder / "report.html").read_text("utf-8")


def test_the_page_leads_with_the_totals_of_the_inventory(made: Path) -> None:
    inventory = pq.read_table(made / "inventory.parquet")
    lead = PageAudit(page(made)).text.partition("Contents")[0].partition("Where the emissions come from")[0]
    for name, unit_g, unit in (("co2e", 1e6, "t"), ("nox", 1e6, "t"), ("pm25", 1e3, "kg"), ("dpm", 1e3, "kg")):
        grams = total_grams(inventory, name)
        assert grams > 0
        assert f"{number(grams / unit_g)} {unit}" in lead, name
    assert f"well-to-wake {number(total_grams(inventory, 'co2e', 'wtw') / 1e6)} t" in lead
    quality = json.loads((made / "quality.json").read_text("utf-8"))
    for name in ("co2e", "nox", "pm25"):
        assert share(quality["grade_d_share"][name]) in lead
    assert "EPA-420-B-22-011" in lead
    assert "IPCC AR5" in lead
    assert "4 March 2024" in lead


def test_calls_are_counted_complete_and_truncated(made: Path) -> None:
    calls = pq.read_table(made / "calls.parquet")
    complete = sum(1 for text in calls["truncated"].to_pylist() if not text)
    assert complete >= 1
    assert len(calls) > complete
    text = PageAudit(page(made)).text
    assert f"Port calls {len(calls)} {complete} complete {len(calls) - complete} truncated" in text
    assert f"{len(calls) - complete} of {len(calls)} calls begin before the data or end after them" in text


def test_times_that_were_not_seen_say_so(made: Path) -> None:
    audit = PageAudit(page(made))
    calls = pq.read_table(made / "calls.parquet").to_pylist()
    unseen = next(call for call in calls if call["arrival"] is None)
    row = next(row for row in audit.rows if len(row) > 20 and row[-1] == unseen["call_id"])
    assert row[3] == "not seen"
    seen = next(call for call in calls if call["arrival"] is not None)
    row = next(row for row in audit.rows if len(row) > 20 and row[-1] == seen["call_id"])
    assert row[3] == f"{seen['arrival']:%Y-%m-%d %H:%M}"


def test_breakdowns_add_up_to_the_totals(made: Path) -> None:
    summary = summarise(read_results(made))
    for rows in (summary.by_source, summary.by_mode, summary.by_class):
        for name in ("co2e", "nox", "pm25"):
            assert sum(row.grams.get(name, 0.0) for row in rows) == pytest.approx(summary.totals[name], rel=1e-12)
    activity = pq.read_table(made / "activity.parquet")
    assert sum(row.hours or 0 for row in summary.by_mode) == pytest.approx(pc.sum(activity["hours"]).as_py(), rel=1e-12)


def test_a_source_row_shows_the_mass_of_the_parquet_file(made: Path) -> None:
    inventory = pq.read_table(made / "inventory.parquet")
    boilers = inventory.filter(pc.equal(inventory["source"], "boiler"))
    row = PageAudit(page(made)).row("Boilers")
    assert row[3].split()[0] == number(total_grams(boilers, "co2e") / 1e6)
    assert row[4].split()[0] == number(total_grams(boilers, "nox") / 1e6)


def test_what_has_no_factor_is_missing_and_not_zero(made: Path) -> None:
    row = PageAudit(page(made)).row("Black carbon")
    assert row[2:6] == ["–"] * 4
    assert "no published factor" in row[-1]


def test_the_page_is_well_formed_and_can_neither_run_nor_load_anything(made: Path, empty: Path) -> None:
    for folder in (made, empty):
        assert PageAudit(page(folder)).faults == []
        assert not re.search(r"https?://", re.sub(r"\s", "", PageAudit(page(folder)).style))


@pytest.mark.parametrize(
    "bad",
    [
        "<p><b></p></b>",
        "<p>",
        "<script>1</script>",
        '<img src="https://example.org/x.png">',
        '<p onclick="x()">a</p>',
        '<p style="color:red">a</p>',
        '<a href="javascript:x()">a</a>',
        '<a href="#nowhere">a</a>',
        '<p id="a"></p><p id="a"></p>',
        "<style>p{background:url(x)}</style>",
    ],
)
def test_the_audit_can_fail(bad: str) -> None:
    assert PageAudit(f"<html>{bad}</html>").faults


def test_a_hostile_name_is_only_text(made: Path) -> None:
    names = pq.read_table(made / "calls.parquet")["vessel_name"].to_pylist()
    assert HOSTILE in names  # it came through the run unharmed
    text = page(made)
    assert "<script" not in text
    assert "&lt;script&gt;alert(" in text
    audit = PageAudit(text)
    assert HOSTILE in audit.text
    assert FORMULA in audit.text
    # The mark that turns the direction of writing is shown, not obeyed.
    assert "\u202e" not in text
    assert TURNED.replace("\u202e", "�") in audit.text


def test_without_escaping_the_hostile_name_would_be_found(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = pages.environment

    def careless() -> object:
        environment = original()
        environment.autoescape = False
        return environment

    monkeypatch.setattr(pages, "environment", careless)
    results = read_results(made)
    assert "element script" in PageAudit(report.render_html(results, summarise(results))).faults


def test_the_policy_allows_the_pages_own_style_and_nothing_else(made: Path) -> None:
    audit = PageAudit(page(made))
    digest = base64.b64encode(hashlib.sha256(audit.style.encode()).digest()).decode()
    policy = audit.meta["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_two_reports_are_the_same_bytes(made: Path, copy: Path) -> None:
    before = [(copy / name).read_bytes() for name in ("report.html", "report.xlsx")]
    write_report(copy)
    assert [(copy / name).read_bytes() for name in ("report.html", "report.xlsx")] == before
    assert [(made / name).read_bytes() for name in ("report.html", "report.xlsx")] == before


def test_an_empty_inventory_says_why(empty: Path) -> None:
    text = PageAudit(page(empty)).text
    assert "This inventory is empty." in text
    assert "1 vessel was seen and left out" in text
    assert "1 vessel: tug, counted as harbour craft" in text
    assert "no ocean-going vessel in the data" in text
    assert "No port call of an ocean-going vessel is in these data." in text
    assert "0 t " not in text.partition("Contents")[0][:1500]


def test_what_was_left_out_and_rejected_is_told(made: Path) -> None:
    audit = PageAudit(page(made))
    assert audit.row("tug, counted as harbour craft")[1] == "1"
    assert audit.row("+TUG")[1] == "366000009"
    assert "1 row of the input; rejects.csv has all of them." in audit.text
    assert any("not a latitude" in cell for row in audit.rows for cell in row)


def test_learnt_zones_and_the_assumed_port_limit_are_told(made: Path) -> None:
    text = PageAudit(page(made)).text
    assert "Learnt zones." in text
    assert "The port limit is assumed." in text


def test_simulated_data_are_labelled_and_real_data_are_not(made: Path, copy: Path) -> None:
    assert "SIMULATED" not in page(made)
    origin = json.loads((copy / "provenance.json").read_text("utf-8"))
    origin["inputs"][0]["file"] = "SIMULATED_week.csv"
    (copy / "provenance.json").write_text(json.dumps(origin), "utf-8")
    write_report(copy)
    text = page(copy)
    assert "<title>SIMULATED: Los Angeles" in text
    lead = PageAudit(text).text
    assert lead.index("SIMULATED DATA") < lead.index("CO2e, tank-to-wake")


def test_it_says_how_to_explain_a_figure(made: Path) -> None:
    calls = pq.read_table(made / "calls.parquet")["call_id"].to_pylist()
    found = re.search(r"sealane explain DIR (\S+)", PageAudit(page(made)).text)
    assert found is not None
    assert found.group(1) in calls


def test_missing_and_damaged_files_are_listed_together_and_the_old_report_stays(copy: Path) -> None:
    before = page(copy)
    (copy / "grid.parquet").unlink()
    (copy / "inventory.parquet").write_bytes(b"no parquet")
    (copy / "quality.json").write_text("{", "utf-8")
    with pytest.raises(DataError) as problem:
        write_report(copy)
    assert len(problem.value.faults) == 3
    for name in ("grid.parquet", "inventory.parquet", "quality.json"):
        assert name in str(problem.value)
    assert page(copy) == before


def test_a_report_that_fails_half_way_leaves_nothing_behind(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = page(copy)

    def fails(path: Path, text: str) -> None:
        path.write_text(text[:100], "utf-8")
        raise OSError("disk full")

    monkeypatch.setattr(pages, "write_text", fails)
    with pytest.raises(OSError, match="disk full"):
        write_report(copy)
    assert page(copy) == before
    assert [path.name for path in copy.iterdir() if "partial" in path.name] == []


def test_a_folder_name_with_glob_characters_works(copy: Path) -> None:
    odd = copy.rename(copy.with_name("a [b]* c"))
    (odd / "report.html").unlink()
    write_report(odd)
    assert (odd / "report.html").exists()


def test_long_tables_are_cut_with_a_note(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "MAX_ROWS", 2)
    results = read_results(made)
    text = PageAudit(report.render_html(results, summarise(results))).text
    assert f"The first 2 of {len(results.calls)} rows; all stand in report.xlsx." in text


def _append(path: Path, rows: list[dict[str, object]]) -> None:
    table = pq.read_table(path)
    blank = dict.fromkeys(table.schema.names)
    more = pa.Table.from_pylist([blank | row for row in rows], schema=table.schema)
    pq.write_table(pa.concat_tables([table, more]), path)


def test_shore_power_is_counted_well_to_wake_and_said_to_be(copy: Path) -> None:
    call = pq.read_table(copy / "calls.parquet").to_pylist()[0]
    key = {"call_id": call["call_id"], "mmsi": call["mmsi"], "mode": "berth"}
    shore = key | {"source": "shore_power", "pollutant": "co2e", "grams": 4.5e6, "basis": "wtw", "grade": "C"}
    _append(copy / "inventory.parquet", [shore])
    work = dict.fromkeys(("hours", "distance_nm", "main_kwh", "aux_kwh", "boiler_kwh"), 0.0) | {"shore_kwh": 9_000.0}
    _append(copy / "activity.parquet", [key | work | {"hour": call["first_seen"], "evidence": "zone"}])
    before, after = summarise(read_results(copy)), PageAudit(page(copy))
    assert "Shore power" not in after.text
    write_report(copy)
    audit = PageAudit(page(copy))
    assert audit.row("Shore power")[1:3] == ["9.00", "4.50"]
    assert "Electricity from shore is made elsewhere" in audit.text
    assert f"well-to-wake {number(before.wtw_g / 1e6)} t" in audit.text


def test_a_pollutant_with_factors_for_some_engines_only_is_marked_partial(copy: Path) -> None:
    call = pq.read_table(copy / "calls.parquet").to_pylist()[0]
    row = {"call_id": call["call_id"], "mmsi": call["mmsi"], "mode": "berth", "source": "main", "basis": "ttw"}
    _append(copy / "inventory.parquet", [row | {"pollutant": "bc", "grams": 1e6, "grade": "B"}])
    write_report(copy)
    found = PageAudit(page(copy)).row("Black carbon")
    assert found[2] == "1.00"
    assert "some engines" in found[-1]
    assert PageAudit(page(copy)).row("NOx")[-1] == ""
