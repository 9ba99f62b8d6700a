"""Settings, one file, from the environment (see ``.env.example``); safe unless told otherwise."""

from pathlib import Path

import environ
from celery.schedules import crontab
from csp.constants import NONE, SELF
from kombu import Queue

from hub.observability.logs import logging_config

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent

# --- Who we are -----------------------------------------------------------------------------------
SECRET_KEY = env.str("HUB_SECRET_KEY")
DEBUG = env.bool("HUB_DEBUG", default=False)
ALLOWED_HOSTS = env.list("HUB_ALLOWED_HOSTS", default=[])
CSRF_TRUSTED_ORIGINS = env.list("HUB_TRUSTED_ORIGINS", default=[])
#: Plain HTTP for a demo on loopback; a real installation never sets it.
PLAIN_HTTP = env.bool("HUB_PLAIN_HTTP", default=False)

# --- Keys of the vault and of the audit chain -------------------------------------------------------
#: "id:base64 of 32 bytes", the first seals, all open.
HUB_MASTER_KEYS = env.list("HUB_MASTER_KEYS")
HUB_AUDIT_KEY = env.str("HUB_AUDIT_KEY")

# --- Who stands in front -----------------------------------------------------------------------------
#: Networks (CIDR) of proxies whose word about the client's address and certificate is believed.
HUB_TRUSTED_PROXIES = env.list("HUB_TRUSTED_PROXIES", default=[])
#: The header in which they give the client's TLS certificate (RFC 9440: Client-Cert); empty: none is believed.
HUB_CERTIFICATE_HEADER = env.str("HUB_CERTIFICATE_HEADER", default="")
#: Internal networks (CIDR) that call-back addresses may lie in; all others that are not public are refused.
HUB_CALLBACK_NETWORKS = env.list("HUB_CALLBACK_NETWORKS", default=[])

# --- Where folder: connections drop their parcels ----------------------------------------------------
HUB_FOLDER_ROOT = env.path("HUB_FOLDER_ROOT", default=str(BASE_DIR / ".data"))
#: How often the answer trays of towns that exchange files are emptied, and how long a file without manifest or
#: marker must not have changed to count as whole, both in seconds.
HUB_TRAY_EVERY = env.float("HUB_TRAY_EVERY", default=15.0)
HUB_TRAY_QUIET = env.float("HUB_TRAY_QUIET", default=10.0)
#: The grade that a town's adapter needs before its connection goes live (A, B or C); empty: none.
HUB_CONFORMANCE_GRADE = env.str("HUB_CONFORMANCE_GRADE", default="B")
#: Port of 127.0.0.1 on which the kit plays the hub when an operator starts it here; 0: vendors run it themselves.
HUB_KIT_PORT = env.int("HUB_KIT_PORT", default=0)
#: Where the towns' test systems reach that port, if a proxy stands in front of it.
HUB_KIT_ADDRESS = env.str("HUB_KIT_ADDRESS", default="")
#: The accounts a demo prints; empty in production.
HUB_DEMO = env.bool("HUB_DEMO", default=False)
#: Longest request body a citizen's page or an API call may send, in bytes.
DATA_UPLOAD_MAX_MEMORY_SIZE = env.int("HUB_MAX_BODY", default=1_000_000)

#: Requests that one client of the API may make in a minute, a sixth of them at once.
HUB_REQUESTS_PER_MINUTE = env.int("HUB_REQUESTS_PER_MINUTE", default=60_000)
#: How the keys of counted requests begin in Valkey, where several hubs share one.
HUB_LIMITS_PREFIX = env.str("HUB_LIMITS_PREFIX", default="hub:limit")
#: New filings are asked to come later while the database answers slower than this (seconds), or while what could
#: be sent has waited longer than that.
HUB_SLOW_DATABASE = env.float("HUB_SLOW_DATABASE", default=2.0)
HUB_LONGEST_BACKLOG = env.float("HUB_LONGEST_BACKLOG", default=900.0)
#: Who reads /metrics sends this as bearer token; empty: whoever reaches the address may read it.
HUB_METRICS_TOKEN = env.str("HUB_METRICS_TOKEN", default="")
#: After so many days without anything happening a finished relocation is shredded; the operator's policy.
HUB_RETENTION_DAYS = env.int("HUB_RETENTION_DAYS", default=1_827)
#: How many hours an Idempotency-Key is kept, at least 72.
HUB_IDEMPOTENCY_HOURS = env.int("HUB_IDEMPOTENCY_HOURS", default=72)

