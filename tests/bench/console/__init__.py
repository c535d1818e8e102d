"""What the console costs: first paint, look-ups, and many open streams, over a lake of many decisions."""
