"""Text as people wrote it: plain out of HTML, and folded so that case is no difference.

"<p>Acme &amp; me<br>again</p>"  ──html_text──►  "Acme & me\nagain"
"ΣΟΦΟΣ", "σοφος", "Straße", "IŞIK"  ──fold──►  "σοφοσ", "σοφοσ", "strasse", "işik"
"""

import re
import unicodedata
from html import unescape

from selectolax.lexbor import LexborHTMLParser

MARK = re.compile("[\u0300-\u036f]")
"""Accents that stand after their letter. Where there are some, letter and accent are put together first."""

TAGS_MAX = 1_000
"""HTML with more of them is not parsed: a parser's time grows with the square of their depth, to minutes at 1 MiB."""

_BLOCK = re.compile(r"<(?:br|hr|/?(?:p|div|ul|ol|li|blockquote|pre|table|tr|h[1-6]))\b", re.IGNORECASE)
_PLAIN_TAG = re.compile(
    r"</?(?:p|br|a|span|b|i|u|em|strong|del|code|pre|ul|ol|li|blockquote)(?:\s+[a-z-]+=\"[^\"<>]*\")*\s*/?>"
)
"""What servers let through. Tags like these can be cut out; making a parser for them takes six times as long."""
_TAG = re.compile(r"<[^<>]*>")
_HREF = re.compile(r"""href=["']([^"'<>]*)""", re.IGNORECASE)


def fold(written: str) -> str:
    """The text without differences of case, letter by letter.

    Turkish I, İ, i and ı are one letter here: which of them belong together depends on the language of a text, and
    nobody knows it for a name in the middle of one.
    """
    if written.isascii():
        return written.lower()
    # Asked first because it is quick, and true for nearly all texts.
    if not unicodedata.is_normalized("NFC", written) and MARK.search(written):
        written = unicodedata.normalize("NFC", written)
    # Twice `replace`: `translate` with a table takes forty times as long.
    return written.casefold().replace("\u0307", "").replace("ı", "i")


def html_text(html: str) -> str:
    """What a reader sees of HTML: no tags, entities read, blocks and breaks on lines of their own."""
    return html_parts(html)[0]


def html_parts(html: str) -> tuple[str, list[str]]:
    """The text as `html_text` gives it, and the targets of its links."""
    marked = _BLOCK.sub(r"\n\g<0>", html.replace("\0", ""))
    written = _PLAIN_TAG.sub("", marked)
    if "<" in written and marked.count("<") <= TAGS_MAX:
        written, links = _parsed(marked)
    else:
        written = unescape(_TAG.sub("", written))
        links = [unescape(link) for link in _HREF.findall(marked)]
    lines = [line.strip() for line in written.split("\n")]
    return "\n".join(line for line in lines if line), [link for link in links if link]


def _parsed(html: str) -> tuple[str, list[str]]:
    parser = LexborHTMLParser(html)
    parser.strip_tags(["script", "style"])
    body = parser.body
    if body is None:
        return "", []
    return body.text(), [node.attributes.get("href") or "" for node in parser.css("a[href]")]
