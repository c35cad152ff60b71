"""Shipped real AIS samples, a vessels template, and the SIMULATED Los Angeles week."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

SAMPLE_FILES = (
    "ny_harbor_2020_06_30_first_hour.csv.gz",
    "la_lb_2020_06_30.csv.gz",
    "oakland_sf_2020_06_30.csv.gz",
    "hampton_roads_2020_06_04_06.csv.gz",
)
TEMPLATE_FILE = "vessels_template.csv"
README_FILE = "README.txt"

__all__ = ["README_FILE", "SAMPLE_FILES", "TEMPLATE_FILE", "write_samples"]


def write_samples(folder: Path | str) -> tuple[Path, ...]:
    """Write the real samples, their README and an empty vessels template.

    Parameters
    ----------
    folder : created where missing; files of the same names are replaced.

    Returns
    -------
    Paths of the files written, samples first.
    """
    from sealane.emissions.user_vessels import write_vessels_template

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    data = resources.files(__name__).joinpath("data")
    written = []
    for name in (*SAMPLE_FILES, README_FILE):
        path = folder / name
        path.write_bytes(data.joinpath(name).read_bytes())
        written.append(path)
    template = folder / TEMPLATE_FILE
    write_vessels_template(template)
    return (*written, template)
