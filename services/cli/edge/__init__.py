"""What the command line touches: terminal, files, Kafka, the lake, the local stack."""
