"""Settings, read from the environment. Fails at start, in words, when something needed is missing.

Units: seconds unless a name says otherwise. Times are UTC everywhere inside.
"""

import os
import sys
from pathlib import Path

from portal.environment import boolean, database, demanded, listed, replica, required, secret_keys
from portal.mail_server import SECONDS as MAIL_SECONDS
from portal.mail_server import mail_from
from portal.schedule import QUEUES
from portal.sign_in_providers import providers_from
from portal.ui.logs import configuration

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("COUNTERSIGN_DATA", BASE_DIR / ".data"))
TESTING = "pytest" in sys.modules

DEBUG = boolean("COUNTERSIGN_DEBUG", default=False)
DEMO = boolean("COUNTERSIGN_DEMO", default=False)
# Everybody's password in the demo company, shown on the sign-in page there; empty elsewhere.
DEMO_PASSWORD = os.environ.get("COUNTERSIGN_DEMO_PASSWORD", "northwind-demo-2026") if DEMO else ""
# Who fills the demo company: named as text, so that imports keep their direction.
DEMO_STORY = "changes.desk.demo"
# How much of a year of work the demo company has behind it (1.0: about 1,300 pull requests; 0: only its last week), and which year.
DEMO_YEAR = float(os.environ.get("COUNTERSIGN_DEMO_YEAR", "0.1"))
DEMO_SEED = int(os.environ.get("COUNTERSIGN_DEMO_SEED", "1"))
SECRET_KEY = required("COUNTERSIGN_SECRET_KEY", testing=TESTING)
# Newest first; older ones still decrypt. Each protects vendor tokens and sign-in secrets at rest.
ENCRYPTION_KEYS = secret_keys("COUNTERSIGN_ENCRYPTION_KEYS", testing=TESTING)
BASE_URL = os.environ.get("COUNTERSIGN_BASE_URL", "http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = listed("COUNTERSIGN_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = listed("COUNTERSIGN_ORIGINS", default=[])
# Hosts that a connector may call although their address is not public: a forge inside the company, the stand-ins.
CONNECTOR_PRIVATE_HOSTS = listed("COUNTERSIGN_PRIVATE_HOSTS", default=[])
# Addresses of APIs beside the public ones that the pages offer when a vendor is connected: "gitea=https://git.example/api/v1".
CONNECT_ADDRESSES = listed("COUNTERSIGN_CONNECT_ADDRESSES", default=[])
# Schemes of clone addresses. Plain http is spoken to the hosts above only; "file" is for tests.
GIT_PROTOCOLS = listed("COUNTERSIGN_GIT_PROTOCOLS", default=["https", "http"])
HTTPS = BASE_URL.startswith("https://")

INSTALLED_APPS = [
    "portal.apps.PortalConfig",
    "changes.apps.ChangesConfig",
    "audits.apps.AuditsConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "template_partials",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.github",
    "allauth.socialaccount.providers.openid_connect",
    "social_django",
]

MIDDLEWARE = [
    "portal.ui.middleware.security_headers",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # adds random bytes against BREACH; the CSRF token is masked anew in each page
    "portal.ui.middleware.request_context",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.access.middleware.access_rules",
    "portal.replica_pages.remember_writing",
    "audits.engagements.middleware.auditor_read_only",
]

ROOT_URLCONF = "portal.urls"
# Addresses that are answered before Django and its middlewares (portal/ui/lean.py): pattern, and the handler as text, so that
# imports keep their direction. Each is a public address of the URLconf too; a test holds the two together.
LEAN_PATHS = {r"/hooks/[-a-zA-Z0-9_]+/": "changes.connectors.hooks.take_in"}
ASGI_APPLICATION = "portal.asgi.application"
AUTH_USER_MODEL = "portal.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "portal.ui.context.chrome",
            ],
            "builtins": [
                "portal.templatetags.ui",
                "django_htmx.templatetags.django_htmx",
                "django.templatetags.static",
                "template_partials.templatetags.partials",
            ],
        },
    },
]

