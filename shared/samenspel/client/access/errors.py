"""Errors of the client's environment and of requests."""


class EnvironmentUnavailable(RuntimeError):
    """Kafka or a service is unreachable or refuses access. The text is one sentence with the remedy."""


class RequestRefused(RuntimeError):
    """The service refused the whole request. The text is the reason of the service."""
