"""Where the simulator touches the outside: Kafka, files, the command line."""
