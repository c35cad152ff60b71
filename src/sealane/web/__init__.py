"""The pages of a node and the interface they stand on: one reading, two faces (docs/decisions/0007)."""
