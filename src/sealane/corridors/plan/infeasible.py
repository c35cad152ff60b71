"""Why no plan exists."""

from __future__ import annotations

from sealane.corridors.scenarios.model import ScenarioModel
from sealane.errors import DataError


def explain(model: ScenarioModel, *, whole_ships: bool = False) -> DataError:
    """Return the error."""
    return DataError(f"Scenario {model.id} has no plan.", [])
