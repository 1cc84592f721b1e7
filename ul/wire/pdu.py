"""The PDUs of PS3.8 9.3 but P-DATA-TF: whole PDUs <-> the primitives of `ul.pdu_primitives`.

What the values mean is judged above (`ul.acse`); here is only what makes a PDU well formed: lengths against their
parents, and presentation contexts that can be told apart. P-DATA-TF, the hot path, is `ul.wire.p_data`.
Offsets in error messages count from the first byte of the PDU, as in the tables of the standard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from struct import Struct
from struct import error as StructError
from typing import Any, Final

from ul.errors import UNRECOGNIZED_PDU, ProtocolError, UsageError
from ul.memo import Memo
from ul.pdu_primitives import (
    A_ABORT,
    A_ASSOCIATE,
    A_P_ABORT,
    A_RELEASE,
    Primitive,
    UnknownItem,
)
from ul.wire.fields import TEXT, Layout, by_type, read_items
from ul.wire.items import (
    APPLICATION_CONTEXT,
    PRESENTATION_CONTEXT_AC,
    PRESENTATION_CONTEXT_RQ,
    USER_INFORMATION,
    encode_unknown_item,
)

A_ASSOCIATE_RQ: Final = 0x01
A_ASSOCIATE_AC: Final = 0x02
A_ASSOCIATE_RJ: Final = 0x03
P_DATA_TF: Final = 0x04
A_RELEASE_RQ: Final = 0x05
A_RELEASE_RP: Final = 0x06
A_ABORT_PDU: Final = 0x07

PDU_NAMES: Final = {
    A_ASSOCIATE_RQ: "A-ASSOCIATE-RQ",
    A_ASSOCIATE_AC: "A-ASSOCIATE-AC",
    A_ASSOCIATE_RJ: "A-ASSOCIATE-RJ",
    P_DATA_TF: "P-DATA-TF",
    A_RELEASE_RQ: "A-RELEASE-RQ",
    A_RELEASE_RP: "A-RELEASE-RP",
    A_ABORT_PDU: "A-ABORT",
}

HEADER: Final = Struct(">BxL")
FIXED_LENGTH: Final = 4  # what follows the header of every PDU but A-ASSOCIATE-RQ, A-ASSOCIATE-AC and P-DATA-TF
MAXIMUM_CONTEXTS: Final = 128  # the odd numbers from 1 to 255 (PS3.8 9.3.2.2)

_SHORT: Final = Struct(">BxLxBBB")  # the PDUs of fixed length, whole
_ASSOCIATE: Final = Struct(">H2x16s16s32x")  # A-ASSOCIATE-RQ and -AC: from the header to the first item
_FIRST_ITEM: Final = HEADER.size + _ASSOCIATE.size
_TITLE_LENGTH: Final = 16
_ASSOCIATE_LAYOUTS: Final = {
    A_ASSOCIATE_RQ: by_type((APPLICATION_CONTEXT, PRESENTATION_CONTEXT_RQ, USER_INFORMATION)),
    A_ASSOCIATE_AC: by_type((APPLICATION_CONTEXT, PRESENTATION_CONTEXT_AC, USER_INFORMATION)),
}

_SERVICE_PROVIDER: Final = 2  # the abort source of PS3.8 9.3.8

_Items = list[tuple[int, Any]]  # item type and item
_Body = bytes | bytearray | memoryview


# --- decoding --------------------------------------------------------------------------------------------------------


def decode(pdu_type: int, body: _Body) -> Primitive:
    """The primitive in the PDU of this type whose bytes after the six of the header are `body`.

    An A-ASSOCIATE primitive may be shared with other callers who sent the same bytes: it is to be read only.
    Raises ProtocolError, which names item and offset, for anything else than a well-formed PDU.
    """
    decoder = _DECODERS.get(pdu_type)
    if decoder is None:
        raise ProtocolError(f"PDU type {pdu_type:02X}H has no decoding here", UNRECOGNIZED_PDU)
    pdu = b"".join((HEADER.pack(pdu_type, len(body)), body))
    try:
        return decoder(pdu)
    except ProtocolError as error:
        raise ProtocolError(f"{PDU_NAMES[pdu_type]}: {error}", error.reason) from None


def _decode_associate(pdu: bytes) -> A_ASSOCIATE:
    if len(pdu) < _FIRST_ITEM:
        raise ProtocolError(f"ends at offset {len(pdu)}, within its fixed fields")
    pdu_type = pdu[0]
    version, called, calling = _ASSOCIATE.unpack_from(pdu, HEADER.size)
    items = read_items(pdu, _FIRST_ITEM, len(pdu), _ASSOCIATE_LAYOUTS[pdu_type])
    return A_ASSOCIATE(
        calling_ae_title=_read_title(calling),
        called_ae_title=_read_title(called),
        application_context_name=_one(items, APPLICATION_CONTEXT, ""),
        presentation_context_definition_list=_contexts(items, PRESENTATION_CONTEXT_RQ),
        presentation_context_definition_results_list=_contexts(items, PRESENTATION_CONTEXT_AC),
        user_information=_one(items, USER_INFORMATION, []),
        result=None if pdu_type == A_ASSOCIATE_RQ else 0,
        protocol_version=version,
        unknown_items=[item for _, item in items if isinstance(item, UnknownItem)],
        encoded=pdu,
    )


def _all(items: _Items, layout: Layout) -> list[Any]:
    return [item for item_type, item in items if item_type == layout.item_type and not isinstance(item, UnknownItem)]


def _one(items: _Items, layout: Layout, absent: Any) -> Any:
    """The one item of this layout. What its absence means is judged above."""
    found = _all(items, layout)
    if len(found) > 1:
        raise ProtocolError(f"has {len(found)} of {layout.name}, not one")
    return found[0] if found else absent


def _contexts(items: _Items, layout: Layout) -> list[Any]:
    """Presentation-context-ID values shall be odd integers between 1 and 255, each once (PS3.8 9.3.2.2)."""
    contexts = _all(items, layout)
    if len(contexts) > MAXIMUM_CONTEXTS:
        raise ProtocolError(f"{len(contexts)} presentation contexts, more than {MAXIMUM_CONTEXTS}")
    seen: set[int] = set()
    for context in contexts:
        context_id = context.context_id
        if not context_id & 1:
            raise ProtocolError(f"presentation context id {context_id} is not odd")
        if context_id in seen:
            raise ProtocolError(f"presentation context id {context_id} is repeated")
        seen.add(context_id)
    return contexts


def _read_title(raw: bytes) -> str:
    """Titles come padded with spaces, with NULs, or as a C string with whatever follows its NUL."""
    return raw.partition(b"\0")[0].decode("latin-1").strip(" ")


# By the fixed fields, length included: to hash a whole request takes three times as long as to compare it.
_decoded_before: Memo[bytes, A_ASSOCIATE] = Memo()


def _decode_remembering(pdu: bytes) -> A_ASSOCIATE:
    decoded = _decoded_before.get(pdu[:_FIRST_ITEM])
    if decoded is not None and decoded.encoded == pdu:
        return decoded
    decoded = _decode_associate(pdu)
    return _decoded_before.keep(pdu[:_FIRST_ITEM], decoded, len(pdu))


def _unpack_short(pdu: bytes) -> tuple[int, int, int]:
    """The three significant bytes of a PDU of fixed length."""
    if len(pdu) != _SHORT.size:
        raise ProtocolError(f"length {len(pdu) - HEADER.size}, not {FIXED_LENGTH}")
    _, _, first, second, third = _SHORT.unpack(pdu)
    return first, second, third


def _decode_reject(pdu: bytes) -> A_ASSOCIATE:
    result, source, diagnostic = _unpack_short(pdu)
    if result not in (1, 2):  # 0 would read as an acceptance
        raise ProtocolError(f"result at offset 7: {result} is neither permanent nor transient")
    return A_ASSOCIATE(result=result, result_source=source, diagnostic=diagnostic, encoded=pdu)


def _decode_release_request(pdu: bytes) -> A_RELEASE:
    _unpack_short(pdu)
    return A_RELEASE()


def _decode_release_reply(pdu: bytes) -> A_RELEASE:
    _unpack_short(pdu)
    return A_RELEASE("affirmative")


def _decode_abort(pdu: bytes) -> A_ABORT | A_P_ABORT:
    _, source, reason = _unpack_short(pdu)
    return A_P_ABORT(reason) if source == _SERVICE_PROVIDER else A_ABORT(source)


_DECODERS: Final[dict[int, Callable[[bytes], Primitive]]] = {
    A_ASSOCIATE_RQ: _decode_remembering,
    A_ASSOCIATE_AC: _decode_remembering,
    A_ASSOCIATE_RJ: _decode_reject,
    A_RELEASE_RQ: _decode_release_request,
    A_RELEASE_RP: _decode_release_reply,
    A_ABORT_PDU: _decode_abort,
}


# --- encoding --------------------------------------------------------------------------------------------------------


def encode(primitive: Primitive) -> bytes:
    """The whole PDU of a primitive. An A-ASSOCIATE keeps it as `encoded`, and that is used again.

    Raises UsageError where a value does not fit its field.
    """
    encoder = _ENCODERS.get(type(primitive))
    if encoder is None:
        raise UsageError(f"{type(primitive).__name__} has no encoding here")
    try:
        return encoder(primitive)
    except (StructError, UnicodeEncodeError, TypeError, AttributeError) as error:
        raise UsageError(f"{type(primitive).__name__} cannot be encoded: {error}") from error


def _encode_associate(primitive: A_ASSOCIATE) -> bytes:
    pdu_type = _ASSOCIATE_TYPES.get(primitive.result)
    if pdu_type is None:
        raise UsageError(f"A-ASSOCIATE result {primitive.result} is not one of None, 0, 1 and 2")
    # A request that was decoded and given a result is no longer what its bytes say.
    if primitive.encoded is None or primitive.encoded[0] != pdu_type:
        encoder = _encode_reject if pdu_type == A_ASSOCIATE_RJ else _encode_request_or_accept
        primitive.encoded = encoder(pdu_type, primitive)
    return primitive.encoded


def _encode_request_or_accept(pdu_type: int, primitive: A_ASSOCIATE) -> bytes:
    fixed = _ASSOCIATE.pack(
        primitive.protocol_version,
        _write_title(primitive.called_ae_title),
        _write_title(primitive.calling_ae_title),
    )
    body = b"".join((fixed, *_encode_items(pdu_type, primitive)))
    return HEADER.pack(pdu_type, len(body)) + body


def _encode_items(pdu_type: int, primitive: A_ASSOCIATE) -> Iterable[bytes]:
    yield APPLICATION_CONTEXT.encode(primitive.application_context_name)
    if pdu_type == A_ASSOCIATE_RQ:
        yield from map(PRESENTATION_CONTEXT_RQ.encode, primitive.presentation_context_definition_list)
    else:
        yield from map(PRESENTATION_CONTEXT_AC.encode, primitive.presentation_context_definition_results_list)
    yield USER_INFORMATION.encode(primitive.user_information)
    yield from map(encode_unknown_item, primitive.unknown_items)


def _write_title(title: str) -> bytes:
    raw = TEXT.write(title)
    if len(raw) > _TITLE_LENGTH:
        raise UsageError(f"AE title {title!r} is longer than {_TITLE_LENGTH} characters")
    return raw.ljust(_TITLE_LENGTH)


def _encode_short(pdu_type: int, first: int | None = 0, second: int | None = 0, third: int | None = 0) -> bytes:
    return _SHORT.pack(pdu_type, FIXED_LENGTH, first, second, third)


def _encode_reject(pdu_type: int, primitive: A_ASSOCIATE) -> bytes:
    return _encode_short(pdu_type, primitive.result, primitive.result_source, primitive.diagnostic)


def _encode_release(primitive: A_RELEASE) -> bytes:
    return _encode_short(A_RELEASE_RQ if primitive.result is None else A_RELEASE_RP)


def _encode_abort(primitive: A_ABORT) -> bytes:
    return _encode_short(A_ABORT_PDU, 0, primitive.abort_source)


def _encode_provider_abort(primitive: A_P_ABORT) -> bytes:
    return _encode_short(A_ABORT_PDU, 0, _SERVICE_PROVIDER, primitive.provider_reason)


# The result of an A-ASSOCIATE primitive says which PDU it is.
_ASSOCIATE_TYPES: Final[dict[int | None, int]] = {
    None: A_ASSOCIATE_RQ,
    0: A_ASSOCIATE_AC,
    1: A_ASSOCIATE_RJ,
    2: A_ASSOCIATE_RJ,
}

_ENCODERS: Final[dict[type, Callable[[Any], bytes]]] = {
    A_ASSOCIATE: _encode_associate,
    A_RELEASE: _encode_release,
    A_ABORT: _encode_abort,
    A_P_ABORT: _encode_provider_abort,
}
