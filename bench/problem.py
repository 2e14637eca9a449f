"""The one error that a person can mend."""


class BenchError(Exception):
    """The benchmark cannot run; the sentence says what to do. Retry: after doing that."""
