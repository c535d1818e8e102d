"""The monitor's pure work: counting, drift, and when an alert fires."""
