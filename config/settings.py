"""The settings: typed, frozen, built once, passed. The only reader of the environment.

Each is an environment variable `CHECKOUT_<NAME IN CAPITALS>`; `checkout settings` lists them. An unknown
`CHECKOUT_` name or a bad value stops the start, all problems at once, each with what mends it.
"""

import difflib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import msgspec

from config import limits, production
from config.reading import DEFAULT_RATES, Doc, RateLimit, key, keys, parse, shown
from config.secret import derived, kept_secret
from config.tls import with_authority

__all__ = ["PREFIX", "RateLimit", "Row", "Settings", "SettingsError", "describe", "load", "read"]

PREFIX = "CHECKOUT_"


class SettingsError(Exception):
    """The settings do not make sense; `problems` holds one sentence each.

    Retry: only after the settings were changed.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that an operator may choose. Built by `load`, which fills what depends on other settings.

    Shape: texts that are not set are empty; `data_dir` is absolute; store URLs stay empty while embedded.
    """

    env: Annotated[
        Literal["development", "test", "production"],
        Doc(
            help="production refuses stand-ins, defaults and plain HTTP",
            choices=("development", "test", "production"),
        ),
    ] = "development"
    host: Annotated[str, Doc(help="address that serve listens on")] = "127.0.0.1"
    port: Annotated[int, Doc(help="port that serve listens on", kind="number", low=0, high=65535)] = 8080
    processes: Annotated[
        int,
        Doc(
            help="serve processes of this node",
            kind="number",
            low=1,
            high=limits.PROCESSES_MAX,
            default_text="one per core",
        ),
    ] = 1
    work_processes: Annotated[
        int, Doc(help="worker processes", kind="number", low=1, high=limits.WORK_PROCESSES_MAX)
    ] = 1
    work_threads: Annotated[
        int, Doc(help="messages at once per worker", kind="number", low=1, high=limits.WORK_THREADS_MAX)
    ] = 8
    public_url: Annotated[
        str,
        Doc(help="address that shoppers use, for links", kind="http", default_text="http://HOST:PORT"),
    ] = ""
    trusted_proxies: Annotated[
        tuple[str, ...],
        Doc(help="networks of the proxies whose X-Forwarded-For counts", kind="networks"),
    ] = ()
    data_dir: Annotated[Path, Doc(help="folder of everything kept on this machine", kind="text")] = Path(
        ".data"
    )

    database_url: Annotated[
        str, Doc(help="Postgres 15 or newer; embedded when not set", kind="postgres", secret=True)
    ] = ""
    replica_url: Annotated[
        str, Doc(help="a read replica of Postgres, for reads that may lag", kind="postgres", secret=True)
    ] = ""
    gate_url: Annotated[
        str, Doc(help="Redis 7 or Valkey 8 for the gate; embedded when not set", kind="redis", secret=True)
    ] = ""
    broker_url: Annotated[
        str, Doc(help="Redis or Valkey for the job queues; embedded when not set", kind="redis", secret=True)
    ] = ""

    stores_ca: Annotated[
        str,
        Doc(
            help="file of who signs the stores' certificates (sslmode=verify-full, rediss://)",
            default_text="the system's",
        ),
    ] = ""
    stores_plain: Annotated[
        bool, Doc(help="allow stores on other machines in the clear, in production", kind="switch")
    ] = False

    secret_key: Annotated[
        str,
        Doc(
            help="signs tokens; at least 32 random characters",
            secret=True,
            default_text="made once, kept in DATA_DIR/secret_key",
        ),
    ] = ""
    pii_keys: Annotated[
        str,
        Doc(
            help="keys that seal personal data, NUMBER:BASE64 comma separated; the first seals, all open",
            kind="keys",
            secret=True,
            default_text="made of SECRET_KEY, under number 0",
        ),
    ] = ""
    pii_index_key: Annotated[
        str,
        Doc(
            help="32 bytes in base64, by which addresses are found; must never change",
            kind="key",
            secret=True,
            default_text="made of SECRET_KEY",
        ),
    ] = ""
    admin_email: Annotated[str, Doc(help="the admin made on first start", kind="email")] = "admin@example.com"
    admin_password: Annotated[
        str,
        Doc(help="that admin's password", secret=True, default_text="made and printed on first start"),
    ] = ""

    stripe_api_base: Annotated[
        str, Doc(help="address of Stripe's API", kind="http", default_text="the sandbox")
    ] = ""
    stripe_api_key: Annotated[str, Doc(help="Stripe secret key", secret=True)] = ""
    stripe_webhook_secret: Annotated[
        str,
        Doc(help="signing secrets of Stripe's webhooks, newest first, comma separated", secret=True),
    ] = ""
    dhl_api_base: Annotated[
        str,
        Doc(help="address of MyDHL API, with its path", kind="http", default_text="the sandbox"),
    ] = ""
    dhl_api_key: Annotated[str, Doc(help="MyDHL API user", secret=True)] = ""
    dhl_api_secret: Annotated[str, Doc(help="MyDHL API password", secret=True)] = ""
    dhl_account: Annotated[str, Doc(help="DHL Express account number")] = ""
    dhl_webhook_secret: Annotated[
        str, Doc(help="secrets of DHL's tracking pushes, newest first, comma separated", secret=True)
    ] = ""

    smtp_host: Annotated[str, Doc(help="mail server", default_text="the sandbox's sink")] = ""
    smtp_port: Annotated[
        int,
        Doc(
            help="its port",
            kind="number",
            low=1,
            high=65535,
            default_text="SANDBOX_PORT + 1; 587 in production",
        ),
    ] = 0
    smtp_username: Annotated[str, Doc(help="mail account")] = ""
    smtp_password: Annotated[str, Doc(help="its password", secret=True)] = ""
    smtp_starttls: Annotated[bool, Doc(help="encrypt the connection to the mail server", kind="switch")] = (
        False
    )
    mail_from: Annotated[str, Doc(help="sender of every mail", kind="email")] = "Demo Shop <shop@example.com>"

    cdn_url: Annotated[
        str,
        Doc(
            help="address that pictures are shown from; {path}, {url} and {width} in it are filled in",
            kind="http",
        ),
    ] = ""
    s3_endpoint: Annotated[
        str, Doc(help="S3-compatible store that takes uploaded pictures; none when not set", kind="http")
    ] = ""
    s3_bucket: Annotated[str, Doc(help="its bucket")] = ""
    s3_region: Annotated[str, Doc(help="its region")] = "us-east-1"
    s3_access_key: Annotated[str, Doc(help="access key that may put objects there", secret=True)] = ""
    s3_secret_key: Annotated[str, Doc(help="its secret", secret=True)] = ""
    s3_public_url: Annotated[
        str,
        Doc(
            help="address that uploaded pictures are read from",
            kind="http",
            default_text="S3_ENDPOINT/S3_BUCKET",
        ),
    ] = ""

    rate_limits: Annotated[
        Mapping[str, RateLimit],
        Doc(
            help="JSON object: policy to rate per client; what it leaves out keeps its default", kind="rates"
        ),
    ] = msgspec.field(default_factory=lambda: dict(DEFAULT_RATES))
    hold_ttl_s: Annotated[
        int,
        Doc(
            help="how long a cart's hold lasts",
            kind="number",
            unit="s",
            low=limits.HOLD_TTL_MIN_S,
            high=limits.HOLD_TTL_MAX_S,
        ),
    ] = limits.HOLD_TTL_S
    payment_window_s: Annotated[
        int,
        Doc(
            help="how long an order may stay unpaid",
            kind="number",
            unit="s",
            low=limits.PAYMENT_WINDOW_MIN_S,
            high=limits.PAYMENT_WINDOW_MAX_S,
        ),
    ] = limits.PAYMENT_WINDOW_S

    log_format: Annotated[
        str,
        Doc(
            help="console or json",
            choices=("console", "json"),
            default_text="console; json in production",
        ),
    ] = ""
    log_level: Annotated[
        str, Doc(help="least level logged", choices=("debug", "info", "warning", "error"))
    ] = "info"
    access_log: Annotated[
        bool, Doc(help="log every request (costs a quarter of the speed)", kind="switch")
    ] = False
    sandbox_port: Annotated[
        int, Doc(help="port of the sandbox; its mail sink is one above", kind="number", low=0, high=65534)
    ] = 8090

    crash_at: Annotated[
        str,
        Doc(help="tests only: kill a process at this crash point (checkout/kit/crash.py), name or name:n"),
    ] = ""

    shop_name: Annotated[str, Doc(help="on invoices, labels and mails")] = "Demo Shop"
    shop_address: Annotated[str, Doc(help="street and number")] = "Example Street 1"
    shop_city: Annotated[str, Doc(help="city")] = "Berlin"
    shop_postal_code: Annotated[str, Doc(help="postal code")] = "10115"
    shop_country: Annotated[str, Doc(help="country that orders ship from", kind="country")] = "DE"
    shop_phone: Annotated[str, Doc(help="telephone, for carriers")] = "+49 30 0000000"
    shop_email: Annotated[str, Doc(help="address for shoppers' questions", kind="email")] = "shop@example.com"
    shop_tax_id: Annotated[str, Doc(help="tax number printed on invoices")] = ""

    @property
    def in_production(self) -> bool:
        """Whether stand-ins, demo data and defaults are refused."""
        return self.env == "production"

    @property
    def sandbox_url(self) -> str:
        """Address of the loopback stand-ins."""
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def uses_sandbox(self) -> bool:
        """Whether any provider is the loopback stand-in, so that `up` must start it."""
        mail = self.smtp_host == "127.0.0.1" and self.smtp_port == self.sandbox_port + 1
        return mail or any(
            base.startswith(self.sandbox_url) for base in (self.stripe_api_base, self.dhl_api_base)
        )

    @property
    def personal_keys(self) -> tuple[tuple[int, bytes], ...]:
        """Keys of personal data by number, the one that seals first; outside production also that of the secret key."""
        given = keys(self.pii_keys) if self.pii_keys else ()
        return given if self.in_production else (*given, (0, derived(self.secret_key, b"pii-key")))

    @property
    def personal_index_key(self) -> bytes:
        """The key of the index by which addresses are found."""
        return key(self.pii_index_key) if self.pii_index_key else derived(self.secret_key, b"pii-index-key")

    @property
    def stripe_webhook_secrets(self) -> tuple[str, ...]:
        """Accepted signing secrets of Stripe's webhooks, newest first."""
        return _split(self.stripe_webhook_secret)

    @property
    def dhl_webhook_secrets(self) -> tuple[str, ...]:
        """Accepted secrets of DHL's tracking pushes, newest first."""
        return _split(self.dhl_webhook_secret)


