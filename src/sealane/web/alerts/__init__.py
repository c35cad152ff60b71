"""What needs attention: rules that look for it, rows that keep it, and the ways people are told."""
