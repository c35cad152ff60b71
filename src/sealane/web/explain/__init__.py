"""Derivations of the figures of inventories: sums divided again and again, down to the lines the kernel priced."""
