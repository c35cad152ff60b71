"""Cells of many batches, in any order, add up to what a dictionary of integers gives."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from sealane.emissions.layout import GRID_FIELDS
from sealane.inventory import outputs
from sealane.inventory.outputs import HeatMap


@pytest.mark.parametrize("least_merged", [0, 7, 100_000])
@pytest.mark.parametrize("turn", [1, -1])
def test_batches_add_up_in_any_order(monkeypatch: pytest.MonkeyPatch, least_merged: int, turn: int) -> None:
    monkeypatch.setattr(outputs, "_LEAST_MERGED", least_merged)
    rng = np.random.default_rng(3)
    batches = []
    for _ in range(30):
        cells = rng.choice(200, rng.integers(0, 40), replace=False).astype(np.int64)
        batches.append((cells, rng.integers(0, 1 << 40, (len(cells), GRID_FIELDS))))
    want: dict[int, np.ndarray] = defaultdict(lambda: np.zeros(GRID_FIELDS, np.int64))
    heat = HeatMap()
    for cells, sums in batches[::turn]:
        heat.add(cells, sums)
        for cell, own in zip(cells.tolist(), sums, strict=True):
            want[cell] += own
    heat.merge()
    assert heat.cells.tolist() == sorted(want)
    np.testing.assert_array_equal(heat.sums, [want[cell] for cell in sorted(want)])


def test_an_empty_heat_map_stays_empty() -> None:
    heat = HeatMap()
    heat.add(np.empty(0, np.int64), np.empty((0, GRID_FIELDS), np.int64))
    heat.merge()
    assert len(heat.cells) == 0
    assert heat.sums.shape == (0, GRID_FIELDS)
