"""Relations between bounds."""


def holds(relation: bool, why: str) -> None:
    """Refuse to load a set of bounds that contradict each other (survives `python -O`).

    Raises: AssertionError naming the relation that is broken.
    """
    if not relation:
        raise AssertionError(f"config/limits: {why}")
