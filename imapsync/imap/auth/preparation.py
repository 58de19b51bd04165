"""
SASLprep (RFC 4013): one form for all strings that look the same.
"""

from __future__ import annotations


def prepared(text: str) -> str:
    """
    The form that both ends of a login make of a user name or password that is looked
    up (RFC 3454, 7); what has none, such as a control character, stays as it is: the
    server may have taken it so.
    """
    if text.isascii():
        return text
    import stringprep  # here, because few need them
    import unicodedata

    mapped = "".join(
        " " if stringprep.in_table_c12(character) else character
        for character in text
        if not stringprep.in_table_b1(character)
    )
    result = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    fits = result and not _isProhibited(result) and _runsOneWay(result)
    return result if fits else text


def _isProhibited(text: str) -> bool:
    """
    RFC 4013, 2.3.
    """
    import stringprep as tables

    prohibited = (
        *(tables.in_table_c12, tables.in_table_c21_c22, tables.in_table_c3),
        *(tables.in_table_c4, tables.in_table_c5, tables.in_table_c6),
        *(tables.in_table_c7, tables.in_table_c8, tables.in_table_c9),
    )
    return any(isIn(character) for character in text for isIn in prohibited)


def _runsOneWay(text: str) -> bool:
    """
    RFC 3454, 6: what is read from right to left is so from end to end.
    """
    from stringprep import in_table_d1, in_table_d2

    if not any(map(in_table_d1, text)):
        return True
    ends = in_table_d1(text[0]) and in_table_d1(text[-1])
    return ends and not any(map(in_table_d2, text))
