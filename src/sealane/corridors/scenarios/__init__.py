"""Scenarios of a corridor: given choices, what follows, and what the result depends on."""
