"""What the replayer reads of the lake, keeps aside meanwhile, and says."""
