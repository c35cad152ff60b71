"""Every data product a node can hold, once. Clauses, offers, streams and the interfaces ask here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sealane.errors import InputError
from sealane.products import dcsa_port_call, dcsa_schedules, dcsa_track_and_trace, own_schemas
from sealane.products.dataset import Dataset

DATASETS: Final[Mapping[str, Dataset]] = MappingProxyType(
    {
        dataset.id: dataset
        for dataset in (
            dcsa_port_call.DATASET,
            dcsa_track_and_trace.DATASET,
            dcsa_schedules.DATASET,
            own_schemas.EMISSION_RESULTS,
            own_schemas.ENVIRONMENT_OBSERVATIONS,
            own_schemas.TRIAL_RESULTS,
            own_schemas.DOCUMENTS,
        )
    }
)


def dataset_named(dataset_id: str) -> Dataset:
    """Return a data product.

    Raises
    ------
    InputError
        If there is none of this id; names all there are.
    """
    found = DATASETS.get(dataset_id)
    if found is None:
        raise InputError(f"No data product is called {dataset_id!r}. There are: {', '.join(DATASETS)}.")
    return found
