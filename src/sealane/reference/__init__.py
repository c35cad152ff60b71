"""Published numbers with their provenance: one loader, no number in code.

>>> from sealane.reference import load_table
>>> load_table("ogv_bsfc").row("propulsion", "SSD", "MGO/MDO").value
185.0
"""

from sealane.reference.loader import FactorRow, Table, TableSpec, load_spec, read_table
from sealane.reference.tables import list_factors, load_table, table_names

__all__ = [
    "FactorRow",
    "Table",
    "TableSpec",
    "list_factors",
    "load_spec",
    "load_table",
    "read_table",
    "table_names",
]
