"""Recomputing decisions from bytes and logs: value in, value out."""
