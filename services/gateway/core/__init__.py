"""What the front door decides without touching anything: bodies, keys, rates, answers."""
