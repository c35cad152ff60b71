"""Exchange with partner nodes: catalogue, negotiation, transfer, delivery, signatures and the ledger."""
