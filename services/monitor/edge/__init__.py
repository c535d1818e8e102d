"""The monitor's outside: Kafka in, SQL tables, alerts and status out."""
