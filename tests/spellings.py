"""Every spelling that a word about a person could lie on a disk in, and the search for all of them."""

import base64
import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator

LEAST = 6
"""Shorter pieces of bytes would be found by chance."""


def spellings(text: str) -> Iterator[tuple[str, bytes]]:
    for encoding in ("utf-8", "utf-16-le", "utf-16-be", "gbk"):
        yield encoding, text.encode(encoding)
        yield f"{encoding} hex", text.encode(encoding).hex().encode()
    escaped = json.dumps(text)[1:-1]
    yield "json", escaped.encode()
    yield "json, large", escaped.upper().replace("\\U", "\\u").encode()
    yield "json twice", json.dumps(escaped)[1:-1].encode()
    for shift in range(3):
        yield f"base64 +{shift}", _base64(text.encode(), shift)


def _base64(content: bytes, shift: int) -> bytes:
    """The part of the base64 that is the same whatever stands before and after."""
    code = base64.b64encode(b"\0" * shift + content)
    first = (shift * 8 + 5) // 6
    return code[first : (shift + len(content)) * 8 // 6]


def found(content: bytes, words: Iterable[str]) -> set[str]:
    """Which of the words are there, and how they are spelled; within archives too."""
    here = {
        f"{text} as {spelling}"
        for text in words
        for spelling, wanted in spellings(text)
        if len(wanted) >= LEAST and wanted in content
    }
    return here.union(*(found(inner, words) for inner in _within(content)))


def _within(content: bytes) -> Iterator[bytes]:
    """What an archive holds (a workbook is one), and what is packed."""
    try:
        if content.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                yield from (archive.read(name) for name in archive.namelist())
        if content.startswith(b"\x1f\x8b"):
            yield gzip.decompress(content)
    except (zipfile.BadZipFile, OSError, EOFError, zlib.error):
        return
