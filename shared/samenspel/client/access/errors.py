"""What a client needs around it and may not find: Kafka, a service, a profile."""


class EnvironmentUnavailable(RuntimeError):
    """Something we need does not answer or does not let us in; the text is one sentence that says what to do."""


class RequestRefused(RuntimeError):
    """The door did not take the request as a whole; the text is what the service said."""
