"""The registry: organisations, initiatives, and rollouts with milestones.

Owner of `samenspel.organisations` and `samenspel.initiatives`. Follows no other service.
"""
