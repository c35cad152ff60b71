"""The pages of ports, over kept inventories and an index of each."""
