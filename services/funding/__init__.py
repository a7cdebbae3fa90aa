"""Funding: programmes under a ceiling, applications, and the decisions on them; it guards the law of subsidies.

It owns `samenspel.funding`, and follows organisations and initiatives to know who applies for what.
"""