class Row(msgspec.Struct, frozen=True):
    """One line of `checkout settings`; a secret's value is masked."""

    name: str
    value: str
    default: str
    unit: str
    help: str


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _docs() -> dict[str, Doc]:
    hints = get_type_hints(Settings, include_extras=True)
    return {name: hints[name].__metadata__[0] for name in Settings.__struct_fields__}


DOCS: Mapping[str, Doc] = _docs()


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Build the settings from the environment (or from a mapping, in tests).

    Raises: SettingsError with every problem found, each a sentence that names the setting.
    Cost: reads, and on the first start of a data folder writes, its secret key.
    """
    settings, problems = read(environ)
    if problems:
        raise SettingsError(problems)
    return settings


def read(environ: Mapping[str, str] | None = None) -> tuple[Settings, tuple[str, ...]]:
    """Build the settings and say what is wrong with them; a setting with a problem keeps its default."""
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name, text in sorted(environ.items()):
        if not name.startswith(PREFIX):
            continue
        field = name.removeprefix(PREFIX).lower()
        doc = DOCS.get(field)
        if doc is None or name != name.upper():
            problems.append(_unknown(name))
        elif text.strip():
            try:
                values[field] = parse(doc, text)
            except ValueError as error:
                given = "the value given" if doc.secret else repr(text)
                problems.append(f"{name}: {given} is not accepted; expected {error}.")
    settings = _complete(values, problems)
    if settings.in_production:
        problems += production.refusals(settings, set(values))
    if settings.stores_ca and not Path(settings.stores_ca).is_file():
        problems.append(f"CHECKOUT_STORES_CA: there is no file {settings.stores_ca}.")
    return settings, tuple(problems)


def describe(settings: Settings) -> list[Row]:
    """List every setting for people, in the order of the class; secrets are masked."""
    rows = []
    defaults = Settings()
    for name, doc in DOCS.items():
        value = shown(getattr(settings, name))
        if doc.secret and value:
            value = "********"
        default = doc.default_text or shown(getattr(defaults, name))
        rows.append(Row(PREFIX + name.upper(), value, default, doc.unit, doc.help))
    return rows


def _unknown(name: str) -> str:
    known = [PREFIX + field.upper() for field in DOCS]
    near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.0)
    return f"{name}: no such setting; did you mean {near[0]}? (`checkout settings` lists them all.)"


def _complete(values: dict[str, Any], problems: list[str]) -> Settings:
    """Fill what depends on other settings: addresses of the stand-ins, the secret key, absolute paths."""
    values = dict(values)
    values["data_dir"] = Path(values.get("data_dir", ".data")).expanduser().absolute()
    values.setdefault("processes", min(len(os.sched_getaffinity(0)), limits.PROCESSES_MAX))
    plain = Settings(**values)
    if plain.in_production:
        values.setdefault("log_format", "json")
        values.setdefault("stripe_api_base", "https://api.stripe.com")
        values.setdefault("dhl_api_base", "https://express.api.dhl.com/mydhlapi")
        values.setdefault("smtp_port", 587)
        values.setdefault("smtp_starttls", True)
    else:
        values.setdefault("log_format", "console")
        for name, value in production.stand_ins(plain.sandbox_port).items():
            values.setdefault(name, value)
        if "secret_key" not in values:
            values["secret_key"] = kept_secret(plain.data_dir, problems)
    for name in ("database_url", "replica_url", "gate_url", "broker_url"):
        if values.get(name):
            values[name] = with_authority(values[name], plain.stores_ca)
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(plain.host, plain.host)
    values.setdefault("public_url", f"http://{host}:{plain.port}")
    return Settings(**values)
