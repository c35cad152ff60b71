"""Carbon intensity of the electricity that ships take from shore, port by port."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sealane.emissions.profiles import GRADES
from sealane.errors import MissingFactorError
from sealane.inventory.shore_power import grid_row

GIVEN = "given with --grid"


@dataclass(frozen=True)
class Electricity:
    """Electricity of one port's grid.

    Attributes
    ----------
    g_per_kwh : carbon intensity [g CO2e/kWh].
    grade : A to D; None for what the user gave.
    source, edition : who published it, or that the user gave it.
    zone : grid that the figure is of; None for what the user gave.
    """

    g_per_kwh: float
    grade: str | None
    source: str
    edition: str
    zone: str | None

    @property
    def grade_number(self) -> int:
        """0 for A to 3 for D, -1 without one."""
        return -1 if self.grade is None else list(GRADES).index(self.grade)


def electricity(ports: Iterable[str], given: Mapping[str, float]) -> dict[str, Electricity]:
    """Electricity of ports: what the user gave, else the row of table ``grid_carbon_intensity``.

    Parameters
    ----------
    ports : UN/LOCODEs.
    given : carbon intensity by UN/LOCODE [g CO2e/kWh]; goes before the table.

    Returns
    -------
    By UN/LOCODE; a port for which neither tells anything is not in it.
    """
    found = {}
    for code in ports:
        if code in given:
            found[code] = Electricity(given[code], None, GIVEN, "", None)
            continue
        try:
            row = grid_row(code)
        except MissingFactorError:
            continue
        found[code] = Electricity(row.value, row.grade, row.source, row.edition, row.text("name"))
    return found
