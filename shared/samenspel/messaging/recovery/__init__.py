"""Recovery: bring back from Kafka what a restored database has lost, or start a new timeline."""
