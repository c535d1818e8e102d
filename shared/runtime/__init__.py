"""What every process needs and no payment: settings, logs, clock, stopping, health, memory, kernel cache."""
