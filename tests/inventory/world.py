"""A small made-up world for the tests of the main job: zones, tracks, particulars. Nothing here claims to be real."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from sealane.movement.zones import Zone, ZoneSet

START = datetime(2019, 12, 30, 12, tzinfo=UTC)
PORT = "USLAX"


def box(name: str, kind: str, west: float, south: float, east: float, north: float, **more: object) -> Zone:
    """A rectangular zone."""
    ring = ((west, south), (east, south), (east, north), (west, north), (west, south))
    return Zone(name, name, kind, more.pop("port", PORT), ((ring,),), "made up for a test", **more)  # type: ignore[arg-type]


def zones() -> ZoneSet:
    """A port with two berths, an anchorage and a speed zone inside an emission control area."""
    return ZoneSet(
        (
            box("berth 1", "berth", -118.21, 33.74, -118.20, 33.75),
            box("berth 2", "berth", -118.19, 33.74, -118.18, 33.75),
            box("anchorage A", "anchorage", -118.25, 33.68, -118.21, 33.71),
            box("limit", "port_limit", -118.35, 33.60, -118.10, 33.80),
            box("slow", "speed_zone", -118.60, 33.50, -118.30, 33.70),
            box(
                "control area",
                "eca",
                -119.50,
                33.00,
                -117.00,
                34.50,
                port=None,
                eca=True,
                nox_area="north_american",
            ),
        )
    )


def track(seed: int, hours: float = 60.0, *, start: datetime = START) -> pd.DataFrame:
    """A made-up track through the world: at sea, at anchor, at berth, with gaps, noise and changing draught.

    Columns time_us, lat, lon, sog_kn, status, draught_m; the year turns while the ship sails.
    """
    rng = np.random.default_rng(seed)
    spots = [
        (33.20, -120.30),
        (33.55, -118.90),
        (33.62, -118.45),
        (33.695, -118.23),
        (33.745, -118.205),
        (33.745, -118.185),
        (33.62, -118.40),
        (33.10, -120.80),
    ]
    t = int(start.timestamp() * 1e6)
    end = t + int(hours * 3.6e9)
    rows = []
    leg, along, resting = 0, 0.0, 0
    draught = 8.0 + rng.integers(0, 40) / 10
    speeds = rng.uniform(6, 21, len(spots))
    while t < end and leg < len(spots) - 1:
        (lat1, lon1), (lat2, lon2) = spots[leg], spots[leg + 1]
        lat, lon = lat1 + (lat2 - lat1) * along, lon1 + (lon2 - lon1) * along
        if resting:
            knots = float(rng.choice([0.0, 0.0, 0.0, 0.1, 0.2]))
            status = int(rng.choice([5 if leg in (4, 5) else 1, -1, 0], p=[0.7, 0.2, 0.1]))
            resting -= 1
        else:
            near = leg in (3, 4)
            knots = float(np.round((3.0 if near else speeds[leg]) + rng.normal(0, 0.3), 1))
            knots = max(knots, 1.2)
            status = int(rng.choice([0, -1], p=[0.8, 0.2]))
        rows.append((t, lat + rng.normal(0, 1e-5), lon + rng.normal(0, 1e-5), knots, status, draught))
        step = int(
            rng.choice([10, 60, 120, 180, 420, 900, 5000, 26_000], p=[0.3, 0.3, 0.15, 0.15, 0.05, 0.03, 0.015, 0.005])
        )
        t += step * 1_000_000 + int(rng.integers(0, 999))
        if not resting:
            miles = np.hypot((lat2 - lat1) * 60, (lon2 - lon1) * 60 * np.cos(np.radians(lat1)))
            along += knots * step / 3600 / max(miles, 1e-6)
            if along >= 1.0:
                along, leg = 0.0, leg + 1
                if leg in (3, 4, 5):
                    resting = int(rng.integers(40, 200))
                    draught = 8.0 + rng.integers(0, 40) / 10
    frame = pd.DataFrame(rows, columns=["time_us", "lat", "lon", "sog_kn", "status", "draught_m"])
    frame["sog_kn"] = frame["sog_kn"].round(1)
    return frame


def marinecadastre(tracks: dict[int, pd.DataFrame], ship: dict[str, object] | None = None) -> pd.DataFrame:
    """Tracks by MMSI as a table in MarineCadastre columns."""
    parts = []
    for mmsi, frame in tracks.items():
        when = pd.to_datetime(frame["time_us"], unit="us").dt.strftime("%Y-%m-%dT%H:%M:%S.%f")
        part = pd.DataFrame(
            {
                "MMSI": mmsi,
                "BaseDateTime": when,
                "LAT": frame["lat"],
                "LON": frame["lon"],
                "SOG": frame["sog_kn"],
                "COG": 90.0,
                "Heading": 90.0,
                "VesselName": f"TEST {mmsi}",
                "IMO": "",
                "CallSign": "",
                "VesselType": 70,
                "Status": frame["status"].where(frame["status"] >= 0, "").astype(str),
                "Length": 260,
                "Width": 32,
                "Draft": frame["draught_m"],
                "Cargo": 70,
                "TransceiverClass": "A",
            }
        )
        for name, value in (ship or {}).items():
            part[name] = value
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def write_positions(folder: Path, tracks: dict[int, pd.DataFrame], name: str = "positions.csv") -> Path:
    """Write tracks as a MarineCadastre CSV."""
    path = folder / name
    marinecadastre(tracks).to_csv(path, index=False)
    return path
