"""Energy and emissions of a ship on a leg and in port, from its particulars and published formulas."""
