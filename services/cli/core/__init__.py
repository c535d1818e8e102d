"""Pure work of the command line: files' rows to records, merging, comparing, formatting."""
