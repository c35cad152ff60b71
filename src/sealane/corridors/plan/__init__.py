"""The least-cost plan of a corridor: ships, fuels, retrofits and bunkering that meet its target."""
