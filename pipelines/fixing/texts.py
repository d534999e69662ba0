"""What can be mended in a text without knowing its column: signs that nobody sees, and a wrong encoding."""

import ftfy

SPACES = "".join(chr(code) for code in (*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B),
                                        0x2028, 0x2029, 0x202F, 0x205F, 0x3000))  # fmt: skip
UNSEEN = "\u200b\u200c\u200d\u2060\ufeff"
"""Signs without width. Inside a text they may mean something (emoji, Persian); at its ends they never do."""

_READ_SPACES = " \t\n\r\xa0\u202f\ufeff"
"""What the intake takes off by itself (`pipelines.intake.readings.WHITESPACE`)."""


def trimmed(text: str) -> str:
    """Without white space and signs of no width at both ends."""
    return text.strip(SPACES + UNSEEN)


def as_read(text: str) -> str:
    """Without what the intake takes off: the value as it counts today."""
    return text.strip(_READ_SPACES)


def repaired(text: str) -> str:
    """``InscripciÃ³n`` -> ``Inscripción``: UTF-8 that was once read in another encoding, undone.

    Only when undoing is certain: ftfy needs nothing but one wrong encoding to explain the text, taking the
    way back gives the same text again, no sign is lost, and the result does not ask for a second repair.
    """
    if text.isascii():
        return text
    result, steps = ftfy.fix_encoding_and_explain(text)
    if result == text or not steps or "\ufffd" in result:
        return text
    back = result
    for step in reversed(steps):
        action, codec = step.action, step.parameter
        try:
            if action == "decode":
                data = back.encode(codec)
            elif action == "encode":
                back = data.decode(codec)
            else:
                return text
        except (UnicodeError, LookupError):
            return text
    return result if back == text and ftfy.fix_encoding(result) == result else text
