"""Load for the front door, at a constant rate whatever comes back: ``python -m tests.bench.front_door``."""
