"""Arriving when the berth is free: net savings, the queue replayed, slow zones near the port."""
