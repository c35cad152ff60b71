"""Fuels and their pathways: heating value, well-to-tank, tank-to-wake, slip, pilot fuel, by edition."""
