"""Patches in replies, as they were written: nothing in them is repaired here."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TAG = re.compile(r"<(patch|diff)>[ \t]*\n?(.*?)(?:</\1>|(\Z))", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(
    r"^[ \t]*(?P<marks>`{3,}|~{3,})[ \t]*(?P<word>[\w+-]*)[^\n]*\n(?P<body>.*?)"
    r"(?:^[ \t]*(?P=marks)[ \t]*$|(?P<open>\Z))",
    re.MULTILINE | re.DOTALL,
)
_BEGIN = re.compile(r"^(?:diff --git |--- )", re.MULTILINE)
_FILE = re.compile(r"^(?:\+\+\+ |diff --git )", re.MULTILINE)
_LINE = re.compile(
    r"[ +\-@\\]|diff --git |index |(?:new|deleted) file mode |(?:old|new) mode |(?:rename|copy) "
    r"|similarity |dissimilarity |$"
)
# Form feeds, which Python sources hold, end none.
_LINES = re.compile(r".*\n|.+")
_WORDS = ("diff", "patch")


@dataclass(frozen=True, slots=True)
class PatchReply:
    """A patch found in a reply. ``where``: "tag", "fence", "text"; ``whole``: it does not run into the reply's end."""

    patch: str
    where: str
    whole: bool


def extract_patch(text: str) -> PatchReply | None:
    """The first of these that holds a patch: a ``<patch>`` or ``<diff>`` tag, a fence of that name, any other fence,
    the text from the first line that begins one. ``None`` where there is no patch."""
    for tag in _TAG.finditer(text):
        if _FILE.search(tag[2]):
            inner = _FENCE.search(tag[2])
            body = inner["body"] if inner and _FILE.search(inner["body"]) else tag[2]
            return PatchReply(body, "tag", tag[3] is None)
    fences = list(_FENCE.finditer(text))
    for fence in sorted(fences, key=lambda one: one["word"].lower() not in _WORDS):
        if _FILE.search(fence["body"]):
            return PatchReply(fence["body"], "fence", fence["open"] is None)
    return _unmarked(text)


def _unmarked(text: str) -> PatchReply | None:
    """From the first line of a patch to the last that can be one of its lines."""
    begin = _BEGIN.search(text)
    if begin is None or not _FILE.search(text, begin.start()):
        return None
    lines = _LINES.findall(text, begin.start())
    end = next((index for index, line in enumerate(lines) if not _LINE.match(line.rstrip("\r\n"))), len(lines))
    kept = lines[:end]
    # A line of a space alone is the file's, a blank one of the patch.
    while kept and not kept[-1].rstrip("\r\n"):
        kept.pop()
    return PatchReply("".join(kept), "text", end < len(lines))
