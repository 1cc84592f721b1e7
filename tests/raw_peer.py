"""A peer on a plain socket: it says byte for byte what a test wants said, and reads PDUs until the other side closes.

The builders below make what a good peer would say; tests spoil it where they want.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

from peers import DEADLINE

from ul.acse import request
from ul.pdu_primitives import PresentationContextDefinition, PresentationContextResult
from ul.sop_class import CTImageStorage, ExplicitVRLittleEndian, Verification
from ul.status import PENDING
from ul.wire.command import C_ECHO_RQ, C_STORE_RQ, Command, decode_command, encode_command
from ul.wire.pdu import decode, encode

RQ, AC, RJ, P_DATA, RELEASE_RQ, RELEASE_RP, ABORT = range(1, 8)
RELEASE_REQUEST = bytes.fromhex("05 00 00000004 00000000")

ECHO_CONTEXT, STORE_CONTEXT = 1, 3
CONTEXTS = (
    PresentationContextDefinition(ECHO_CONTEXT, Verification, ["1.2.840.10008.1.2"]),
    PresentationContextDefinition(STORE_CONTEXT, CTImageStorage, [ExplicitVRLittleEndian]),
)


class PDU(NamedTuple):
    """A PDU as it came. For A-ASSOCIATE-RJ and A-ABORT, `verdict` is its last three bytes."""

    kind: int
    body: bytes

    @property
    def verdict(self) -> tuple[int, int, int]:
        assert self.kind in (RJ, ABORT), self
        return self.body[1], self.body[2], self.body[3]


def associate_rq(
    contexts: Sequence[PresentationContextDefinition] = CONTEXTS,
    *,
    calling: str = "RAW",
    called: str = "ULPOOL",
    **changes: Any,
) -> bytes:
    """An A-ASSOCIATE-RQ."""
    return encode(request(calling_ae_title=calling, called_ae_title=called, contexts=contexts, **changes))


def pdu(kind: int, body: bytes) -> bytes:
    """Any PDU with the right length."""
    return struct.pack(">BxL", kind, len(body)) + body


def pdv(context_id: int, header: int, fragment: bytes) -> bytes:
    """A presentation data value; `header` 1 is a command, 2 the last fragment."""
    return struct.pack(">LBB", len(fragment) + 2, context_id, header) + fragment


def p_data(context_id: int, header: int, fragment: bytes) -> bytes:
    """A P-DATA-TF with one presentation data value."""
    return pdu(P_DATA, pdv(context_id, header, fragment))


def echo_rq(message_id: int = 1) -> bytes:
    """A C-ECHO-RQ."""
    command = Command(C_ECHO_RQ, MessageID=message_id, AffectedSOPClassUID=Verification)
    return p_data(ECHO_CONTEXT, 3, encode_command(command))


def store_rq(uid: str, message_id: int = 1, context_id: int = STORE_CONTEXT) -> bytes:
    """A C-STORE-RQ; its data set is to follow."""
    command = Command(
        C_STORE_RQ,
        MessageID=message_id,
        AffectedSOPClassUID=CTImageStorage,
        AffectedSOPInstanceUID=uid,
        Priority=0,
        CommandDataSetType=1,
    )
    return p_data(context_id, 3, encode_command(command))


def data_set(uid: str, pixels: bytes = b"", **texts: str) -> bytes:
    """A small CT image in explicit VR little endian. `texts`: values by tag, as `g0010e0010="A^B"`, all of VR LO."""
    elements = {
        (0x0008, 0x0016): (b"UI", CTImageStorage),
        (0x0008, 0x0018): (b"UI", uid),
        (0x0020, 0x000D): (b"UI", "1.2.3"),
        (0x0020, 0x000E): (b"UI", "1.2.3.4"),
    }
    for name, text in texts.items():
        elements[int(name[1:5], 16), int(name[6:10], 16)] = (b"LO", text)
    encoded = b""
    for (group, element), (vr, text) in sorted(elements.items()):
        value = text.encode()
        value += (b"\0" if vr == b"UI" else b" ") * (len(value) % 2)
        encoded += struct.pack("<HH2sH", group, element, vr, len(value)) + value
    return encoded + struct.pack("<HH2sxxL", 0x7FE0, 0x0010, b"OB", len(pixels)) + pixels


class RawPeer:
    """A connection to a server. `receive_buffer` bytes is how little of what is sent to it waits in its kernel."""

    def __init__(self, port: int, receive_buffer: int | None = None, source: str = "127.0.0.1") -> None:
        self.socket = socket.socket()
        self.socket.bind((source, 0))
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(DEADLINE)
        self.socket.connect(("127.0.0.1", port))
        self.address = "{}:{}".format(*self.socket.getsockname())
        self._values = b""  # of a P-DATA-TF, behind the command that was asked for

    def send(self, *parts: bytes) -> None:
        self.socket.sendall(b"".join(parts))

    def receive(self) -> PDU | None:
        """The next PDU; None when the other side has closed."""
        header = self._read(6)
        if header is None:
            return None
        kind, length = struct.unpack(">BxL", header)
        body = self._read(length)
        assert body is not None, "closed amid a PDU"
        return PDU(kind, body)

    def _read(self, length: int) -> bytes | None:
        data = b""
        while len(data) < length:
            piece = self.socket.recv(length - len(data))
            if not piece:
                assert not data, "closed amid a PDU"
                return None
            data += piece
        return data

    def expect(self, kind: int) -> PDU:
        """The next PDU, which is of this kind."""
        received = self.receive()
        assert received is not None and received.kind == kind, received
        return received

    def request(self, *contexts: PresentationContextDefinition, **changes: Any) -> PDU | None:
        """Ask for an association; the answer."""
        self.send(associate_rq(contexts or CONTEXTS, **changes))
        return self.receive()

    def associate(self, *contexts: PresentationContextDefinition, **changes: Any) -> list[PresentationContextResult]:
        """Get an association; the results of its contexts."""
        answer = self.request(*contexts, **changes)
        assert answer is not None and answer.kind == AC, answer
        accepted = decode(AC, answer.body)
        return accepted.presentation_context_definition_results_list  # type: ignore[union-attr]

    def response(self) -> Command:
        """The command of the next message, which is a response; data sets are passed over."""
        command = b""
        while True:
            while not self._values:
                self._values = self.expect(P_DATA).body
            length, _, header = struct.unpack_from(">LBB", self._values)
            if header & 1:
                command += self._values[6 : length + 4]
            self._values = self._values[length + 4 :]
            if header == 3:
                return decode_command(command)

    def final_status(self) -> int | None:
        """The status of the next response that is not pending."""
        while (status := self.response().Status) in PENDING:
            continue
        return status

    def echo(self, message_id: int = 1) -> None:
        self.send(echo_rq(message_id))
        response = self.response()
        assert (response.Status, response.MessageIDBeingRespondedTo) == (0, message_id)

    def store(self, uid: str, data: bytes, message_id: int = 1) -> int:
        """Store an instance; the status."""
        self.send(store_rq(uid, message_id), p_data(STORE_CONTEXT, 2, data))
        status: int = self.response().Status
        return status

    def release(self) -> None:
        """An orderly end."""
        self.send(RELEASE_REQUEST)
        self.expect(RELEASE_RP)
        self.close()

    def reset(self) -> None:
        """Close with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self.socket.close()

    def __del__(self) -> None:
        self.close()  # a test that failed leaves nothing open

    def __enter__(self) -> RawPeer:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
