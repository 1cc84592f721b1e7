"""Peers: what a setting may say of one calling AE title, as text and as a table of the TOML file.

`CT1,from=10.1.0.0/16+10.2.0.7,max=4,sop-classes=CTImageStorage,transfer-syntaxes=JPEG2000Lossless`; several such texts
are separated by semicolons. A keyword of PS3.6 becomes its UID here, so that a typing mistake is found at the start.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from pool.config.networks import Network, network
from pool.config.uids import SOP_CLASSES, TRANSFER_SYNTAXES
from pool.config.values import ae_title, whole_number

SEPARATOR: Final = ";"  # between peers
_KEY_SEPARATOR: Final = ","
_VALUE_SEPARATOR: Final = "+"

_LONGEST_UID: Final = 64  # PS3.5 9.1


class KnownPeer(NamedTuple):
    """What holds for associations with one calling AE title. Nothing given, nothing limited."""

    title: str
    networks: tuple[Network, ...] = ()  # that it may come from
    maximum: int = 0  # associations at one time; 0: no limit of its own
    sop_classes: tuple[str, ...] = ()  # UIDs
    transfer_syntaxes: tuple[str, ...] = ()  # UIDs


def _uid(kind: str, uids: Mapping[str, str], text: str) -> str:
    if text in uids:
        return uids[text]
    if text.isascii() and len(text) <= _LONGEST_UID and all(part.isdecimal() for part in text.split(".")):
        return text
    raise ValueError(f"{text}: no such {kind}; {_nearest(text, uids, 'give a keyword of PS3.6 or a UID')}")


def _nearest(text: str, names: Iterable[str], otherwise: str) -> str:
    nearest = difflib.get_close_matches(text, names, n=1)
    return f"did you mean {nearest[0]}?" if nearest else otherwise


class _Key(NamedTuple):
    """A key of the text: the field it fills, what each of its values may be, whether there may be several."""

    field: str
    parse: Callable[[str], Any]
    several: bool = True

    def value(self, text: str) -> Any:
        return tuple(map(self.parse, text.split(_VALUE_SEPARATOR))) if self.several else self.parse(text)


_KEYS: Final = {
    "from": _Key("networks", network),
    "max": _Key("maximum", whole_number(1, 1_000_000), several=False),
    "sop-classes": _Key("sop_classes", partial(_uid, "SOP class", SOP_CLASSES)),
    "transfer-syntaxes": _Key("transfer_syntaxes", partial(_uid, "transfer syntax", TRANSFER_SYNTAXES)),
}
_NAMES: Final = ", ".join(_KEYS)


def peers(text: str) -> tuple[KnownPeer, ...]:
    """Peers separated by semicolons; none where the text is empty."""
    found = tuple(_peer(part) for part in text.split(SEPARATOR)) if text.strip() else ()
    titles = [peer.title for peer in found]
    for title in titles:
        if titles.count(title) > 1:
            raise ValueError(f"{title} is listed twice; put all that holds for it into one")
    return found


def _peer(text: str) -> KnownPeer:
    title, *pairs = text.strip().split(_KEY_SEPARATOR)
    values: dict[str, Any] = {"title": ae_title(title)}
    for pair in pairs:
        name, equals, value = (part.strip() for part in pair.partition("="))
        key = _KEYS.get(name)
        if key is None:
            raise ValueError(f"{title}: {name}: no such key; {_nearest(name, _KEYS, f'the keys are {_NAMES}')}")
        if not equals:
            raise ValueError(f"{title}: {name}: give {name}=VALUE")
        if key.field in values:
            raise ValueError(f"{title}: {name} is given twice; separate its values with {_VALUE_SEPARATOR}")
        try:
            values[key.field] = key.value(value)
        except ValueError as error:
            raise ValueError(f"{title}: {name}: {error}") from None
    return KnownPeer(**values)


def show_peers(peers: Iterable[KnownPeer]) -> str:
    return SEPARATOR.join(map(_show_peer, peers))


def _show_peer(peer: KnownPeer) -> str:
    parts = [peer.title]
    for name, key in _KEYS.items():
        value = getattr(peer, key.field)
        if value:
            parts.append(f"{name}={_VALUE_SEPARATOR.join(map(str, value)) if key.several else value}")
    return _KEY_SEPARATOR.join(parts)


def peer_of_table(table: Mapping[str, object]) -> str:
    """The text of a [[peer]] table, whose keys are written with _ for -. Raises ValueError."""
    rest = {str(name).replace("_", "-"): value for name, value in table.items()}
    title = rest.pop("title", "")
    if not isinstance(title, str) or not title or SEPARATOR in title or _KEY_SEPARATOR in title:
        raise ValueError(f"title: {title!r} will not do: give an AE title without a comma or semicolon")
    parts = [title]
    for name, value in rest.items():
        values = value if isinstance(value, list) else [value]
        parts.append(f"{name}={_VALUE_SEPARATOR.join(_one_value(title, name, item) for item in values)}")
    return _KEY_SEPARATOR.join(parts)


def _one_value(title: str, name: str, value: object) -> str:
    """A value that is not taken for more than itself."""
    text = str(value)
    if not isinstance(value, (str, int)) or set(text) & {SEPARATOR, _KEY_SEPARATOR, _VALUE_SEPARATOR}:
        raise ValueError(f"{title}: {name}: {value!r} will not do: give one value, or a list of such")
    return text
