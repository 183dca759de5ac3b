"""What a span says about who calls whom: the one definition, in SQL, of every edge of the map.

A call is told by the span of whoever makes it, so its duration is what the caller waited for, and
a call that nobody answered counts too:

- a client span with a database is a call of that database, whatever lies below it;
- a producer, or a client of a messaging system, calls a queue; the queue calls whoever consumes;
- a client or producer span with a server or consumer span below it calls that span's service;
- without one it calls the service that answers at the same address otherwise, or else a third
  party by the name of its host.

A server or consumer span tells of a call itself where its parent is not one of these: its parent
is a plain span of another service, or is not known, which is traffic from outside. Within one
service, spans of spans of the same call (a library above a library) count once.

Old and new semantic conventions are read. Names of hosts lose the parts that look like ids.
"""

MOST_NAME = 200
CHILDREN_MS = 300_000  # after a call's minute may its answer begin, and as long before it the call

_NONE = "toFixedString('', 8)"


def _first(*keys: str) -> str:
    """SQL: the first of these attributes that a span has."""
    found = ", ".join(f"nullIf(attributes['{key}'], '')" for key in keys)
    return f"coalesce({found}, '')"


def _named(text: str) -> str:
    """SQL: text as a name is shown, one line and not too long."""
    return f"substringUTF8(replaceRegexpAll({text}, '[[:cntrl:]]+', ' '), 1, {MOST_NAME})"


_URL = _first("url.full", "http.url")
_URL_HOST = f"extract({_URL}, '^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/@?#]*@)?([[][^]]*]|[^/:?#]*)')"
_URL_PORT = f"extract({_URL}, '^[^/]*//[^/?#]*:([0-9]+)(?:[/?#]|$)')"
_HOST = (
    f"lower(coalesce(nullIf({_first('server.address', 'net.peer.name')}, ''), nullIf({_URL_HOST}, ''),"
    f" nullIf(splitByChar(':', {_first('http.host')})[1], ''),"
    f" {_first('network.peer.address', 'net.sock.peer.addr', 'net.peer.ip')}))"
)
_PORT = f"coalesce(nullIf({_first('server.port', 'net.peer.port')}, ''), {_URL_PORT})"
# A label of a host that is an id: many digits, or a long hexadecimal number.
_HOST_MASKED = (
    "if(isIPv4String(host) OR isIPv6String(host), host, arrayStringConcat(arrayMap("
    "label -> if(length(extractAll(label, '[0-9]')) >= 4 OR match(label, '^[0-9a-f-]*[0-9][0-9a-f-]{7,}$'), '*', label),"
    " splitByChar('.', host)), '.'))"
)

_PEER, _RPC = _first("peer.service", "service.peer.name"), _first("rpc.service")
_PARTY = _named(f"coalesce(nullIf({_PEER}, ''), nullIf({_HOST_MASKED}, ''), {_RPC})")


def _system(*keys: str) -> str:
    """SQL: which product it is; without a colon, which parts the id of a node."""
    return f"lower(replaceAll(substringUTF8({_first(*keys)}, 1, 50), ':', ' '))"


_DATABASE = _system("db.system.name", "db.system")
_MESSAGING = _system("messaging.system")
_QUEUE = (
    "if(attributes['messaging.destination.temporary'] = 'true', '', "
    + _named(_first("messaging.destination.template", "messaging.destination.name", "messaging.destination"))
    + ")"
)  # fmt: skip
_NAMESPACE = _named(_first("db.namespace", "db.name"))
_OPERATION = f"lower({_first('messaging.operation.type', 'messaging.operation')})"
_TYPED = (
    "(" + " OR ".join(
        f"mapContains(attributes, '{key}')"
        for key in ("http.request.method", "http.method", "http.url", "url.full", "rpc.system", "rpc.system.name",
                    "rpc.service", "peer.service", "service.peer.name")
    ) + ")"
)  # fmt: skip

CALLER = "('client', 'producer')"
ENTRY = "('server', 'consumer')"
_BOTH = "('client', 'producer', 'server', 'consumer')"


_OWN = f"""
    SELECT trace_id, span_id, parent_span_id, time, toStartOfMinute(time)::DateTime AS minute,
        environment::String AS environment, service::String AS service, name::String AS name, toString(kind) AS role,
        greatest(spans.duration_ns, 0) AS duration_ns, status = 'error' AS failed,
        {_DATABASE} AS database, if(database = '', '', {_NAMESPACE}) AS namespace,
        {_MESSAGING} AS messaging, if(messaging = '', '', {_QUEUE}) AS queue, if(messaging = '', '', {_OPERATION}) AS operation,
        role IN {CALLER} AS asks, asks AND {_TYPED} AS typed, if(asks, {_HOST}, '') AS host,
        if(host = '', '', {_PORT}) AS port, if(port IN ('', '0'), host, concat(host, ':', port)) AS address,
        if(asks, {_PARTY}, '') AS party
    FROM spans"""


