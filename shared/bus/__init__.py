"""Records in and out of Kafka: ports, aiokafka and in-memory adapters, dead letters, the load protocol."""
