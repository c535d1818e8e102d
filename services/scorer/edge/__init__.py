"""Where the scorer touches the outside: Kafka, Redis, releases, health."""
