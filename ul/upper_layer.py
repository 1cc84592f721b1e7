"""UpperLayer: bytes <-> service primitives, one side of one association (PS3.8 clauses 7 and 9). Sans-I/O.

What belongs here: finding the PDUs in the stream, refusing what no PDU may be, turning each into an event for the state
machine, and doing what its actions ask (`ul.fsm.Provider`). What does not: what the primitives mean (`ul.session`),
how they are encoded (`ul.wire`), and whose bytes these are: a shell moves them.

How a shell drives it, `now` being its monotonic time in seconds:

    upper_layer.transport_opened(now)            # an acceptor, at once; a requestor, once `should_connect` is done
    upper_layer.receive(data, now)               # or receive_eof(now)
    while (primitive := upper_layer.next_primitive(now)) is not None:
        ...                                      # react: upper_layer.request(primitive, now)
    upper_layer.retain()                         # only if the buffer behind `data` is about to be used again
    send(upper_layer.data_to_send())             # side by side
    if upper_layer.should_close: close()         # once that has left
    wait(upper_layer.deadline)                   # then upper_layer.handle_timeout(now)

Pull, not push: `receive` only appends and `next_primitive` goes at most one PDU further, so the same stream gives the
same primitives and answers however TCP cuts it, and the shell can stop pulling. A P-DATA-TF is never gathered: its PDVs
are handed on in the pieces that arrive. What is allocated follows the bytes received, never the lengths they claim.
"""

from __future__ import annotations

from typing import Final

from ul.errors import UNRECOGNIZED_PDU, ProtocolError, UsageError
from ul.fsm import StateMachine
from ul.pdu_primitives import A_ABORT, A_ASSOCIATE, A_P_ABORT, A_RELEASE, P_DATA, Primitive
from ul.timer import Timer
from ul.wire import p_data
from ul.wire.pdu import (
    A_ABORT_PDU,
    A_ASSOCIATE_AC,
    A_ASSOCIATE_RJ,
    A_ASSOCIATE_RQ,
    A_RELEASE_RP,
    A_RELEASE_RQ,
    FIXED_LENGTH,
    HEADER,
    P_DATA_TF,
    PDU_NAMES,
    decode,
    encode,
)

_EVENT_OF_PDU: Final = {
    A_ASSOCIATE_RQ: "Evt6",
    A_ASSOCIATE_AC: "Evt3",
    A_ASSOCIATE_RJ: "Evt4",
    P_DATA_TF: "Evt10",
    A_RELEASE_RQ: "Evt12",
    A_RELEASE_RP: "Evt13",
    A_ABORT_PDU: "Evt16",
}
_HEADER_LENGTH: Final = HEADER.size
# What the machine says by itself to a peer it knows nothing of yet (AA-1, AE-6): no one above is told.
_REFUSED_IN_STA2: Final = {
    A_ABORT: "the first PDU is no A-ASSOCIATE-RQ",
    A_ASSOCIATE: "A-ASSOCIATE-RQ: protocol version 1 is not offered",
}
_DATA_STATES: Final = ("Sta6", "Sta7")  # those of DT-2 and AR-6
_UNLIMITED: Final = 0xFFFFFFFF  # the most a PDU-length can say
# A stream of what is no PDU: each six bytes of it cost 7 us and an A-ABORT (AA-7). The rest is read and dropped.
_MOST_REFUSED: Final = 16
_ENDLESS: Final = 1 << 63
_NOTHING: Final = memoryview(b"")


