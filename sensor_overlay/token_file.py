"""The tokens file, written: names and hashes, never a token (see `sensor_overlay.access`)."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sensor_overlay.access import Right, load_tokens, new_token
from zwilling.errors import SettingsError

GROUPS: Final = ("public", "staff", "crisis")
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f]{1,100}")
_HEAD: Final = "# API tokens of this twin: hashes, which open nothing. 'zwilling sensors token' writes this file.\n"


def add_token(
    path: Path, name: str, *, rights: Sequence[Right] = (), groups: Sequence[str] = (), sites: Sequence[str] = ()
) -> str:
    """Return a new token, whose hash stands in the file at `path` from now on; it can never be shown again.

    Raises:
        SettingsError: the name is empty or taken, or the file is broken or cannot be written.
    """
    if not _NAME.fullmatch(name) or name != name.strip():
        raise SettingsError(
            "the name of a token has 1 to 100 characters, none of them a control character or a blank at an end",
            source=path,
            remedy="name who will hold it, such as 'Hausmeister S07'",
        )
    text = _HEAD
    if path.exists():
        load_tokens(path)  # refuses what is broken, before anything is written to it
        text = path.read_text(encoding="utf-8")
        if any(token.get("name") == name for token in tomllib.loads(text).get("token", [])):
            remedy = "choose another name, or delete its entry in the file first"
            raise SettingsError(f"there is a token '{name}' already", source=path, remedy=remedy)
    token, digest = new_token()
    lines = ["", "[[token]]", f"name = {_quoted(name)}", f'sha256 = "{digest}"']
    lines += [f"groups = {_list(groups)}", f"rights = {_list(rights)}"]
    lines += [f"sites = {_list(sites)}"] if sites else []
    _replace(path, text.rstrip("\n") + "\n" + "\n".join(lines) + "\n")
    return token


def _replace(path: Path, text: str) -> None:
    """Write the file as a whole, so that a server never reads half of it; only its owner may read it."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise SettingsError(
            f"cannot be written ({error.strerror})", source=path, remedy="let the twin's user write to its folder"
        ) from error


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a basic string of TOML is one of JSON, save for control characters


def _list(texts: Sequence[str]) -> str:
    return "[" + ", ".join(_quoted(str(text)) for text in texts) + "]"
