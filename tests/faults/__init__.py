"""Faults on purpose.

`kill` kills services at fail points and loses replies. `environment` kills or stops PostgreSQL and Kafka, fills disks
and moves clocks. `restore` restores backups. `storm` does all of these at random under load.
"""
