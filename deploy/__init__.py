"""Deployments: on one machine without Docker (`local`), on one machine with Docker (`compose`), and the demo."""
