"""Messages without what varies in them, so that the same message is the same text.

    mask("Order 8812 of ada@example.com failed after 12ms")    # "Order <*> of <email> failed after <*>"

The words are those of log patterns. What names code rather than data stays, since it tells one fault
from another: a status or error code, and a quoted name after a word such as "property" or "column".
Only the first line counts, as what follows is mostly data; and no more of it than its beginning.
"""

import re
from functools import lru_cache

_MOST_READ = 500
_MOST_KEPT = 200

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},?\s+"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d{1,9})?(?:\s?[AaPp]\.?[Mm]\b\.?)?"
_ZONE = (
    r"(?:\s?(?:Z\b|(?:UTC|GMT)(?:[+-]\d{2}:?\d{2})?|[+-]\d{2}:?\d{2}\b))?(?:\s\([^()\d\n]{3,60}\))?"
)
_STATUS = (
    r"(?:Client|Server|Bad|Not|Internal|Service|Unauthorized|Forbidden|Gateway|Too|Conflict|Gone|Payment"
    r"|Method|Request|Precondition|Unprocessable|Unsupported)"
)
_NAMES_CODE = (
    r"(?:reading|setting|property|properties|attribute|method|function|module|package|import|column|table"
    r"|relation|constraint|class|type|keyword argument|argument|parameter|variable|field|schema|key constraint"
    r"|command|signal|evaluating|undefined local variable or method|constant)"
)

_VARIES = re.compile(
    rf"""
    (?P<keep>
        \b(?i:{_NAMES_CODE})(?:\snamed)?:?\s(?:'[A-Za-z_][\w.$]{{0,60}}'|"[A-Za-z_][\w.$]{{0,60}}"|`[A-Za-z_][\w.$]{{0,60}}'?`?)(?!\w)
      | \b(?i:status|code|errno|http(?:/\d(?:\.\d)?)?|exit|error)\b(?:\s?[:=#]|\scode:?|\sstatus:?)?\s?\#?\d{{3}}\b(?![.:/-]\d)
      | (?<![\w.-])[45]\d\d(?=\s{_STATUS}\b)
      | \[(?i:errno|error)\s-?\d{{1,5}}\] | \b(?:SQLSTATE\[?\w{{5}}\]?|ORA-\d{{5}}|E11000|TS\d{{4}})(?![\w-])
      | \bname\s'[A-Za-z_]\w{{0,60}}'(?=\sis\snot\sdefined)
    )
  | (?P<url>\b[a-zA-Z][a-zA-Z0-9+.-]{{1,20}}://[^\s'"<>`]*[^\s'"<>`.,;:)\]}}])
  | (?P<email>[\w.+%-]{{1,64}}@[\w-]{{1,63}}(?:\.[\w-]{{1,63}})+)
  | (?P<uuid>(?<![\w-])[0-9a-fA-F]{{8}}-[0-9a-fA-F]{{4}}-[0-9a-fA-F]{{4}}-[0-9a-fA-F]{{4}}-[0-9a-fA-F]{{12}}(?![\w-]))
  | (?P<time>
        (?<!\w)\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}(?:[T\s]{_CLOCK}{_ZONE})?(?![\w-])
      | (?<!\w)\d{{1,2}}[/.-]\d{{1,2}}[/.-]\d{{4}}(?:,?\s{_CLOCK})?(?!\w)
      | \b(?:{_DAY})?(?:\d{{1,2}}\s+{_MONTH}|{_MONTH}\s+\d{{1,2}})(?:,?\s+\d{{4}})?(?:,?\s+{_CLOCK}{_ZONE}(?:\s+\d{{4}})?)?(?!\w)
      | (?<![\w.:]){_CLOCK}{_ZONE}(?![\w:])
    )
  | (?P<ip>
        (?<![\w.])\d{{1,3}}\.\d{{1,3}}\.\d{{1,3}}\.\d{{1,3}}(?::\d{{1,5}}|/\d{{1,2}})?(?![\w.]\w)
      | (?<![\w:.])\[?(?=[0-9a-fA-F:]*\d)(?:[0-9a-fA-F]{{1,4}}:{{1,2}}){{2,7}}[0-9a-fA-F]{{0,4}}(?:\](?::\d+)?)?(?![\w:])
      | (?<![\w:])::1\b
    )
  | (?P<text>
        (?<!\w)'(?:[^'\\\n]|\\.|'(?=\w)){{0,400}}'(?!\w) | "(?:[^"\\\n]|\\.){{0,400}}" | `[^`\n]{{0,400}}`
      | “[^”\n]{{0,400}}” | ‘[^’\n]{{0,400}}’ | «[^»\n]{{0,400}}»
    )
  | (?P<path>
        (?<![\w<.:/])(?:[A-Za-z]:[\\/]|\\\\|~?/|\.{{1,2}}/)[\w.@%+~$\\/-]*[\w/\\]
      | (?<![\w<./-])[\w.@-]{{1,100}}(?:/[\w.@-]{{1,100}})+\.[a-z]\w{{0,4}}\b
    )
  | (?P<number>
        \beyJ[\w-]{{8,}}(?:\.[\w-]+){{1,2}}
      | [\[(]\s?[+-]?\d[\w.]*(?:,\s?[+-]?\d[\w.]*)+\s?(?=[\])])
      | (?<![\w<])[+-]?(?:\d{{1,3}}(?:,\d{{3}})+|\d+)(?:\.\d+)?(?:[eE][+-]?\d+)?%?(?![\w.-]*\w)
      | (?<![\w%])(?=[\w-]{{0,80}}\d)[\w-]{{1,200}}(?:\.\d+)*[A-Za-z%]{{0,3}}
    )
    """,
    re.VERBOSE,
)
_WORD = {
    "url": "<url>",
    "email": "<email>",
    "uuid": "<uuid>",
    "time": "<time>",
    "ip": "<ip>",
    "text": "<text>",
    "path": "<path>",
    "number": "<*>",
}
_LIST = re.compile(r"(<[*\w]+>)(?:, ?\1)+")
_SPACE = re.compile(r"\s+")


def mask(message: str) -> str:
    """The first line of a message with a word for the kind of whatever varies."""
    return _mask(message[:_MOST_READ])


@lru_cache(maxsize=2048)
def _mask(message: str) -> str:
    line = message.lstrip().partition("\n")[0]
    masked = _VARIES.sub(_replaced, line)
    return _SPACE.sub(" ", _LIST.sub(r"\1", masked)).strip()[:_MOST_KEPT]


def _replaced(found: re.Match[str]) -> str:
    kind = found.lastgroup or ""
    if kind == "number" and found[0][0] in "[(":
        return f"{found[0][0]}<*>"
    return _WORD.get(kind, found[0])
