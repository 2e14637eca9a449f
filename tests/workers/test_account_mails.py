"""Mails about accounts: who gets which, and the links in them."""

import re
import uuid
from email import message_from_bytes, policy

from checkout.accounts.passwords import hash_now
from checkout.accounts.store import AccountStore, add_account
from checkout.accounts.tokens import read_link_token
from checkout.kit.cipher import Cipher
from checkout.outbox.model import ACCOUNT_MAIL
from tests.workers.chain import Chain

_TOKEN = re.compile(r"/account/(\S+)#token=([\w-]+)")
DOCUMENT = {"password_hash": "x", "profile": {}, "consents": {}}


async def mails(chain: Chain) -> list[tuple[str, str]]:
    """(whom to, text) of every mail that the sandbox took."""
    await chain.sandbox.store.committed()
    found = []
    for row in chain.sandbox.store.mails(100):
        message = message_from_bytes(chain.sandbox.store.mail(row["id"]) or b"", policy=policy.default)
        text = message.get_body(("plain",))
        assert text is not None
        found.append((str(message["To"]), str(text.get_content())))
    return found


async def test_each_address_gets_what_its_reader_may_know(chain: Chain) -> None:
    """If this fails, a registration never ends, or a stranger is written to because somebody mistyped an address."""
    cipher = Cipher(chain.settings.personal_keys, chain.settings.personal_index_key)
    accounts = AccountStore(chain.pool, cipher)
    async with chain.pool.acquire() as connection:
        await add_account(
            connection, cipher, email="old@example.com", password_hash=hash_now("x"), role="customer"
        )
    fresh = await accounts.ask("registration", "new@example.com", DOCUMENT, ttl_s=60)
    again = await accounts.ask("registration", "Old@example.com", DOCUMENT, ttl_s=60)
    reset = await accounts.ask("password_reset", "old@example.com", {}, ttl_s=60)
    nobody = await accounts.ask("password_reset", "nobody@example.com", {}, ttl_s=60)
    changed = await accounts.ask("password_changed", "old@example.com", {}, ttl_s=60)
    late = await accounts.ask("registration", "late@example.com", DOCUMENT, ttl_s=-60)
    await chain.drain()
    sent = await mails(chain)
    secret = chain.settings.secret_key.encode()
    links = {}
    for to, text in sent:
        found = _TOKEN.search(text)
        if found:
            kind = {"verify": "registration", "new-password": "password_reset"}[found[1]]
            links[(to, kind)] = read_link_token(secret, kind, found[2])
    assert links == {
        ("new@example.com", "registration"): fresh,
        ("old@example.com", "password_reset"): reset,
    }
    assert sorted(to for to, _ in sent) == ["new@example.com"] + ["old@example.com"] * 3
    left = {
        row["id"]
        for row in await chain.pool.fetch("SELECT id FROM account_requests WHERE told_at IS NOT NULL")
    }
    assert left == {fresh, reset}
    gone = await chain.pool.fetchval(
        "SELECT count(*) FROM account_requests WHERE id = ANY ($1)", [again, nobody, changed]
    )
    assert gone == 0, "requests that nobody can finish stay"
    assert await accounts.register(late) is None
    assert await accounts.register(fresh) == 0


async def test_a_mail_that_was_sent_is_not_sent_again(chain: Chain) -> None:
    """If this fails, a worker that died after sending fills an inbox; if the mail server is away, the link never comes."""
    cipher = Cipher(chain.settings.personal_keys, chain.settings.personal_index_key)
    accounts = AccountStore(chain.pool, cipher)
    await chain.knobs(faults=[{"operation": "smtp.message", "kind": "error", "count": 1}])
    request = await accounts.ask("registration", "new@example.com", DOCUMENT, ttl_s=60)
    await chain.step(only=ACCOUNT_MAIL)
    assert await mails(chain) == []
    await chain.drain()
    assert len(await mails(chain)) == 1
    await chain.pool.execute("INSERT INTO outbox (topic, subject_id) VALUES ($1, $2)", ACCOUNT_MAIL, request)
    await chain.pool.execute(
        "INSERT INTO outbox (topic, subject_id) VALUES ($1, $2)", ACCOUNT_MAIL, uuid.uuid4()
    )
    await chain.drain()
    assert len(await mails(chain)) == 1
