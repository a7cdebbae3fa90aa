"""The registry: the truth about who takes part, which initiatives there are, and how far their rollouts have come.

It owns `samenspel.organisations` and `samenspel.initiatives`, and reads nothing of any other service.
"""