class UpperLayer:
    """The upper layer service provider of one association.

    `requestor`: whether this side asks for the association. `artim_timeout`: seconds, None for no bound.
    `maximum_length`: of a P-DATA-TF that we receive, in bytes; 0 is unlimited (PS3.8 D.1).
    `maximum_associate_length`: of an A-ASSOCIATE-RQ or -AC that we receive, in bytes.
    """

    __slots__ = (
        "_body",
        "_body_type",
        "_borrowed",
        "_end",
        "_eof",
        "_issued",
        "_maximum_associate_length",
        "_maximum_length",
        "_now",
        "_offset",
        "_open",
        "_output",
        "_reader",
        "_refused",
        "_remaining",
        "_request",
        "_unread",
        "_view",
        "artim_timer",
        "breach",
        "requestor",
        "should_close",
        "should_connect",
        "state_machine",
    )

    def __init__(
        self,
        requestor: bool,
        *,
        artim_timeout: float | None = 30.0,
        maximum_length: int = 131072,
        maximum_associate_length: int = 262144,
    ) -> None:
        self.requestor = requestor
        self.state_machine = StateMachine(self)
        self.artim_timer = Timer(artim_timeout)
        self.should_connect = False  # open the transport connection, then call `transport_opened`
        self.should_close = False  # send `data_to_send`, then close: this object is done
        self.breach = ""  # the first PDU that was refused, for the log: in Sta2 nothing is indicated
        self._maximum_length = maximum_length or _UNLIMITED
        self._maximum_associate_length = maximum_associate_length
        self._now = 0.0
        self._open = False
        self._eof = False
        self._request: A_ASSOCIATE | None = None  # waits in Sta4 for the transport connection
        self._issued: list[Primitive] = []
        self._output: list[bytes | bytearray | memoryview] = []

        # What was received: `_view[_offset:_end]`, then the buffers in `_unread`, which are joined to it when needed.
        self._view = _NOTHING
        self._offset = self._end = 0
        self._borrowed = False  # whether `_view` is the caller's
        self._unread: list[bytes | bytearray | memoryview] | None = None

        # The PDU under way: read by `_reader`, gathered in `_body`, or else skipped.
        self._reader = p_data.PDataReader()
        self._body: bytearray | None = None
        self._body_type = 0
        self._remaining = 0  # bytes of it still to come
        self._refused = 0  # how many there were that broke the protocol

    # --- the transport's side ----------------------------------------------------------------------------------------

    def transport_opened(self, now: float) -> None:
        """The transport connection is there: Evt2 for a requestor, Evt5 for an acceptor."""
        self._now = now
        self.state_machine.do_action("Evt2" if self.requestor else "Evt5", self._request)
        self._request = None
        self.should_connect = False
        self._open = True

    def receive(self, data: bytes | bytearray | memoryview, now: float) -> None:
        """Append bytes from the transport. They are borrowed until pulled: see `retain`."""
        if not self._open:
            return
        if self._offset == self._end and not self._unread:
            self._hold(data if type(data) is memoryview else memoryview(data), borrowed=True)
        elif self._unread is None:
            self._unread = [data]
        else:
            self._unread.append(data)

    def retain(self) -> None:
        """Copy what is held but not yet pulled: from now on the caller's buffer may be used again."""
        if self._borrowed:
            self._hold(memoryview(bytes(self._view[self._offset :])), borrowed=False)
        if self._unread:
            self._unread = [data if type(data) is bytes else bytes(data) for data in self._unread]

    def receive_eof(self, now: float) -> None:
        """The peer closed, or the connection broke or was never made: Evt17, once what came before was pulled."""
        self._eof = self.state_machine.allows("Evt17")

    def data_to_send(self) -> list[bytes | bytearray | memoryview]:
        """The buffers to send, one behind the other. They are forgotten here."""
        output, self._output = self._output, []
        return output

    @property
    def has_data_to_send(self) -> bool:
        return bool(self._output)

    @property
    def amid_pdu(self) -> bool:
        """A PDU has begun to arrive and is not whole."""
        return self._remaining > 0 or self._offset < self._end

    # --- time --------------------------------------------------------------------------------------------------------

    @property
    def deadline(self) -> float | None:
        """When `handle_timeout` wants to be called; None while ARTIM is stopped."""
        return self.artim_timer.deadline

    def handle_timeout(self, now: float) -> None:
        """Evt18, if ARTIM has run out."""
        if self.artim_timer.expired(now):
            self.expire_artim(now)

    def expire_artim(self, now: float) -> None:
        """Evt18 as if ARTIM ran out now; nothing in states in which it does not run."""
        self._now = now
        if self.state_machine.allows("Evt18"):
            self.state_machine.do_action("Evt18")

    # --- the service-user's side -------------------------------------------------------------------------------------

    def request(self, primitive: Primitive, now: float) -> None:
        """Take a request or response primitive. A_P_ABORT: the peer did what a provider must answer (Evt19).

        Raises UsageError, and changes nothing, if the present state does not allow it or it cannot be encoded.
        """
        self._now = now
        if type(primitive) is P_DATA and self.state_machine.transfers_data:
            self._output += p_data.encode(primitive.presentation_data_value_list)
        else:
            self.state_machine.do_action(self._event_of_request(primitive), primitive)

    def _event_of_request(self, primitive: Primitive) -> str:
        if isinstance(primitive, P_DATA):
            return "Evt9"
        if isinstance(primitive, A_ASSOCIATE):
            if primitive.result is None:
                return "Evt1"
            return "Evt8" if primitive.result else "Evt7"
        if isinstance(primitive, A_RELEASE):
            return "Evt11" if primitive.result is None else "Evt14"
        if isinstance(primitive, A_ABORT):
            return "Evt15"
        if isinstance(primitive, A_P_ABORT):
            return "Evt19"
        raise UsageError(f"{type(primitive).__name__} is no request primitive of PS3.8 clause 7")

    def next_primitive(self, now: float) -> Primitive | None:
        """The next indication or confirm, after at most one further PDU; None if more has to be received first."""
        self._now = now
        issued = self._issued
        if self._offset == self._end and not (issued or self._unread or self._eof):
            self._view = _NOTHING  # all was pulled; an idle association keeps no buffer alive
            self._offset = self._end = 0
            self._borrowed = False
            return None
        if not (issued or self._remaining) and self.state_machine.transfers_data:
            pdv = p_data.read_whole(self._view, self._offset, self._end, self._maximum_length)
            if pdv is not None:
                self._offset += p_data.HEADERS_LENGTH + len(pdv[2])
                return P_DATA([pdv])
        while not issued:
            try:
                progress = self._go_on() if self._remaining else self._begin_pdu()
            except ProtocolError as error:
                self._refuse(error)
            else:
                if not (progress or self._refill() or self._end_of_stream()):
                    return None
        return issued.pop(0)

    @property
    def events(self) -> list[str]:
        """The events that are known but not yet pulled: that of the PDU at hand, and a closed transport connection."""
        events = [_EVENT_OF_PDU[self._body_type]] if self._body is not None else self._events_of_header()
        return [*events, "Evt17"] if self._eof else events

    # --- what the state machine's actions ask for (ul.fsm.Provider) --------------------------------------------------

    def open_transport(self, request: A_ASSOCIATE) -> None:
        if not self.requestor:
            raise UsageError("A-ASSOCIATE request primitive: this side is the acceptor")
        self._request = request
        self.should_connect = True
        self.should_close = False

    def close_transport(self) -> None:
        self.should_connect = self._open = self._eof = False
        self.should_close = True
        self._request = None
        self._hold(_NOTHING, borrowed=False)
        self._unread = self._body = None
        self._remaining = 0
        self._reader.abandon()

    def send(self, primitive: Primitive) -> None:
        if type(primitive) is P_DATA:
            self._output += p_data.encode(primitive.presentation_data_value_list)
        else:
            if self.state_machine.current_state == "Sta2" and not self.breach:
                self.breach = _REFUSED_IN_STA2[type(primitive)]
            self._output.append(encode(primitive))

    def issue(self, primitive: Primitive) -> None:
        self._issued.append(primitive)

    def issue_p_data(self) -> None:
        pieces, self._offset = self._reader.begin(self._remaining, self._view, self._offset, self._end)
        self._remaining = self._reader.remaining
        if pieces:
            self._issued.append(P_DATA(pieces))

    def start_artim(self) -> None:
        self.artim_timer.start(self._now)

    def stop_artim(self) -> None:
        self.artim_timer.stop()

    # --- the bytes held ----------------------------------------------------------------------------------------------

    def _hold(self, view: memoryview, *, borrowed: bool) -> None:
        self._view = view
        self._offset = 0
        self._end = len(view)
        self._borrowed = borrowed

    def _refill(self) -> bool:
        """Go on to what was received behind the present buffer. What a cut left over is joined to it."""
        unread, self._unread = self._unread, None
        if unread is None:
            return False
        if len(unread) == 1 and self._offset == self._end:
            self._hold(memoryview(unread[0]), borrowed=True)
        else:
            self._hold(memoryview(b"".join((self._view[self._offset :], *unread))), borrowed=False)
        return True

    def _end_of_stream(self) -> bool:
        if not self._eof:
            return False
        self.state_machine.do_action("Evt17")
        self.close_transport()  # the peer has closed: nothing is left to wait for
        return True

    # --- the PDUs in them --------------------------------------------------------------------------------------------
    # Those that return a bool say whether they got any further; if not, more has to be received first.

    def _begin_pdu(self) -> bool:
        offset = self._offset
        if self._end - offset < _HEADER_LENGTH:
            return False
        pdu_type, length = HEADER.unpack_from(self._view, offset)
        self._offset = offset + _HEADER_LENGTH
        self._remaining = length  # to be skipped, unless what follows begins to read it
        if pdu_type == P_DATA_TF and length <= self._maximum_length:
            if self.state_machine.transfers_data:
                self.issue_p_data()
            else:
                self.state_machine.do_action("Evt10")
            return True
        self._check_header(pdu_type, length)
        if self.state_machine.current_state == "Sta13":
            self.state_machine.do_action(_EVENT_OF_PDU[pdu_type])  # no action of Sta13 looks into a PDU
            return True
        body = self._view[self._offset : self._offset + length]
        if len(body) == length:  # all of it is here, as nearly always
            self._offset += length
            self._remaining = 0
            self.state_machine.do_action(_EVENT_OF_PDU[pdu_type], decode(pdu_type, body))
        else:
            self._body_type = pdu_type
            self._body = bytearray()
            self._gather(self._body)
        return True

    def _go_on(self) -> bool:
        """Go on with the PDU under way. Of a P-DATA-TF, nothing more is handed on once the association is aborted."""
        if self._reader.remaining and self.state_machine.current_state in _DATA_STATES:
            return self._read_p_data()
        return self._skip() if self._body is None else self._gather(self._body)

    def _read_p_data(self) -> bool:
        offset = self._offset
        pieces, self._offset = self._reader.read(self._view, offset, self._end)
        self._remaining = self._reader.remaining
        if pieces:
            self._issued.append(P_DATA(pieces))
        return self._offset != offset

    def _gather(self, body: bytearray) -> bool:
        offset = self._offset
        progress = self._skip()
        body += self._view[offset : self._offset]
        if self._remaining:
            return progress
        self._body = None
        self.state_machine.do_action(_EVENT_OF_PDU[self._body_type], decode(self._body_type, body))
        return True

    def _skip(self) -> bool:
        offset = self._offset
        self._offset = min(offset + self._remaining, self._end)
        self._remaining -= self._offset - offset
        return self._offset != offset

    def _refuse(self, error: ProtocolError) -> None:
        self.breach = self.breach or str(error)
        self.state_machine.do_action("Evt19", A_P_ABORT(error.reason, description=str(error)))
        self._refused += 1
        if self._refused == _MOST_REFUSED:
            self._remaining = _ENDLESS

    def _check_header(self, pdu_type: int, length: int) -> None:
        """Raises ProtocolError for what no body can make good."""
        name = PDU_NAMES.get(pdu_type)
        if name is None:
            raise ProtocolError(f"PDU type {pdu_type:02X}H is none of PS3.8 9.3", UNRECOGNIZED_PDU)
        if pdu_type == P_DATA_TF:
            maximum = self._maximum_length
        elif pdu_type in (A_ASSOCIATE_RQ, A_ASSOCIATE_AC):
            maximum = self._maximum_associate_length
        elif length != FIXED_LENGTH:
            raise ProtocolError(f"{name}: length {length}, not {FIXED_LENGTH}")
        else:
            return
        if length > maximum:
            raise ProtocolError(f"{name}: length {length}, more than the {maximum} that are received here")

    def _events_of_header(self) -> list[str]:
        if self._remaining or self._end - self._offset < _HEADER_LENGTH:
            return []
        pdu_type, length = HEADER.unpack_from(self._view, self._offset)
        try:
            self._check_header(pdu_type, length)
        except ProtocolError:
            return ["Evt19"]
        return [_EVENT_OF_PDU[pdu_type]]