def _edge(
    source_kind: str, source: str, target_kind: str, target: str, system: str = "''", at: str = "''"
) -> str:
    return f"('{source_kind}', {source}, '{target_kind}', {target}, {system}, {at})"


def _either(first: str, second: str) -> str:
    return f"if({first} != '', {first}, {second})"


_NO = "[]::Array(Tuple(String, String, String, String, String, String))"
_WITHIN_CALL = f"(parent_role IN {CALLER} AND parent_service = service)"
_TO_DATABASE = _edge("service", "service", "database", _either("namespace", "host"), "database")
_TO_QUEUE = _edge(
    "service", "service", "queue", _either("queue", "child_queue"), _either("messaging", "child_messaging")
)  # fmt: skip
_FROM_QUEUE = _edge(
    "queue", _either("queue", "parent_queue"), "service", "service", _either("messaging", "parent_messaging")
)  # fmt: skip
_CALLER_EDGES = f"""multiIf(
    {_WITHIN_CALL} AND parent_database != '', {_NO},
    database != '', [{_TO_DATABASE}],
    messaging != '' OR (role = 'producer' AND child_messaging != ''), multiIf(
        operation IN ('settle', 'ack', 'nack'), {_NO},
        role = 'client' AND operation IN ('receive', 'process', 'deliver'), [{_FROM_QUEUE}],
        [{_TO_QUEUE}]),
    notEmpty(child_services),
        arrayMap(answers -> {_edge("service", "service", "service", "answers", at="address")}, child_services),
    has(child_callers, service), {_NO},
    known_name != '', [{_edge("service", "service", "service", "known_name")}],
    typed OR (host != '' AND NOT {_WITHIN_CALL}), [{_edge("service", "service", "external", "party")}],
    {_NO})"""
_ENTRY_EDGES = f"""multiIf(
    parent_role NOT IN ('', 'client', 'producer') AND parent_service = service, {_NO},
    parent_messaging != '' OR (role = 'consumer' AND messaging != ''), [{_FROM_QUEUE}],
    parent_role IN {CALLER}, {_NO},
    parent_role != '', [{_edge("service", "parent_service", "service", "service")}],
    [{_edge("outside", "''", "service", "service")}])"""


def calls(own: str, near: str, known: str) -> str:
    """SQL: one row a span and call, with `edge` as a tuple of named parts.

    `own` are conditions over spans that are looked at, `near` over those that may lie around
    them; `known` is a subquery of (at_environment, at, known_name): services by their address.
    """
    asked = f"{own} AND kind IN {_BOTH}"
    return f"""
        SELECT trace_id, span_id, time, minute, environment, service, name, duration_ns, failed, arrayJoin(edges)::Tuple(
            source_kind String, source String, target_kind String, target String, system String, address String) AS edge
        FROM (
            SELECT *, if(role IN {CALLER}, {_CALLER_EDGES}, {_ENTRY_EDGES}) AS edges
            FROM ({_OWN} WHERE {asked}) AS own
            ANY LEFT JOIN (
                SELECT trace_id AS parent_trace, span_id AS parent_span, service::String AS parent_service,
                    toString(kind) AS parent_role, {_DATABASE} AS parent_database,
                    {_MESSAGING} AS parent_messaging, if(parent_messaging = '', '', {_QUEUE}) AS parent_queue
                FROM spans WHERE {near} AND (trace_id, span_id) IN (
                    SELECT trace_id, parent_span_id FROM spans WHERE {asked} AND parent_span_id != {_NONE})
            ) AS above ON trace_id = parent_trace AND parent_span_id = parent_span
            ANY LEFT JOIN (
                SELECT trace_id AS child_trace, parent_span_id AS child_of,
                    groupUniqArrayIf(20)(service::String, kind IN {ENTRY}) AS child_services,
                    groupUniqArrayIf(20)(service::String, kind IN {CALLER} AND {_TYPED}) AS child_callers,
                    maxIf({_MESSAGING}, kind = 'consumer') AS child_messaging, maxIf({_QUEUE}, kind = 'consumer') AS child_queue
                FROM spans WHERE {near} AND kind IN {_BOTH} AND (trace_id, parent_span_id) IN (
                    SELECT trace_id, span_id FROM spans WHERE {own} AND kind IN {CALLER})
                GROUP BY trace_id, parent_span_id
            ) AS below ON trace_id = child_trace AND span_id = child_of
            ANY LEFT JOIN ({known}) AS known ON environment = at_environment AND address = at
        )"""
