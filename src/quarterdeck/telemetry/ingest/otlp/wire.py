"""The little of protobuf's wire format that we write ourselves."""


def varint(number: int) -> bytes:
    """Base-128 encoding of a non-negative integer, least significant group first."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def text_field(field: int, text: bytes) -> bytes:
    """A string or bytes field."""
    return varint(field << 3 | 2) + varint(len(text)) + text
