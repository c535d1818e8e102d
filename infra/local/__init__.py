"""The whole stack on one machine without containers: Kafka, Redis and every service as child processes."""
