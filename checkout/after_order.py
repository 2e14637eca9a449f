"""What happens to an order after its answer, wired: for each topic of the outbox, the verb that does the work."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from checkout.accounts.mails.store import AccountMailStore
from checkout.accounts.mails.tell import tell_account
from checkout.accounts.tokens import link_token
from checkout.bulk import work as bulk_work
from checkout.bulk.store import BulkStore
from checkout.invoices.issue import Issuer
from checkout.invoices.model import Seller
from checkout.invoices.store import InvoiceStore
from checkout.kit.cipher import Cipher
from checkout.kit.db import Pool
from checkout.notifications.confirm import Sender, confirm
from checkout.notifications.smtp import SmtpSender
from checkout.notifications.store import NotificationStore
from checkout.outbox.model import (
    ACCOUNT_MAIL,
    ALLOCATE,
    BOOK,
    BULK,
    CAPTURE,
    CONFIRM,
    INVOICE,
    REFUND,
    TELL,
    VOID,
    WEBHOOK,
    Row,
)
from checkout.outbox.store import OutboxStore
from checkout.outbox.work import Verb
from checkout.payments.ask import Providers
from checkout.payments.capture import capture
from checkout.payments.providers.stripe import StripeProvider
from checkout.payments.refund import refund
from checkout.payments.store import PaymentStore
from checkout.payments.void import end_unpaid
from checkout.payments.webhooks import apply_webhook
from checkout.shipments.book import book
from checkout.shipments.store import ShipmentStore
from checkout.shipping.carriers.dhl import DhlCarrier
from checkout.shipping.carriers.protocol import Address, Carrier
from checkout.stock.set_aside import set_aside
from checkout.webhooks.post import Poster
from checkout.webhooks.send import send
from checkout.webhooks.store import WebhookStore
from config.settings import Settings


@dataclass(frozen=True, slots=True)
class Outside:
    """Who is asked outside of the shop."""

    providers: Providers
    carrier: Carrier
    sender: Sender
    poster: Poster


def order_link(settings: Settings, order_id: uuid.UUID) -> str:
    """Where a shopper follows an order."""
    return f"{settings.public_url}/orders/{order_id}"


def account_link(settings: Settings, kind: str, request_id: uuid.UUID) -> str:
    """Where a person finishes what they asked for by mail. The token stands behind #: no server logs it."""
    page = {"registration": "verify", "password_reset": "new-password"}[kind]
    token = link_token(settings.secret_key.encode(), kind, request_id)
    return f"{settings.public_url}/account/{page}#token={token}"


def verbs(settings: Settings, pool: Pool, outside: Outside) -> Mapping[str, Verb]:
    """The verb of each topic, over this pool and these providers."""
    cipher = Cipher(settings.personal_keys, settings.personal_index_key)
    payments, outbox = PaymentStore(pool, cipher), OutboxStore(pool)
    shipments, told = ShipmentStore(pool, cipher), NotificationStore(pool, cipher)
    jobs = BulkStore(pool)
    issuer = Issuer(InvoiceStore(pool, cipher), seller_of(settings))
    sender, account_mails = sender_address(settings), AccountMailStore(pool, cipher)

    def link(order_id: uuid.UUID) -> str:
        return order_link(settings, order_id)

    async def captures(row: Row) -> None:
        await capture(row, store=payments, providers=outside.providers, return_url=link)

    async def voids(row: Row) -> None:
        await end_unpaid(row, store=payments, providers=outside.providers)

    async def refunds(row: Row) -> None:
        await refund(row, store=payments, providers=outside.providers, outbox=outbox)

    async def webhooks(row: Row) -> None:
        await apply_webhook(row, store=payments, providers=outside.providers)

    async def books(row: Row) -> None:
        await book(row, store=shipments, carrier=outside.carrier, sender=sender)

    async def confirms(row: Row) -> None:
        await confirm(row, store=told, sender=outside.sender, shop_name=settings.shop_name, link_of=link)

    async def bulk(row: Row) -> None:
        await bulk_work.work(row, store=jobs, outbox=outbox)

    async def account_mail(row: Row) -> None:
        await tell_account(
            row,
            store=account_mails,
            sender=outside.sender,
            shop_name=settings.shop_name,
            link_of=lambda kind, request_id: account_link(settings, kind, request_id),
        )

    hooks, key = WebhookStore(pool), settings.secret_key.encode()

    async def allocates(row: Row) -> None:
        await set_aside(row, pool=pool, cipher=cipher)

    async def tells(row: Row) -> None:
        await send(row, store=hooks, poster=outside.poster, key=key)

    return {
        CAPTURE: captures,
        VOID: voids,
        REFUND: refunds,
        WEBHOOK: webhooks,
        TELL: tells,
        ALLOCATE: allocates,
        INVOICE: issuer.issue,
        BOOK: books,
        CONFIRM: confirms,
        ACCOUNT_MAIL: account_mail,
        BULK: bulk,
    }


def make_outside(settings: Settings) -> Outside:
    """The providers, the carrier and the mail sender of these settings."""
    return Outside(
        providers={
            "stripe": StripeProvider(
                api_key=settings.stripe_api_key,
                webhook_secrets=settings.stripe_webhook_secrets,
                api_base=settings.stripe_api_base,
            )
        },
        carrier=DhlCarrier(
            api_base=settings.dhl_api_base,
            api_key=settings.dhl_api_key,
            api_secret=settings.dhl_api_secret,
            account=settings.dhl_account,
            webhook_secrets=settings.dhl_webhook_secrets,
        ),
        sender=SmtpSender(
            host=settings.smtp_host,
            port=settings.smtp_port,
            mail_from=settings.mail_from,
            username=settings.smtp_username,
            password=settings.smtp_password,
            starttls=settings.smtp_starttls,
        ),
        poster=Poster(public_only=settings.in_production),
    )


async def close_outside(outside: Outside) -> None:
    """Closes their connections."""
    for provider in outside.providers.values():
        await provider.close()
    await outside.carrier.close()
    await outside.poster.close()
    close = getattr(outside.sender, "close", None)
    if close is not None:
        await close()


def seller_of(settings: Settings) -> Seller:
    """The shop as its invoices print it."""
    return Seller(
        name=settings.shop_name,
        address=settings.shop_address,
        postal_code=settings.shop_postal_code,
        city=settings.shop_city,
        country=settings.shop_country,
        email=settings.shop_email,
        phone=settings.shop_phone,
        tax_id=settings.shop_tax_id,
    )


def sender_address(settings: Settings) -> Address:
    """The shop as a carrier collects from it."""
    return Address(
        name=settings.shop_name,
        company=settings.shop_name,
        line1=settings.shop_address,
        postal_code=settings.shop_postal_code,
        city=settings.shop_city,
        country=settings.shop_country,
        phone=settings.shop_phone,
        email=settings.shop_email,
    )
