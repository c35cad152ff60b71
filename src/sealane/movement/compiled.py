"""How the innermost loops are compiled."""

from __future__ import annotations

from numba import njit

# numba counts references to every array that a compiled function is handed, atomically, at every call; with a dozen
# arrays that takes longer than the work of one report. A function that only reads and writes what it is given needs
# no counting. The option turns numba's memory management off for it; one that allocates then fails to compile.
borrowing = njit(nogil=True, cache=True, _nrt=False)
