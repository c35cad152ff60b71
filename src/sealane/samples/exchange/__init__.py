"""One SIMULATED journey of three containers from Nagoya to Los Angeles, as the files two ports would load."""

from __future__ import annotations

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
# UN/LOCODE of the port that loads them -> (data product, file), in the order of the journey.
JOURNEY: Final = {
    "JPNGO": (
        ("vessel-schedules", FOLDER / "nagoya" / "schedule.json"),
        ("container-milestones", FOLDER / "nagoya" / "codeco_gate_in.edi"),
        ("container-milestones", FOLDER / "nagoya" / "coarri_loaded.edi"),
        ("port-calls", FOLDER / "nagoya" / "port_calls.json"),
    ),
    "USLAX": (
        ("port-calls", FOLDER / "los_angeles" / "port_calls.json"),
        ("container-milestones", FOLDER / "los_angeles" / "coarri_discharged.edi"),
        ("container-milestones", FOLDER / "los_angeles" / "codeco_gate_out.edi"),
        ("container-milestones", FOLDER / "los_angeles" / "iftsta_rail.edi"),
        ("container-milestones", FOLDER / "los_angeles" / "milestones.csv"),
    ),
}
# Container, and how it leaves Los Angeles.
CONTAINERS: Final = {"SIMU1000012": "rail", "SIMU1000028": "drayage", "SIMU1000033": "waits for pick-up"}
FAULTY: Final = tuple(sorted((FOLDER / "faulty").glob("*.edi")))
