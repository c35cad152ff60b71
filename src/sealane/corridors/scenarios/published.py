"""Published answers beside ours."""

from __future__ import annotations

import pyarrow as pa

from sealane.corridors.scenarios.model import STUDY_TABLES, ScenarioModel


def published_checks(model: ScenarioModel) -> pa.Table:
    """Table ``published_checks``; empty for a scenario that nothing published speaks of."""
    del model
    return STUDY_TABLES["published_checks"].empty_table()
