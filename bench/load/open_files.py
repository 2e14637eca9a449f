"""How many connections a load process may hold."""

import resource


def raise_file_limit() -> int:
    """Lets this process open as many files as the machine allows; gives how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
