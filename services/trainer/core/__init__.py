"""Captures and labels in, a calibrated model with its numbers out. Pure."""
