"""The archiver's outside: Kafka in, Delta tables and status out."""
