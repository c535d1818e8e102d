"""Numbers of the screens beside the same numbers by query over the lake."""
