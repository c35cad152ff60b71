"""Every table of the node's database, one module per subject."""

from sealane.database.tables import (
    accounts,
    agreements,
    alerts,
    delivery,
    dsp,
    identity,
    ledger,
    node,
    products,
    results,
)
from sealane.database.tables.base import metadata

__all__ = [
    "accounts",
    "agreements",
    "alerts",
    "delivery",
    "dsp",
    "identity",
    "ledger",
    "metadata",
    "node",
    "products",
    "results",
]
