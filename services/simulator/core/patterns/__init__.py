"""Ways to steal, one file each, with their parameters."""
