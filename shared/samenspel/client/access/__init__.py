"""Access to a Samenspel system: profile, Kafka connection, tokens, errors."""