DATABASES = {"default": database(os.environ.get("DATABASE_URL", ""), testing=TESTING)}
# Large readings go to a streaming replica where there is one that is not too far behind, in seconds (portal/replica.py).
if os.environ.get("DATABASE_REPLICA_URL"):
    DATABASES["replica"] = replica(os.environ["DATABASE_REPLICA_URL"], testing=TESTING)
REPLICA_BEHIND = float(os.environ.get("COUNTERSIGN_REPLICA_BEHIND", "30"))
CACHES = {
    # In PostgreSQL, not in Valkey: rate limits and one-time codes survive a lost broker.
    # Many rows before the oldest are thrown out, so that an attacker cannot push their own rate limits out of the table.
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "portal_cache",
        "OPTIONS": {"MAX_ENTRIES": 1_000_000},
    },
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "portal.ui.errors.csrf_failure"
# Read by script as well (portal.js knows the same two names): the colours of a page, and no secret.
THEME_COOKIE_NAME = "__Host-theme" if HTTPS else "theme"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_SSL_REDIRECT = False
X_FRAME_OPTIONS = "DENY"
SILENCED_SYSTEM_CHECKS = [
    "security.W002",  # our own middleware (portal.ui) forbids frames, on error pages too
    "security.W005",  # other names under the same domain belong to whoever runs the portal
    "security.W021",  # so does the preload list
    "security.W008",  # the proxy that ends TLS sends plain requests on
]
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if TESTING
        else "whitenoise.storage.CompressedManifestStaticFilesStorage",
    },
}

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
USE_I18N = False

LOGGING = configuration(level=os.environ.get("COUNTERSIGN_LOG_LEVEL", "INFO"), pretty=DEBUG)

# Printed unless EMAIL_URL names a server (portal/mail_server.py).
MAIL = mail_from(os.environ)
EMAIL_BACKEND, DEFAULT_FROM_EMAIL, SERVER_EMAIL = MAIL.backend, MAIL.sender, MAIL.sender
EMAIL_HOST, EMAIL_PORT = MAIL.host, MAIL.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = MAIL.user, MAIL.password
EMAIL_USE_TLS, EMAIL_USE_SSL = MAIL.starttls, MAIL.tls
EMAIL_TIMEOUT = MAIL_SECONDS

# Bearer token of the monitor that reads /metrics; empty: there is no such page.
METRICS_TOKEN = os.environ.get("COUNTERSIGN_METRICS_TOKEN", "")

# Nightly copies of the database (portal/runtime/backup.py): the folder, and how many stay. Without a folder none are made.
BACKUP_FOLDER = os.environ.get("COUNTERSIGN_BACKUP_FOLDER", "")
BACKUP_KEEP = int(os.environ.get("COUNTERSIGN_BACKUP_KEEP", "14"))

# Days after which the raw bodies of deliveries are let go (changes/connectors/bodies.py); 0, as it comes, keeps them for ever: they
# are what a vendor said in its own words, and nobody but the company knows for how long auditors ask for it.
RAW_DAYS = int(os.environ.get("COUNTERSIGN_RAW_DAYS", "0"))

# Celery: SECURITY.md §5.1 of the design papers; why each is as it is stands in docs/operations.md.
CELERY_BROKER_URL = os.environ.get("BROKER_URL", "memory://" if TESTING else "redis://127.0.0.1:6379/0")
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_TIME_LIMIT = 60
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_timeout": 2,
    "socket_connect_timeout": 1,
}
CELERY_TASK_ROUTES = {name: {"queue": queue} for name, queue in QUEUES.items()}
CELERY_DB_REUSE_MAX = 1000
CELERY_TASK_ALWAYS_EAGER = False

