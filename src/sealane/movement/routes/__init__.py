"""Sea routes between ports: shortest way over water, its length, and the areas it crosses."""
