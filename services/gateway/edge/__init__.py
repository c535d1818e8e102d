"""Where the front door touches the outside: HTTP, Kafka, Redis, SQL."""
