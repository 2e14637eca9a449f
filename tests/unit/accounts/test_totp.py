"""One-time codes against the numbers of RFC 6238 and RFC 4226."""

import base64

import pytest

from checkout.accounts import totp

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("at_s", "digits"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_the_rfc(at_s: int, digits: str) -> None:
    """If this fails, no authenticator app in the world shows the codes that we ask for (RFC 6238, appendix B)."""
    assert totp.code_at(SECRET, at_s // totp.STEP_S) == digits


@pytest.mark.parametrize(
    ("count", "digits"),
    list(enumerate(["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583"])),
)
def test_steps_are_those_of_hotp(count: int, digits: str) -> None:
    """If this fails, the truncation of RFC 4226 (appendix D) is wrong for some digests."""
    assert totp.code_at(SECRET, count) == digits


def test_a_clock_may_be_one_step_off_and_no_more() -> None:
    """If this fails, a telephone that is half a minute late is locked out, or old codes stay good."""
    now = 1_700_000_000
    step = now // totp.STEP_S
    for off in (-1, 0, 1):
        assert totp.step_of(SECRET, totp.code_at(SECRET, step + off), now_s=now) == step + off
    for off in (-2, 2):
        assert totp.step_of(SECRET, totp.code_at(SECRET, step + off), now_s=now) is None
    for wrong in ("", "12345", "1234567", "abcdef", "é" * 6, "１２３４５６"):
        assert totp.step_of(SECRET, wrong, now_s=now) is None, wrong


def test_an_app_can_read_what_it_is_given() -> None:
    """If this fails, the QR code is one that no app understands."""
    secret = totp.new_secret()
    assert len(secret) == 20
    shown = totp.shown(secret)
    assert base64.b32decode(shown + "=" * (-len(shown) % 8)) == secret
    text = totp.uri(secret, email="ada+x@example.com", shop_name="Demo & Shop")
    assert (
        text
        == f"otpauth://totp/Demo%20%26%20Shop:ada%2Bx@example.com?secret={shown}&issuer=Demo%20%26%20Shop"
    )


def test_recovery_codes_are_told_apart_and_read_as_people_type_them() -> None:
    """If this fails, a code copied in small letters is refused, or two are alike."""
    codes = totp.new_recovery_codes()
    assert len({totp.recovery_digest(code) for code in codes}) == totp.RECOVERY_CODES
    assert totp.recovery_digest(codes[0]) == totp.recovery_digest(codes[0].lower().replace("-", " "))
    assert all(len(code) <= 24 for code in codes), "the request takes no more"
