"""What kind of fault an event tells of, and how much it matters.

The first category whose words stand in the type, the module, the mechanism or the message of any
exception counts, the outermost exception first. The order is by how telling the words are: a
payment that fails on a timeout is about the payment.
"""

import re
from functools import lru_cache

from quarterdeck.errors.event import Event
from quarterdeck.errors.frames import is_browser

CATEGORIES = (
    "payment",
    "memory",
    "database",
    "authentication",
    "configuration",
    "timeout",
    "network",
    "external",
    "client",
    "other",
)
SEVERITIES = ("critical", "high", "medium", "low")
_MOST_READ = 400  # of a message
_MOST_CAUSES = 8

# For each kind: what begins a word, and what tells wherever it stands in one.
_WORDS = {
    "payment": (
        r"stripe(?!d)|paypal|braintree|adyen|mollie|klarna|checkout\.com|card[ _]?(?:was )?declined|CardError"
        r"|insufficient[ _]funds|chargeback",
        r"payment|billing",
    ),
    "memory": (
        r"MemoryError|NoMemoryError|heap out of memory|heap limit|cannot allocate memory|out of memory"
        r"|invalid array (?:buffer )?length|allocation failed|Allowed memory size|ENOMEM|bad_alloc|QuotaExceededError",
        r"OutOfMemory",
    ),
    "database": (
        r"psycopg|sqlalchemy|pymysql|mysql|sqlite|SQLSTATE|PDOException|QueryException|pg::|ActiveRecord"
        r"|sequelize|prisma|typeorm\b|knex\b|mongo|postgres|Npgsql|SqlException|DbUpdate|EntityFramework|hibernate"
        r"|java\.sql|jdbc|SQL[A-Za-z]{0,40}Exception|Ecto\b|DBConnection|redis(?!t)|OperationalError|IntegrityError"
        r"|ProgrammingError|DataError|DatabaseError|deadlock|duplicate key|unique constraint|foreign key|no such table"
        r"|too many connections|connection pool|HikariPool|lib/pq|pgx|gorm\b|sqlx\b|could not serialize access",
        r"UniqueViolation|SerializationFailure|DeadlockDetected",
    ),
    "authentication": (
        r"forbidden\b|PermissionDenied|AccessDenied|BadCredentials|InvalidToken|ExpiredSignature|JWT|JsonWebToken|CSRF"
        r"|InvalidAuthenticityToken|login failed|invalid credentials|not logged in|session expired"
        r"|(?:status|status code|code|http)[ :=]{1,3}40[13]\b",
        r"unauthori[sz]ed|unauthenticated|authentication|NotAuthenticated|TokenExpired",
    ),
    "configuration": (
        r"ImproperlyConfigured|ConfigError|ModuleNotFoundError|ImportError|NoClassDefFound|ClassNotFoundException"
        r"|NoSuchBeanDefinition|UnsatisfiedDependency|LoadError\b|Cannot find module|environment variable"
        r"|is not configured|missing (?:config|setting|api key)|MissingEnv",
        r"Configuration(?:Error|Exception)",
    ),
    "timeout": (
        r"deadline exceeded|ETIMEDOUT|ESOCKETTIMEDOUT",
        r"(?<!set)Timed?[ _-]?Out|DeadlineExceeded",
    ),
    "network": (
        r"ECONN|ENOTFOUND|EAI_AGAIN|EPIPE|EHOSTUNREACH|ENETUNREACH|Connection[A-Za-z]{0,40}Error|ConnectException"
        r"|SocketException|SocketError|UnknownHost|NoRouteToHost|NetworkError|Network Error|network request failed"
        r"|Failed to fetch|Load failed|fetch failed|SSL(?:\b|\w*Error|\w*Exception)|TLS\b|certificate verify"
        r"|connection (?:refused|reset|closed|aborted|terminated)|socket hang up|no such host|getaddrinfo"
        r"|name resolution|BrokenPipe|broken pipe|WebSocket|NSURLErrorDomain|HttpRequestException|dial tcp|URLError"
        r"|ChunkLoadError|Loading chunk|dynamically imported module",
        r"ConnectError|ConnectionRefused|ConnectionReset",
    ),
    "external": (
        r"Bad Gateway|Service Unavailable|Gateway Time|rate limit|Too Many Requests|HTTPStatusError|HTTPError|AxiosError"
        r"|ClientError|botocore|upstream|RestClientException|FeignException|WebClientResponse|ApiException|APIError|Faraday"
        r"|GuzzleHttp|(?:status|status code|code|http)[ :=]{1,3}(?:429|50[234])\b",
        r"RateLimit",
    ),
}
_PATTERNS = [
    (kind, re.compile(rf"(?<![A-Za-z])(?:{begins})|{within}", re.IGNORECASE))
    for kind, (begins, within) in _WORDS.items()
]

_BY_LEVEL = {"fatal": 0, "error": 2, "warning": 3, "info": 3, "debug": 3}
_GRAVE = frozenset(("payment", "memory", "database"))


def category_of(event: Event) -> str:
    for thrown in event.exceptions[: -_MOST_CAUSES - 1 : -1]:
        if kind := _told(
            f"{thrown.type}\n{thrown.module}\n{thrown.mechanism}", thrown.value[:_MOST_READ]
        ):
            return kind
    if not event.exceptions and (kind := _told(event.logger, event.message[:_MOST_READ])):
        return kind
    return "client" if is_browser(event.platform) else "other"


def severity_of(event: Event, category: str) -> str:
    """Fatal is critical; what nobody caught is one step above what somebody did; so is what costs most."""
    rank = _BY_LEVEL[event.level]
    if event.level == "error":
        exception = event.exception
        rank -= exception is not None and exception.handled is False
        rank -= category in _GRAVE
    return SEVERITIES[max(rank, 0)]


@lru_cache(maxsize=2048)
def _told(names: str, value: str) -> str:
    for read in (names, value):
        for kind, pattern in _PATTERNS:
            if read and pattern.search(read):
                return kind
    return ""
