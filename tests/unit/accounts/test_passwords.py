"""What passwords people may choose, and what tokens and ended sessions are to one process."""

import asyncio
import time
import uuid
from collections.abc import Iterable

import pytest

from checkout.accounts import ended as ended_module
from checkout.accounts.auth import Auth
from checkout.accounts.ended import Ended
from checkout.accounts.model import consents
from checkout.accounts.passwords import weakness
from checkout.accounts.tokens import link_token, read_link_token, read_refresh_token, refresh_token
from checkout.errors import Unavailable
from config import limits

SECRET = b"a secret key of at least thirty-two characters"


@pytest.mark.parametrize(
    "password",
    [
        "password12", "Password123!", "1234567890", "9876543210", "qwertyuiop", "iloveyou123", "aaaaaaaaaa", "abcabcabcabc",
        "abcdefghijkl", "correcthorsebatterystaple", "ada.lovelace1815", "ada.lovelace@example.com", "nine char",
        "letmein2026", "    \t     ", "1212121212",
    ],
)  # fmt: skip
def test_what_is_tried_first_is_refused(password: str) -> None:
    """If this fails, the first page of any list of leaked passwords opens accounts."""
    assert weakness(password, email="ada.lovelace@example.com") is not None


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "vier Katzen im Schnee",
        "x7Kp2mQ9vL",
        "пароль из слов",
        "🐈🐕🐎🐄 four beasts",
    ],
)
def test_a_sentence_needs_no_digit(password: str) -> None:
    """If this fails, people are made to write Passw0rd! where a sentence would have been stronger (NIST SP 800-63B)."""
    assert weakness(password, email="ada.lovelace@example.com") is None


def test_tokens_open_what_they_were_made_for_alone() -> None:
    """If this fails, a link of one kind does what another kind is for, or a token of another shop is ours."""
    row = uuid.uuid4()
    token = link_token(SECRET, "registration", row)
    assert read_link_token(SECRET, "registration", token) == row
    assert read_link_token(SECRET, "password_reset", token) is None
    assert read_link_token(SECRET + b"x", "registration", token) is None
    assert read_refresh_token(SECRET, token) is None
    renewal = refresh_token(SECRET, row, 7)
    assert read_refresh_token(SECRET, renewal) == (row, 7)
    assert read_link_token(SECRET, "registration", renewal) is None
    for n in range(len(renewal)):
        changed = renewal[:n] + ("A" if renewal[n] != "A" else "B") + renewal[n + 1 :]
        found = read_refresh_token(SECRET, changed)
        assert found is None or (found == (row, 7) and n == len(renewal) - 1), n
    for text in ("", "=", "é", "A", "A" * 200, "\ud800", renewal + "AAAA"):
        assert read_refresh_token(SECRET, text) is None, text


async def test_an_ended_session_opens_nothing_until_its_tokens_are_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If this fails, signing out does nothing for a quarter of an hour, or a process remembers every sign-out for ever."""
    monkeypatch.setattr(limits, "ACCESS_TOKEN_TTL_S", 0.05)

    async def none() -> Iterable[uuid.UUID]:
        return ()

    ended = Ended(none)
    auth = Auth(SECRET, ended=ended)
    account, session = uuid.uuid4(), uuid.uuid4()
    token = auth.issue(account, "customer", session)
    known = auth.read(token)
    assert known is not None
    assert (known.account_id, known.session_id) == (account, session)
    ended.heard(str(session))
    ended.heard("no session's id")
    assert auth.read(token) is None
    assert auth.read(auth.issue(account, "customer", uuid.uuid4())) is not None
    time.sleep(0.06)  # noqa: ASYNC251 - the clock is the one that Ended reads
    for _ in range(3):
        ended.heard(str(uuid.uuid4()))
    assert len(ended) == 3


async def test_what_was_missed_is_read_until_it_could_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, a server whose database was away goes on with sessions that were ended meanwhile."""
    monkeypatch.setattr(ended_module, "_PAUSE_S", 0.01)
    session, asked = uuid.uuid4(), 0

    async def load() -> Iterable[uuid.UUID]:
        nonlocal asked
        asked += 1
        if asked < 4:
            raise Unavailable("away")
        return [session]

    ended = Ended(load)
    ended.missed()
    ended.missed()
    async with asyncio.timeout(2):
        while session not in ended:
            await asyncio.sleep(0.01)
    await ended.stop()


def test_a_consent_keeps_the_time_at_which_it_was_given() -> None:
    """If this fails, nobody can show when somebody agreed to be written to (GDPR, article 7)."""
    first = consents({}, {"sms": True, "marketing_email": None})
    assert set(first) == {"sms"}
    assert consents(first, {"sms": True, "marketing_email": False})["sms"] == first["sms"]
    withdrawn = consents(first, {"sms": False})
    assert withdrawn["sms"]["given"] is False
    assert withdrawn["sms"]["at"] >= first["sms"]["at"]
