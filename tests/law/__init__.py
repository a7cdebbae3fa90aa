"""The law of lanes, in this process, on a real PostgreSQL: transactions that die, meet, wake up late or are misled.

Kafka is played by lists, so that a test can say what lies there. Read `rooms` for what the tests stand on.
"""
