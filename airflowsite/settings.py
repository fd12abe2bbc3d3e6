"""Django's settings, all of them read from Airflow's options (``orchestration.conf``)."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from airflowsite.databases import database
from airflowsite.log import logging_settings
from airflowsite.secret_key import secret_key
from orchestration.conf import conf

BASE_DIR = Path(__file__).resolve().parent.parent
DEBUG = False
SECRET_KEY = secret_key()
_base_url = urlsplit(conf.get("webserver", "base_url"))
#: Whether people reach the web server over HTTPS, its own or a proxy's.
_is_https = _base_url.scheme == "https" or bool(conf.get("webserver", "web_server_ssl_cert"))
ALLOWED_HOSTS = sorted(
    {*conf.getlist("webserver", "allowed_hosts"), *([_base_url.hostname] if _base_url.hostname else [])}
)

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "orchestration",
    "orchestration.admin.config.OperatorsAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "axes",
    "corsheaders",
    "api_v1",
    "api_experimental",
]

MIDDLEWARE = [
    "airflowsite.shortcut.ApiShortcut",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "airflowsite.cors.ApiCorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "orchestration.access.sessions.SessionLimits",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "orchestration.admin.csp.ContentSecurityPolicy",
]

ROOT_URLCONF = "airflowsite.urls"
WSGI_APPLICATION = "airflowsite.wsgi.application"
APPEND_SLASH = False
DATABASES = {"default": database(conf.get("database", "sql_alchemy_conn"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# Time: everything is kept and answered in UTC; pages show the operator's zone.
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = True

# People
AUTH_USER_MODEL = "orchestration.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "orchestration.access.backends.RoleBackend"]
PASSWORD_HASHERS = [
    "orchestration.access.hashers.SerialArgon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "orchestration.access.werkzeug.WerkzeugPasswordHasher",
]
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": max(1, conf.getint("webserver", "password_minimum_length"))},
    },
]
if conf.getboolean("webserver", "password_refuse_common"):
    AUTH_PASSWORD_VALIDATORS += [
        {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
        {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    ]
AUTH_PASSWORD_VALIDATORS.append({"NAME": "orchestration.access.passwords.EndAccessOnChange"})
LOGIN_URL = "/admin/login/"
LOGIN_REDIRECT_URL = "/admin/"
AXES_FAILURE_LIMIT = "orchestration.access.lockout.failure_limit"
AXES_COOLOFF_TIME = "orchestration.access.lockout.duration"
AXES_CLIENT_IP_CALLABLE = "orchestration.access.lockout.client_address"
AXES_USERNAME_CALLABLE = "orchestration.access.lockout.counted_name"
AXES_LOCKOUT_CALLABLE = "orchestration.access.lockout.response"
AXES_LOCKOUT_PARAMETERS = ["ip_address", ["username", "ip_address"]]
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
KNOX_TOKEN_MODEL = "orchestration.PersonalAccessToken"  # noqa: S105 a model's name
MIGRATION_MODULES = {"knox": None}  # its own token table would only stand beside ours
REST_KNOX = {"TOKEN_TTL": None, "AUTH_HEADER_PREFIX": "Bearer", "TOKEN_PREFIX": "afs_", "TOKEN_MODEL": KNOX_TOKEN_MODEL}

# Sessions and cookies
SESSION_COOKIE_NAME = "session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = conf.get("webserver", "cookie_samesite")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _is_https or conf.getboolean("webserver", "cookie_secure")
SESSION_COOKIE_AGE = conf.getint("webserver", "session_lifetime_minutes") * 60
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = _base_url.path.rstrip("/") or "/"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
if _is_https:
    SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds())
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = False  # other hosts of the domain are not ours to bind
if conf.getboolean("webserver", "enable_proxy_fix"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    USE_X_FORWARDED_HOST = True
    # Only a proxy that says how it was asked can be told from a caller who came without it.
    SECURE_SSL_REDIRECT = _is_https
    SECURE_REDIRECT_EXEMPT = [r"^health$", r"^api/v1/health$"]
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # see SECURE_HSTS_INCLUDE_SUBDOMAINS
    "security.W021",
    "drf_spectacular.W001",  # the document is made by api_v1.document, which names the enumerations itself
]
DATA_UPLOAD_MAX_MEMORY_SIZE = conf.getint("api", "maximum_body_bytes")
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
API_REQUESTS_PER_MINUTE_OF_USER = conf.getint("api", "requests_per_minute_of_user")
API_REQUESTS_PER_MINUTE_OF_ADDRESS = conf.getint("api", "requests_per_minute_of_address")

# Static files
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True

# The operators' desk
UNFOLD = {
    "SITE_TITLE": "Operators' desk",
    "SITE_SYMBOL": "air",
    "SITE_URL": None,
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": "orchestration.admin.navigation.favicon"},
    ],
    "SHOW_VIEW_ON_SITE": False,
    "LOGIN": {"form": "orchestration.admin.login.DeskLogin"},
    "ACCOUNT": {"navigation": "orchestration.admin.navigation.account"},
    "SIDEBAR": {
        "show_search": True,
        "navigation": "orchestration.admin.navigation.navigation",
    },
    "COLORS": {
        "primary": {
            "50": "#eff8ff", "100": "#dbeefe", "200": "#bfe3fe", "300": "#93d2fd", "400": "#60b8fa",
            "500": "#3b99f6", "600": "#1d6fd1", "700": "#1b5eb5", "800": "#1c5092", "900": "#1c4475", "950": "#162b4a",
        },
    },
}  # fmt: skip

# The APIs
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}

# Browsers of other origins; they never send cookies along
_origins = conf.get("api", "access_control_allow_origins").split()
CORS_URLS_REGEX = r"^/api/v1/"
CORS_ALLOW_ALL_ORIGINS = "*" in _origins
CORS_ALLOWED_ORIGINS = [origin for origin in _origins if origin not in {"*", "null"}]
CORS_ALLOW_CREDENTIALS = False
if conf.getlist("api", "access_control_allow_headers"):
    CORS_ALLOW_HEADERS = conf.getlist("api", "access_control_allow_headers")
if conf.getlist("api", "access_control_allow_methods"):
    CORS_ALLOW_METHODS = conf.getlist("api", "access_control_allow_methods")

LOGGING = logging_settings()

TESTING = "pytest" in sys.modules
if TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *PASSWORD_HASHERS]
