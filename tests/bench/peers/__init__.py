"""Peers: how the same job is done elsewhere, kept as simple as their documentation has it."""
