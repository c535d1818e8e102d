"""What the broker needs: its jars by lock file, its topics by the table of the contracts."""
