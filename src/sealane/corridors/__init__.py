"""Corridors: lanes, rules, just-in-time arrival, scenarios and the least-cost plan."""
