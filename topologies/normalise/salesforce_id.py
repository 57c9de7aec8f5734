"""Salesforce record ids: 15 characters in which capitals matter, or 18 in which they do not.

    0032X00002QU10J ──► 0032X00002QU10JQAT     three more characters say which of the 15 are capitals

Events carry the long form; people and other systems often keep the short one. Both are one record.
"""

import re

_SHORT = re.compile(r"[A-Za-z0-9]{15}")
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def long_id(text: str) -> str:
    """The 18 characters of a 15-character id; any other text as it is."""
    if not _SHORT.fullmatch(text):
        return text
    # Each group of five gives one character: bit i is set when character i of the group is a capital.
    groups = (text[0:5], text[5:10], text[10:15])
    return text + "".join(
        _SUFFIX[sum(1 << index for index, char in enumerate(group) if char.isascii() and char.isupper())]
        for group in groups
    )
