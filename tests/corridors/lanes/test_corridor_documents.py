"""Corridor documents: the five shipped ones, and every fault with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from sealane.corridors.lanes.document import corridor_ids, parse_corridor, read_corridor
from sealane.errors import DataError

SOUND = """\
id: a-b
title: "A - B"
status: announced
ends:
  a: {name: A, ports: [USLAX]}
  b: {name: B, ports: [CNSHA]}
ship_classes: [container]
period: {from: 2025-01-01, to: 2026-12-31}
attribution: cargo
longest_pass_days: 90
baseline_year: 2025
targets:
  - {id: cut, year: 2030, metric: wtw_t, reduction_pct: 30, source: paper}
  - {id: cap, year: 2028, metric: wtw_g_per_mj, value: 80, source: paper}
sources:
  paper: {title: "A paper", grade: B}
"""


def faults_of(text: str) -> list[str]:
    with pytest.raises(DataError) as caught:
        parse_corridor(text.encode(), "x.yaml")
    return [f"{fault.where}: {fault.found}" for fault in caught.value.faults]


def test_a_sound_document_is_read() -> None:
    found = parse_corridor(SOUND.encode(), "x.yaml")
    assert found.ship_classes == ("Container Ship",)
    assert [t.id for t in found.targets] == ["cap", "cut"]
    assert found.until is not None and found.until.isoformat() == "2027-01-01T00:00:00+00:00"
    assert found.end_of() == {"USLAX": 1, "CNSHA": 2, "CNSGH": 2}, "a second code of the same port belongs to its end"


def test_the_five_shipped_documents_state_facts_with_sources_and_make_no_target_up() -> None:
    assert corridor_ids() == ("la-lb-shanghai", "la-nagoya", "la-tokyo", "la-yokohama", "singapore-la-lb")
    for ident in corridor_ids():
        found = read_corridor(ident)
        assert found.id == ident
        assert found.targets == ()
        assert found.baseline_year is None
        named = {item.source for item in (*found.partners, *found.goals, *found.facts)}
        assert named == set(found.sources), "every source is used, every fact has one"


def test_an_unknown_id_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="la-lb-shanghai"):
        read_corridor("la-atlantis")
    path = tmp_path / "mine.yaml"
    path.write_text(SOUND)
    assert read_corridor(path).id == "a-b"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("id: a-b", "id: A b", "x.yaml line 1, id: 'A b'"),
        ("status: announced", "status: dreamt", "x.yaml line 3, status: 'dreamt'"),
        ("ports: [CNSHA]", "ports: [CNSHA, ZZZZZ]", "x.yaml line 6, ends.b.ports: 'ZZZZZ' is no known UN/LOCODE"),
        ("ports: [CNSHA]", "ports: [USLAX]", "x.yaml line 6, ends.b: USLAX at both ends"),
        ("ports: [CNSHA]", "ports: []", "x.yaml line 6, ends.b.ports: no port"),
        ("[container]", "[zeppelin]", "x.yaml line 7, ship_classes: 'zeppelin'"),
        ("to: 2026-12-31", "to: 2024-12-31", "x.yaml line 8, period.to: lies before from"),
        ("to: 2026-12-31", "to: 2026-02-30", "x.yaml line 8, period.to: '2026-02-30'"),
        ("attribution: cargo", "attribution: fair", "x.yaml line 9, attribution: 'fair'"),
        ("longest_pass_days: 90", "longest_pass_days: 0", "x.yaml line 10, longest_pass_days: 0"),
        ("baseline_year: 2025", "baseline_year: 2025.5", "x.yaml line 11, baseline_year: a number stands here"),
        ("baseline_year: 2025\n", "", "x.yaml line 12, targets[0].reduction_pct: no baseline year"),
        ("value: 80", "value: 80, reduction_pct: 3", "targets[1].value: value and reduction_pct, or neither"),
        ("source: paper}\n  - {id: cap", "source: gossip}\n  - {id: cap", "targets[0].source: 'gossip'"),
        ("id: cap", "id: cut", "x.yaml line 12, targets: an id twice"),
        ("grade: B", "grade: E", "x.yaml line 16, sources.paper.grade: 'E'"),
        ('title: "A - B"', 'title: "A - B"\ntitel: x', "x.yaml line 3, titel: unknown key"),
        ('title: "A - B"', 'title: "A - B"\nid: c', "x.yaml line 3, id: is given twice"),
        ("sources:", "notes: &x [a]\nfacts: *x\nsources:", "x.yaml line 16: an alias (*name)"),
    ],
)
def test_a_fault_is_named_with_its_line(old: str, new: str, expected: str) -> None:
    assert old in SOUND
    assert any(fault.startswith(expected) or expected in fault for fault in faults_of(SOUND.replace(old, new, 1)))


def test_all_faults_come_at_once() -> None:
    text = SOUND.replace("announced", "dreamt").replace("container", "zeppelin").replace("grade: B", "grade: E")
    assert len(faults_of(text)) == 3


def test_broken_yaml_is_the_only_fault() -> None:
    (fault,) = faults_of(SOUND.replace("id: a-b", "id: ["))
    assert fault.startswith("x.yaml line ")
