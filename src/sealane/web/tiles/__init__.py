"""Vector tiles made by the node: tracks, ships, heat map, calls, zones and land, and what the map is told of them."""
