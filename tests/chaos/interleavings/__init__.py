"""A model of the law as it is built, and a search through everything that can happen to it.

`search` walks all interleavings, breadth first; `lane` is the model of one lane: writer, two relays, Kafka, two
consumers; `test_lane` says that the law holds in every reachable state, and that each of its rules is needed.
"""
