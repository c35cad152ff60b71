"""Every table of the node's database, one module per subject."""

from sealane.database.tables import agreements, delivery, dsp, identity, ledger, node, products
from sealane.database.tables.base import metadata

__all__ = ["agreements", "delivery", "dsp", "identity", "ledger", "metadata", "node", "products"]
