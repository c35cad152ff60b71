"""Data products: what a port holds and can offer, each in its published standard, with a real store behind it."""
