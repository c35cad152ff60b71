"""Corridors: lanes, rules, arrival in time, scenarios and the least-cost plan."""
