"""What load processes are told to do."""

from msgspec import Struct

LISTINGS = (
    "/v1/products?limit=20",
    "/v1/products?limit=20&sort=price&currency=EUR",
    "/v1/products?limit=40",
)


class Plan(Struct, frozen=True):
    """Units: seconds. Shape: the first `ramp_s` are not judged; SKUs and slugs with the most popular first."""

    url: str
    users: int
    ramp_s: float
    steady_s: float
    skus: list[str]
    slugs: list[str]
    seed: int = 1
    listings: tuple[str, ...] = LISTINGS
