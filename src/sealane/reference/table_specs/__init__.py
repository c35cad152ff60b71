"""Keys and units of the tables that corridors read, one module a subject; `sealane.reference.tables` lists them all."""
