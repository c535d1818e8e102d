"""What may stand on a topic: records, their bounds, their bytes, the topic table. Pure."""
