"""Every route of accounts, wired: signing in, second factors, and what a person has."""

from checkout.accounts import factor, http
from checkout.accounts.auth import Auth
from checkout.accounts.own import addresses, orders
from checkout.accounts.own import http as own
from checkout.accounts.own.erase import Eraser
from checkout.accounts.own.store import OwnStore
from checkout.accounts.passwords import Passwords
from checkout.accounts.sign_in import Limiter, SignIn
from checkout.accounts.store import AccountStore
from checkout.carts.carts import Carts
from checkout.carts.price import Pricing
from checkout.kit.cipher import Cipher
from checkout.kit.db import Pool
from checkout.kit.routes import Route


def account_routes(
    pool: Pool,
    auth: Auth,
    passwords: Passwords,
    limiter: Limiter,
    carts: Carts,
    prices: Pricing,
    *,
    secret: bytes,
    cipher: Cipher,
    shop_name: str,
) -> list[Route]:
    """The routes of `/v1/accounts`, `/v1/sessions`, `/v1/password-resets` and `/v1/me`."""
    accounts, owned = AccountStore(pool, cipher), OwnStore(pool, cipher)
    sign_in = SignIn(accounts, auth, passwords, limiter, secret=secret)
    return [
        *http.routes(accounts, auth, passwords, limiter, sign_in, secret=secret),
        *factor.routes(accounts, auth, passwords, sign_in, shop_name=shop_name),
        *own.routes(owned, auth, sign_in, Eraser(owned, carts)),
        *addresses.routes(owned, auth),
        *orders.routes(owned, auth, carts, prices),
    ]
