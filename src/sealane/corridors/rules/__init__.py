"""Regulations of shipping as dated data: one module per regulation."""
