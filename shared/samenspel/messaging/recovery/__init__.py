"""Recovery of a restored database from Kafka: missing events, states and answers, or else a new timeline."""
