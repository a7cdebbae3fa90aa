"""Funding: programmes with a ceiling, applications and decisions, according to the law on subsidies (Awb title 4.2).

Owner of `samenspel.funding`. Follows organisations and initiatives, which applications refer to.
"""