# Sign-in: docs/access.md says why each is as it is.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["email", "name"]},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "portal.access.company_words.CompanyWordsValidator"},
    {"NAME": "portal.access.breached.BreachedValidator"},
]
# A file of digests of passwords that are known from break-ins (portal/access/breached.py).
BREACHED_PASSWORDS = os.environ.get("COUNTERSIGN_BREACHED_PASSWORDS", "")
# Names of the company and of its products, which its people would take for passwords; the name in BASE_URL is one already.
COMPANY_WORDS = listed("COUNTERSIGN_COMPANY_WORDS", default=[])
ACCOUNT_ADAPTER = "portal.access.signin.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_METHODS = ["password", "mfa"]
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
# Counted in PostgreSQL. login_failed: five wrong passwords lock an account for five minutes, from wherever they come; a
# new password by mail unlocks it.
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/300s/key",
    "reauthenticate": "10/m/user",
    "change_password": "5/m/user",
    "reset_password": "20/m/ip,5/m/key",
    "reset_password_from_key": "20/m/ip",
}
PROXIES = int(os.environ.get("COUNTERSIGN_PROXIES", "0"))
ALLAUTH_TRUSTED_PROXY_COUNT = PROXIES
if PROXIES and HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
MFA_ADAPTER = "portal.access.signin.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
MFA_TOTP_ISSUER = "Countersign"
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
# Privileged people and auditors, or everybody, without a second factor are led to its set-up after seven days of grace.
REQUIRE_MFA, MFA_OF_EVERYBODY = demanded("COUNTERSIGN_REQUIRE_MFA", default=not DEMO and not TESTING)

# Signing in with Google, GitHub or an OpenID Connect provider; nobody is made by it (portal/access/outside_sign_in.py).
SOCIALACCOUNT_ADAPTER = "portal.access.outside_sign_in.SocialAdapter"
SOCIALACCOUNT_PROVIDERS = providers_from(os.environ)
SOCIALACCOUNT_QUERY_EMAIL = False
SOCIALACCOUNT_STORE_TOKENS = False

# Linking of vendor identities (never signing in); see portal/access/linking.py. A vendor is offered when it has an id.
SOCIAL_AUTH_STRATEGY = "portal.access.linking.LinkingStrategy"
SOCIAL_AUTH_JSONFIELD_ENABLED = True
SOCIAL_AUTH_REDIRECT_IS_HTTPS = HTTPS
SOCIAL_AUTH_PIPELINE = (
    "social_core.pipeline.social_auth.social_details",
    "social_core.pipeline.social_auth.social_uid",
    "portal.access.linking.only_signed_in_people",
    "portal.access.linking.link_to_person",
)
SOCIAL_AUTH_GITHUB_KEY = os.environ.get("COUNTERSIGN_LINK_GITHUB_ID", "")
SOCIAL_AUTH_GITHUB_SECRET = os.environ.get("COUNTERSIGN_LINK_GITHUB_SECRET", "")
LINK_GITHUB_URL = os.environ.get("COUNTERSIGN_LINK_GITHUB_URL", "https://github.com").rstrip("/")
SOCIAL_AUTH_GITHUB_AUTHORIZATION_URL = f"{LINK_GITHUB_URL}/login/oauth/authorize"
SOCIAL_AUTH_GITHUB_ACCESS_TOKEN_URL = f"{LINK_GITHUB_URL}/login/oauth/access_token"
SOCIAL_AUTH_GITHUB_API_URL = os.environ.get("COUNTERSIGN_LINK_GITHUB_API", "https://api.github.com").rstrip("/") + "/"
SOCIAL_AUTH_SLACK_KEY = os.environ.get("COUNTERSIGN_LINK_SLACK_ID", "")
SOCIAL_AUTH_SLACK_SECRET = os.environ.get("COUNTERSIGN_LINK_SLACK_SECRET", "")
SOCIAL_AUTH_SLACK_TEAM = os.environ.get("COUNTERSIGN_LINK_SLACK_TEAM", "")
LINKING_BACKENDS = [
    backend
    for backend, key in (
        ("portal.access.linking.GitHub", SOCIAL_AUTH_GITHUB_KEY),
        ("portal.access.linking.Slack", SOCIAL_AUTH_SLACK_KEY),
    )
    if key
]
