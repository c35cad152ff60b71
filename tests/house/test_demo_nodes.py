"""The demonstration of three nodes runs as the README says, and shows what it promises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_three_nodes_share_withhold_explain_and_stop(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts" / "demo_nodes.py"), "--out", str(tmp_path / "nodes")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    shown = done.stdout
    assert done.returncode == 0, shown[-3000:] + done.stderr[-3000:]
    # Data flowed both ways, trimmed and withheld by clauses that every table calls a demonstration.
    assert "2 port_outside" in shown
    assert "7 SIMULATED" in shown
    assert "Taken out by los-angeles-yokohama-demonstration@1#los-angeles-milestones" in shown
    assert "demonstration terms, no port has agreed to them" in shown
    # One journey whole, the other with gaps; estimates side by side; faulty EDIFACT named by segment.
    assert "Sources differ by 4 h 00 min on vessel arrived, USLAX" in shown
    assert "no source here tells where it was loaded" in shown
    assert "message 2 (CODECO 2), segment 8 EQD" in shown
    # The withheld record is explained by the rule that decided.
    assert "[port_outside]" in shown
    # Retired is retired, and both logs tell the same.
    assert "Yokohama received nothing after the retirement" in shown
    assert "los-angeles-yokohama-demonstration/1: retired" in shown
    assert "both logs agree" in shown
    assert "no fault found" in shown
