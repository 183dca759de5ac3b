"""What varies in a message is masked; what tells one fault from another stays."""

import pytest

from quarterdeck.errors.masking import mask

MESSAGES = {
    "Order 8812 of ada@example.com failed after 12ms": "Order <*> of <email> failed after <*>",
    "job 7f3e2b1c-0d4a-4b7e-9c1d-2f6a5e8b9c0d done": "job <uuid> done",
    "commit deadbeef12, address 0xDEADBEEF": "commit <*>, address <*>",
    "cus_N8a7Bq has no card": "<*> has no card",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.abc is no token": "<*> is no token",
    "price 1,234.56 EUR is -5 or 12%": "price <*> EUR is <*> or <*>",
    "ids [1, 2, 3] and (4, 5) are gone": "ids [<*>] and (<*>) are gone",
    "1, 2, 3": "<*>",
    "peer 10.0.3.7:5432 and 2001:db8::ff00:42:8329 left": "peer <ip> and <ip> left",
    "dial [2001:db8::42]:5432 from ::1": "dial <ip> from <ip>",
    "GET https://api.example/v1/a?b=1, gone": "GET <url>, gone",
    "postgres://shop:x@db:5432/shop is away": "<url> is away",
    "open /var/lib/x/a.txt: no such file": "open <path>: no such file",
    "C:\\Users\\ada\\x.txt and ~/x.txt and src/cart.py": "<path> and <path> and <path>",
    "at 2026-11-21T10:03:33.120Z, since 2026-11-20": "at <time>, since <time>",
    "Sat, 21 Nov 2026 10:03:33 GMT": "<time>",
    "since Sat Nov 28 2026 10:39:00 GMT+0100 (Mitteleuropäische Zeit)": "since <time>",
    "row 7 8": "row <*> <*>",
    "500 rows left": "<*> rows left",
    "21/11/2026, 10:03 or Nov 21": "<time> or <time>",
    "User 'ada' has no \"order\" of “x”": "User <text> has no <text> of <text>",
    "customer with name 'ada' is gone": "customer with name <text> is gone",
    "Order E12345 of Emily1": "Order <*> of <*>",
    "it's Ada's, don't retry": "it's Ada's, don't retry",
    'error: "unterminated': 'error: "unterminated',
    "read / write and/or append": "read / write and/or append",
    "Order %s of {name} failed": "Order %s of {name} failed",
    "first line 7\nsecond line 8": "first line <*>",
    "\n\n  first   line": "first line",
    "You may retry in March": "You may retry in March",
    "": "",
    "   ": "",
}
KEPT = [
    "Cannot read properties of undefined (reading 'price')",
    "object has no attribute 'total'",
    'column "price" of relation "orders" does not exist',
    "No module named 'shop'",
    "name 'total' is not defined",
    "ORA-00942: table or view does not exist",
    "undefined method `price' for nil",
    "[Errno 111] Connection refused",
    "SQLSTATE[23000]: Integrity constraint violation",
    "Request failed with status code 404",
    "HTTP 502 from upstream",
    "HTTP/1.1 500 Internal Server Error",
    "404 Client Error: Not Found",
    "Minified React error #418",
    "exit code 137",
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message[:30] or "empty")
def test_what_varies_is_replaced_by_a_word_for_its_kind(message: str) -> None:
    assert mask(message) == MESSAGES[message]


@pytest.mark.parametrize("message", KEPT)
def test_names_of_code_and_codes_of_faults_stay(message: str) -> None:
    assert mask(message) == message


@pytest.mark.parametrize("message", [*MESSAGES, *KEPT])
def test_what_is_masked_stays_as_it_is(message: str) -> None:
    assert mask(mask(message)) == mask(message)


def test_a_voucher_of_six_digits_is_no_code_of_a_fault() -> None:
    assert mask("code 482913 is invalid") == mask("code 173920 is invalid")


def test_a_long_message_counts_by_its_beginning() -> None:
    assert mask("word " * 400) == mask("word " * 300 + "another")
    assert len(mask("word " * 400)) <= 200
