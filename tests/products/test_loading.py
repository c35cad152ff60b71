"""Files become records: results of the port-call job, CSV, JSON, EDIFACT; a faulty file loads nothing."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.ports import port_call

from sealane.errors import FileFormatError, InputError
from sealane.products.loading import load_files
from sealane.samples.exchange import FAULTY, JOURNEY

NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
DAY = dt.datetime(2026, 1, 10, tzinfo=dt.UTC)


def results(folder: Path, *, name: str = "KING OF THE SEAS", truncated: str = "", shifts: int = 0) -> Path:
    """Write the tables of the port-call job with one call: anchored, berthed, gone."""
    folder.mkdir()
    call = {
        "call_id": "USLAX-278111222-x",
        "mmsi": 278111222,
        "imo": 9321483,
        "vessel_name": name,
        "port": "USLAX",
        "first_seen": DAY,
        "last_seen": DAY + dt.timedelta(hours=20),
        "shifts": shifts,
        "truncated": truncated,
        "confidence": 3,
    }
    times = {"arrival": 0, "anchorage_start": 0, "anchorage_end": 5, "shift": 5, "berth_start": 6, "berth_end": 19}
    events = [
        {
            "call_id": call["call_id"],
            "mmsi": call["mmsi"],
            "time": DAY + dt.timedelta(hours=hours),
            "event": event,
            "zone": "Berth 1" if "berth" in event else None,
        }
        for event, hours in times.items()
    ]
    inventory = [
        {
            "call_id": call["call_id"],
            "mmsi": 278111222,
            "mode": "berth",
            "source": "auxiliary",
            "zone": None,
            "pollutant": "co2",
            "grams": 12.5,
            "basis": "ttw",
            "grade": "B",
        }
    ]
    pq.write_table(pa.Table.from_pylist([call]), folder / "calls.parquet")
    pq.write_table(pa.Table.from_pylist(events), folder / "events.parquet")
    pq.write_table(pa.Table.from_pylist(inventory), folder / "inventory.parquet")
    provenance = {
        "port": "USLAX",
        "method": "epa-2022",
        "method_edition": "2022",
        "period": {"first_report": "2026-01-10T00:00:00+00:00", "last_report": "2026-01-11T00:00:00+00:00"},
    }
    (folder / "provenance.json").write_text(json.dumps(provenance), encoding="utf-8")
    return folder


def bodies(loaded: Any) -> list[dict[str, Any]]:
    assert loaded.faults == []
    return [json.loads(one.body) for one in loaded.prepared]


def test_port_calls_from_positions(tmp_path: Path) -> None:
    folder = results(tmp_path / "out")
    events = bodies(load_files("port-calls", [folder], NOW))
    told = [
        (e["portCallService"]["portCallServiceTypeCode"], e["portCallService"]["portCallServiceEventTypeCode"])
        for e in events
    ]
    assert told == [("ANCHORAGE", "STRT"), ("ANCHORAGE", "CMPL"), ("BERTH", "ARRI"), ("BERTH", "DEPA")]
    assert {e["portCall"]["portCallID"] for e in events} == {events[0]["portCall"]["portCallID"]}
    berth = [e["portCallService"]["portCallServiceID"] for e in events[2:]]
    assert berth[0] == berth[1] != events[0]["portCallService"]["portCallServiceID"]
    assert events[2]["timestamp"]["serviceDateTime"] == "2026-01-10T06:00:00Z"
    assert events[2]["vessel"] == {
        "vesselIMONumber": "9321483",
        "vesselMMSINumber": "278111222",
        "vesselName": "KING OF THE SEAS",
    }
    assert events[2]["portCallService"]["portCallPhaseTypeCode"] == "INBD"
    again = bodies(load_files("port-calls", [folder / "calls.parquet"], NOW + dt.timedelta(days=1)))
    assert again == events  # the same ids and times: loading again changes nothing


def test_what_positions_do_not_tell_is_left_out(tmp_path: Path) -> None:
    cut = bodies(load_files("port-calls", [results(tmp_path / "cut", truncated="start")], NOW))
    assert [e["portCallService"]["portCallServiceEventTypeCode"] for e in cut] == ["CMPL", "ARRI", "DEPA"]
    shifted = bodies(load_files("port-calls", [results(tmp_path / "shifted", shifts=1)], NOW))
    assert all("portCallPhaseTypeCode" not in e["portCallService"] for e in shifted)
    assert all("terminalCall" not in e for e in shifted)


def test_results_from_simulated_positions_are_marked(tmp_path: Path) -> None:
    assert set(load_files("port-calls", [results(tmp_path / "real")], NOW).simulated) == {False}
    assert set(load_files("port-calls", [results(tmp_path / "s", name="SIMULATED CARGO 01")], NOW).simulated) == {True}
    noted = results(tmp_path / "noted")
    (noted / "quality.json").write_text('{"notes": ["SIMULATED DATA: x.csv"]}', encoding="utf-8")
    assert set(load_files("emission-results", [noted], NOW).simulated) == {True}


def test_emission_results(tmp_path: Path) -> None:
    (row,) = bodies(load_files("emission-results", [results(tmp_path / "out")], NOW))
    assert row["mass_g"] == 12.5
    assert (row["port"], row["vessel_imo"], row["mode"], row["pollutant"]) == ("USLAX", "9321483", "berth", "co2")
    assert (row["period_start"], row["period_end"]) == ("2026-01-10T00:00:00Z", "2026-01-10T20:00:00Z")
    assert row["simulated"] is False


def test_a_folder_that_is_none_or_lacks_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"without calls\.parquet"):
        load_files("port-calls", [tmp_path], NOW)
    folder = results(tmp_path / "out")
    (folder / "events.parquet").unlink()
    with pytest.raises(FileFormatError, match=r"events\.parquet: is missing"):
        load_files("port-calls", [folder], NOW)
    pq.write_table(pa.table({"mmsi": [1]}), folder / "events.parquet")
    with pytest.raises(FileFormatError, match="has no column call_id, time, event, zone"):
        load_files("port-calls", [folder], NOW)
    (folder / "events.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(FileFormatError, match="is no Parquet file"):
        load_files("port-calls", [folder], NOW)
    with pytest.raises(InputError, match="no vessel-schedules"):
        load_files("vessel-schedules", [folder], NOW)


CSV = """event_time,event,container,unlocode,mode,booking,bill_of_lading
2026-10-19T21:45:00Z,GTOT,CSQU3054383,USLAX,TRUCK,BK1,BL1
2026-10-20T21:45:00Z,ARRI,APZU4812090,USCHI,RAIL,,
"""


def written(folder: Path, text: str | bytes, name: str = "f.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_milestones_from_csv(tmp_path: Path) -> None:
    first, second = bodies(load_files("container-milestones", [written(tmp_path, CSV)], NOW))
    assert first["eventClassification"]["equipmentEventTypeCode"] == "GTOT"
    assert first["shipmentDetails"]["additionalDocumentReferences"] == [{"typeCode": "TRD", "reference": "BL1"}]
    assert second["eventClassification"]["transportEventTypeCode"] == "ARRI"
    semicolons = written(tmp_path, "\ufeff" + CSV.replace(",", ";"), "g.csv")
    assert bodies(load_files("container-milestones", [semicolons], NOW)) == [first, second]


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("CSQU3054383", "CSQU3054384", "line 2, column container"),
        ("2026-10-19T21:45:00Z", "19.10.2026", "line 2, column event_time"),
        ("GTOT", "GONE", "line 2, column event"),
        ("USLAX", "LOS ANGELES", "line 2, column unlocode"),
        ("TRUCK", "LORRY", "line 2, column mode"),
        ("BK1,BL1", "BK1", "line 2"),
        ("2026-10-19T21:45:00Z", "", "line 2, column event_time"),
        ("container,", "box,", "line 1"),
        ("booking", "mode", "line 1"),
        ("TRUCK", '"TRUCK', "line"),
    ],
)
def test_faulty_csv_is_refused_by_line_and_column(tmp_path: Path, old: str, new: str, place: str) -> None:
    assert old in CSV
    loaded = load_files("container-milestones", [written(tmp_path, CSV.replace(old, new, 1))], NOW)
    assert any(place in fault.where for fault in loaded.faults), [str(fault) for fault in loaded.faults]


def test_json_in_its_forms(tmp_path: Path) -> None:
    events = [json.loads(port_call(1)), json.loads(port_call(2))]
    wrapped = written(tmp_path, json.dumps({"events": events}), "a.json")
    bare = written(tmp_path, json.dumps(events), "b.json")
    lines = written(tmp_path, "\n".join(json.dumps(event) for event in events) + "\n\n", "c.jsonl")
    for path in (wrapped, bare, lines):
        assert bodies(load_files("port-calls", [path], NOW)) == events
    broken = written(tmp_path, json.dumps([events[0], {**events[1], "eventID": 1}]), "d.json")
    (fault,) = load_files("port-calls", [broken], NOW).faults
    assert fault.where.endswith("d.json $[1].eventID")


def test_faults_of_a_schedule_name_the_place_in_the_file(tmp_path: Path) -> None:
    (schedule,) = [path for dataset, path in JOURNEY["JPNGO"] if dataset == "vessel-schedules"]
    content = json.loads(schedule.read_bytes())
    assert len(bodies(load_files("vessel-schedules", [schedule], NOW))) == 2
    content[0]["carrierServiceName"] = 7
    content[0]["vesselSchedules"][0]["transportCalls"][1]["location"]["UNLocationCode"] = "LA"
    loaded = load_files("vessel-schedules", [written(tmp_path, json.dumps(content), "s.json")], NOW)
    places = [fault.where.partition("s.json ")[2] for fault in loaded.faults]
    assert places == [
        "$[0].carrierServiceName",
        "$[0].vesselSchedules[0].transportCalls[1].location.UNLocationCode",
    ]


def test_faulty_edifact_messages_alone_are_left_out() -> None:
    (path,) = [path for path in FAULTY if path.name == "codeco_faulty_second_message.edi"]
    loaded = load_files("container-milestones", [path], NOW)
    assert (len(loaded.prepared), loaded.faults) == (1, [])
    assert len(loaded.refused) >= 10
    assert all(str(path) in fault.where for fault in loaded.refused)
    with pytest.raises(InputError, match="is EDIFACT"):
        load_files("port-calls", [path], NOW)
