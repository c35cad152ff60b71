"""The exchange page: partners, negotiations, transfers, streams, the log, and what an operator can do about them."""
