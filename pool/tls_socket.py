"""TLS on a non-blocking socket: the methods of one that `pool.connection` calls, so that it need not know.

OpenSSL works on memory here. So a record costs no system call of its own, what it holds back is known, and whoever
reads the start of a connection before it (a PROXY header) does not get in its way. Not here: which versions, ciphers
and certificates will do (`pool.tls`).

Two promises that epoll needs, for it does not see what OpenSSL holds. `recv_into` hands out all that came, every time:
nothing is left behind. `sendmsg` says that bytes were sent only when the kernel has all of their ciphertext: until then
it raises BlockingIOError and is to be called again with the same bytes in front.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Sequence
from typing import Final

from pool.tls import in_words
from ul.dimse import Buffer

# Of a connection's ciphertext at a time; OpenSSL's buffers stay as large as they ever were.
_RECEIVE_LENGTH: Final = 65536
_SEND_LENGTH: Final = 65536
_RECORD: Final = 16384  # bytes of plaintext in the largest record (RFC 8446 5.1)


class TLSError(OSError):
    """TLS failed: the peer's doing, in words for a log."""


class FlushDue(BlockingIOError):
    """Nothing to hand out, and the kernel did not take all that TLS itself had to say: wait for room there too."""


class TLSSocket:
    """The TLS end of a connected or connecting socket: `server_hostname` is whom a client wants to have reached."""

    def __init__(
        self,
        sock: socket.socket,
        context: ssl.SSLContext,
        *,
        server_side: bool = False,
        server_hostname: str | None = None,
    ) -> None:
        self._socket = sock
        self._received = ssl.MemoryBIO()
        self._to_send = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._received, self._to_send, server_side, server_hostname)
        self._records = memoryview(b"")  # out of OpenSSL, and not taken by the kernel yet
        self._encrypted = 0  # bytes of the caller's whose ciphertext is in there
        self._has_heard = False
        self.is_established = False
        # What TLS changes nothing of
        self.fileno = sock.fileno
        self.close = sock.close
        self.setblocking = sock.setblocking
        self.setsockopt = sock.setsockopt
        self.getsockopt = sock.getsockopt
        self.getsockname = sock.getsockname
        self.connect_ex = sock.connect_ex

    @property
    def version(self) -> str | None:
        """Such as TLSv1.3; None before the handshake."""
        return self._tls.version() if self.is_established else None

    @property
    def missing(self) -> str:
        """What of the handshake has not come, for a log; empty for nothing."""
        if self.is_established:
            return ""
        return "half a TLS handshake" if self._has_heard else "no TLS handshake"

    def handshake(self) -> None:
        """Go on with the handshake until it is done.

        Raises BlockingIOError while the peer is waited for, and OSError.
        """
        while not self.is_established:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                flushed = self._flush()
                try:
                    self._hear()
                except BlockingIOError:
                    if flushed:
                        raise
                    raise FlushDue from None
            except ssl.SSLError as error:
                self._fail(error)
            else:
                self.is_established = True
        self._flush()

    def _hear(self) -> None:
        try:
            data = self._socket.recv(_RECORD)
        except ConnectionError as error:
            raise ConnectionError(f"{error.strerror} during the TLS handshake") from None
        if not data:
            kind = TLSError if self._has_heard else ConnectionError  # who says nothing breaks no protocol
            raise kind("the peer closed the connection during the TLS handshake")
        self._has_heard = True
        self._received.write(data)

    def recv_into(self, buffer: memoryview) -> int:
        """All that arrived, decrypted; 0 at the end of the connection. `buffer` holds more than is received at a time.

        Raises BlockingIOError, where there is nothing, and OSError.
        """
        if self.is_established:
            length = self._socket.recv_into(buffer[:_RECEIVE_LENGTH])
            if not length:
                return 0
            self._received.write(buffer[:length])  # its place in `buffer` is free again
        else:
            self.handshake()
        decrypted = self._decrypt(buffer)
        flushed = self._flush()
        if decrypted is None:
            raise BlockingIOError if flushed else FlushDue
        return decrypted

    def _decrypt(self, buffer: memoryview) -> int | None:
        """How much there is, 0 at the end, None where nothing is there yet."""
        read, capacity, offset = self._tls.read, len(buffer), 0
        try:
            while length := int(read(capacity - offset, buffer[offset:])):
                offset += length
        except ssl.SSLWantReadError:
            return offset or None
        except ssl.SSLError as error:
            self._fail(error)
        else:  # close_notify: from now on the kernel reports the end, whether the peer closes its socket or not
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RD)
        return offset

    def send(self, buffer: Buffer) -> int:
        """The same as `sendmsg`, of one buffer."""
        return self.sendmsg((buffer,))

    def sendmsg(self, buffers: Sequence[Buffer]) -> int:
        """Encrypt and send off the front of `buffers`; how many bytes of them left. Raises OSError."""
        if not self._encrypted:
            self._encrypt(buffers)
        if not self._flush():
            raise BlockingIOError
        sent, self._encrypted = self._encrypted, 0
        return sent

    def _encrypt(self, buffers: Sequence[Buffer]) -> None:
        count = length = 0
        while count < len(buffers) and length < _SEND_LENGTH:
            length += len(buffers[count])
            count += 1
        data = memoryview(buffers[0] if count == 1 else b"".join(buffers[:count]))[:_SEND_LENGTH]
        try:
            while self._encrypted < len(data):
                self._encrypted += self._tls.write(data[self._encrypted : self._encrypted + _RECORD])
        except ssl.SSLError as error:
            self._fail(error)

    def _flush(self) -> bool:
        """Give the kernel what OpenSSL wants to have sent; whether it took all of it. Raises OSError."""
        while self._records or self._to_send.pending:
            if not self._records:
                self._records = memoryview(self._to_send.read())
            try:
                self._records = self._records[self._socket.send(self._records) :]
            except BlockingIOError:
                return False
        return True

    def shutdown(self, how: int) -> None:
        """close_notify, as far as it can be sent now, then the socket's own. Raises OSError."""
        self._encrypted = 0  # nobody asks any more whether it left
        if self.is_established:
            with contextlib.suppress(OSError):  # that of the peer is not waited for
                self._tls.unwrap()
        with contextlib.suppress(OSError):
            self._flush()
        self._socket.shutdown(how)

    def _fail(self, error: ssl.SSLError) -> None:
        with contextlib.suppress(OSError):
            self._flush()  # the alert that tells the peer why
        raise TLSError(f"TLS: {in_words(error)}") from None