INSTALLED_APPS = [
    "hub.clerks",  # before the admin, whose templates it changes
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "csp",
    "oauth2_provider",
    "pgtrigger",
    "rest_framework",
    "municipalities",
    "hub.accounts",
    "hub.audit",
    "hub.vault",
    "hub.fidelity",
    "hub.deliveries",
    "hub.procedures",
    "hub.conformance",
    "hub.shadow",
    "hub.onboarding",
    "hub.relocations",
    "hub.consents",
    "hub.duplicates",
    "hub.protection",
    "hub.citizens",
    "hub.api",
    "hub.demo",
    "hub.bench",
]

MIDDLEWARE = [
    "hub.observability.middleware.Timed",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "hub.accounts.middleware.ActorMiddleware",
]

ROOT_URLCONF = "hub.urls"
WSGI_APPLICATION = "hub.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- PostgreSQL holds the truth ----------------------------------------------------------------------
DATABASES = {"default": env.db_url("DATABASE_URL")}
DATABASES["default"] |= {
    "ENGINE": "django.db.backends.postgresql",
    "CONN_MAX_AGE": env.int("HUB_CONN_MAX_AGE", default=60),
    # A pooler in transaction mode keeps no server-side cursors.
    "DISABLE_SERVER_SIDE_CURSORS": True,
    # Row-level security makes a statement dearer to plan than to run: what comes again is planned once a connection.
    "OPTIONS": {"prepare_threshold": 2, "server_side_binding": True}
    if env.bool("HUB_PREPARED_STATEMENTS", default=True)
    else {"prepare_threshold": None},
}
# Once a day the clock shows the hour at which counters close, and the check takes that for a mistake.
SILENCED_SYSTEM_CHECKS = ["fields.W161"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis only says «look» ---------------------------------------------------------------------------
REDIS_URL = env.str("REDIS_URL", default=env.str("BROKER_URL", default="redis://127.0.0.1:6379/0"))
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
CELERY_BROKER_URL = env.str("BROKER_URL", default=REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "Asia/Tokyo"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "hub"
# Couriers have a queue of their own, and so has what takes long or waits for others: no delivery waits behind a run of
# the conformance kit or a timer, and none of these behind a courier. A worker that is told nothing takes from all, in
# this order: couriers are called for all the time, and what they leave room for is short.
CELERY_TASK_QUEUES = [Queue("hub"), Queue("background"), Queue("couriers")]
CELERY_BROKER_TRANSPORT_OPTIONS = {"queue_order_strategy": "priority"}
CELERY_TASK_ROUTES = {"hub.deliveries.tasks.carry": {"queue": "couriers"}} | {
    name: {"queue": "background"}
    for name in (
        "hub.accounts.tasks.forget",
        "hub.deliveries.tasks.prove",
        "hub.deliveries.tasks.reconcile",
        "hub.onboarding.tasks.run",
        "hub.relocations.tasks.purge",
        "hub.shadow.tasks.try_next",
    )
}
# A courier is called for again and again; one that finds nothing hands its process back. Calls that find every
# process busy expire, and always one is left that has not.
CELERY_BEAT_SCHEDULE = {
    "carry": {"task": "hub.deliveries.tasks.carry", "schedule": 5.0, "options": {"expires": 6.0}},
    "empty": {"task": "hub.trays.tasks.empty", "schedule": HUB_TRAY_EVERY, "options": {"expires": 30.0}},
    "purge": {"task": "hub.relocations.tasks.purge", "schedule": crontab(hour="3", minute="40")},
    "prove": {"task": "hub.deliveries.tasks.prove", "schedule": 2.0, "options": {"expires": 2.0}},
    "forget": {"task": "hub.accounts.tasks.forget", "schedule": 600.0, "options": {"expires": 500.0}},
    "onboard": {"task": "hub.onboarding.tasks.run", "schedule": 3.0, "options": {"expires": 3.0}},
    "replay": {"task": "hub.deliveries.tasks.replay", "schedule": 5.0, "options": {"expires": 4.0}},
    "reconcile": {"task": "hub.deliveries.tasks.reconcile", "schedule": crontab(hour="5", minute="10")},
    "open_by_day": {"task": "hub.procedures.tasks.open_by_day", "schedule": 600.0, "options": {"expires": 500.0}},
    "fire_deadlines": {
        "task": "hub.relocations.tasks.fire_deadlines",
        "schedule": 60.0,
        "options": {"expires": 50.0},
    },
    "follow_successions": {
        "task": "hub.relocations.tasks.follow_successions",
        "schedule": 60.0,
        "options": {"expires": 50.0},
    },
    "watch_measures": {
        "task": "hub.protection.tasks.watch",
        "schedule": 600.0,
        "options": {"expires": 500.0},
    },
    "watch_outages": {
        "task": "hub.relocations.tasks.watch_outages",
        "schedule": 60.0,
        "options": {"expires": 50.0},
    },
    "try_next": {"task": "hub.shadow.tasks.try_next", "schedule": 15.0, "options": {"expires": 10.0}},
}

# --- Who signs in ------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["hub.clerks.permissions.KindBackend"]
LOGIN_URL = "citizens:sign_in"
LOGIN_REDIRECT_URL = "citizens:home"
LOGOUT_REDIRECT_URL = "citizens:home"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
OAUTH2_PROVIDER_APPLICATION_MODEL = "accounts.SystemClient"
OAUTH2_PROVIDER = {
    "OAUTH2_VALIDATOR_CLASS": "hub.accounts.validator.Validator",
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    "CLIENT_SECRET_HASHER": "random_secret",
    "SCOPES": {
        "deliveries": "Fetch deliveries and answer with receipts",
        "reports": "Report what the municipality decided",
        "protection": "Say that a relocation is handled under protection measures (message 75)",
        "relocations:file": "File a relocation for a citizen who agreed",
    },
    "SCOPES_BACKEND_CLASS": "hub.accounts.scopes.ClientScopes",
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "PKCE_REQUIRED": True,
    # RFC 9700, the best current practice; tokens are stored as hashes, never in clear.
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
}
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "hub.accounts.hashers.RandomSecretHasher",
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["hub.api.authentication.SystemAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["hub.api.authentication.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["hub.api.renderers.RecordRenderer"],
    "DEFAULT_PARSER_CLASSES": ["hub.api.renderers.RecordParser"],
    "DEFAULT_THROTTLE_CLASSES": ["hub.api.throttling.ClientThrottle"],
    "EXCEPTION_HANDLER": "hub.api.problems.handle",
    "UNAUTHENTICATED_USER": None,
    # A parameter «format» is one that is not known, like any other: no second way to ask for a form.
    "URL_FORMAT_OVERRIDE": None,
}

# --- Language and time --------------------------------------------------------------------------------
LANGUAGE_CODE = "ja"
LANGUAGES = [("ja", "日本語"), ("en", "English")]
TIME_ZONE = "Asia/Tokyo"
USE_TZ = True
LOCALE_PATHS = [BASE_DIR / "hub" / "locale"]

# --- Pages --------------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = env.path("HUB_STATIC_ROOT", default=str(BASE_DIR / ".data" / "static"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = PLAIN_HTTP
WHITENOISE_AUTOREFRESH = False
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
SECURE_SSL_REDIRECT = not PLAIN_HTTP
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not PLAIN_HTTP
SESSION_COOKIE_HTTPONLY = True
SECURE_HSTS_SECONDS = 0 if PLAIN_HTTP else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not PLAIN_HTTP
SECURE_REFERRER_POLICY = "same-origin"
SECURE_REDIRECT_EXEMPT = [r"^health/"]
#: Behind a proxy of ours that writes X-Forwarded-Proto and appends to X-Forwarded-For itself.
HUB_BEHIND_PROXY = env.bool("HUB_BEHIND_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HUB_BEHIND_PROXY else None
X_FRAME_OPTIONS = "DENY"

# --- Logs: event names with ids, never a name, an address or a number of a person ----------------------
LOGGING_CONFIG = None
logging_config(env.str("HUB_LOG_LEVEL", default="INFO"))
