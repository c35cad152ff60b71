"""The shipped real samples are what their README says."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from sealane.samples import README_FILE, SAMPLE_FILES, TEMPLATE_FILE, write_samples


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("samples") / "new" / "folder"
    written = write_samples(path)
    assert [p.name for p in written] == [*SAMPLE_FILES, README_FILE, TEMPLATE_FILE]
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_new_york_hour(folder: Path) -> None:
    hour = rows(folder / SAMPLE_FILES[0])
    assert len(hour) == 8689
    assert len({row["MMSI"] for row in hour}) == 295
    assert {row["BaseDateTime"][:13] for row in hour} == {"2020-06-30T00"}
    assert "TranscieverClass" in hour[0]


@pytest.mark.parametrize("name", SAMPLE_FILES[1:])
def test_trajectory_samples_have_no_speed(folder: Path, name: str) -> None:
    sample = rows(folder / name)
    assert len(sample) > 5000
    assert list(sample[0]) == ["track_id", "MMSI", "BaseDateTime", "LON", "LAT"]


def test_san_pedro_bay_has_37_craft(folder: Path) -> None:
    assert len({row["MMSI"] for row in rows(folder / SAMPLE_FILES[1])}) == 37


def test_readme_names_every_file_source_and_licence(folder: Path) -> None:
    text = (folder / README_FILE).read_text(encoding="utf-8")
    for word in (*SAMPLE_FILES, TEMPLATE_FILE, "public domain", "BSD-2-Clause", "MarineCadastre", "SIMULATED"):
        assert word in text


def test_writing_twice_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    for path in write_samples(tmp_path):
        assert path.read_bytes() == (folder / path.name).read_bytes()
