"""A camera that speaks RTSP: RTP within its TCP connection, JPEG as the payload.

It answers as far as a player of one video track asks. Pictures are colour; their sides
are multiples of 8 of at most 2,040 pixels.

Source: RFC 2326 (RTSP; sec. 10.12 for data between requests), RFC 4566 (SDP), RFC 3550
sec. 5.1 (RTP), RFC 2435 sec. 3.1 (JPEG in RTP), RFC 7617 (Basic authentication).
"""

import base64
import contextlib
import itertools
import queue
import socket
import socketserver
import struct
import sys
import threading

import cv2

CLOCK = 90_000  # ticks a second, of every payload that is video
JPEG = 26  # the static payload type
IN_BAND = 255  # Q: the quantization tables come along
SAMPLING = {0x21: 0, 0x22: 1}  # of the luma in JPEG: the type in RTP (4:2:2, 4:2:0)
PACKET = 1400  # bytes of a picture that travel together at most
STREAM = 2435  # SSRC and session; any number will do
METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"


class Camera(socketserver.ThreadingTCPServer):
    """Listens at ``address``; each client that plays gets the next of ``plays``.

    After the last picture it hangs up without a word, as a camera does that loses its
    power. With no play left there is nothing at the address (404).

    Attributes:
      asked: methods of the requests, as they come.

    Args:
      plays: pictures ``[rows, columns, 3]`` of 8 bits, an iterable for each client.
      rate: pictures a second.
      announce: seconds that the description promises, as that of a recording does.
      secret: ``user:password`` without which there is no answer but 401.
      mute: whether requests are read and never answered.
    """

    daemon_threads = True

    def __init__(self, *plays, rate=100, announce=None, secret=None, mute=False):
        super().__init__(("127.0.0.1", 0), Client)
        self.plays, self.rate, self.announce = list(plays), rate, announce
        self.secret, self.mute = secret, mute
        self.asked, self.over = queue.SimpleQueue(), threading.Event()
        self.address = f"rtsp://127.0.0.1:{self.server_address[1]}/thermal"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error):
        self.over.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        """A client may go whenever it likes; what else fails, fails the test."""
        if not isinstance(sys.exception(), ConnectionError):
            raise

    def description(self):
        """The track as SDP."""
        lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=thermal", "c=IN IP4 127.0.0.1"]
        lines += ["t=0 0", "a=control:*"]
        if self.announce is not None:
            lines += [f"a=range:npt=0-{self.announce}"]
        lines += [f"m=video 0 RTP/AVP {JPEG}", f"a=rtpmap:{JPEG} JPEG/{CLOCK}"]
        return "\r\n".join([*lines, f"a=framerate:{self.rate}", "a=control:video", ""])


class Client(socketserver.StreamRequestHandler):
    """One connection: requests, their answers, and pictures in between."""

    def handle(self):
        self.sending = threading.Lock()
        while request := self.request_of_client():
            method, headers = request
            self.server.asked.put(method)
            if self.server.mute:
                self.server.over.wait()
                return
            status, lines, body = self.answer(method, headers)
            head = [f"RTSP/1.0 {status}", f"CSeq: {headers['cseq']}", *lines]
            head += [f"Content-Length: {len(body)}"] if body else []
            self.send("\r\n".join([*head, "", body]).encode())
            if method == "PLAY":
                play = self.server.plays.pop(0)
                threading.Thread(target=self.play, args=(play,)).start()
            if method == "TEARDOWN":
                return

    def request_of_client(self):
        """The method and headers of the next one; None where the client has gone."""
        while (first := self.rfile.read(1)) == b"$":  # a report on what it received
            self.rfile.read(int.from_bytes(self.rfile.read(3)[1:]))
        if not first:
            return None
        method = (first + self.rfile.readline()).decode().split()[0]
        lines = iter(lambda: self.rfile.readline().decode().strip(), "")
        fields = (line.partition(":") for line in lines)
        return method, {name.lower(): value.strip() for name, _, value in fields}

    def answer(self, method, headers):
        """Status, more lines of the head, and the body."""
        secret = base64.b64encode((self.server.secret or "").encode()).decode()
        known = headers.get("authorization") == f"Basic {secret}"
        session = f"Session: {STREAM}"
        match method:
            case "OPTIONS":
                return "200 OK", [f"Public: {METHODS}"], ""
            case _ if self.server.secret and not known:
                return "401 Unauthorized", ['WWW-Authenticate: Basic realm="x"'], ""
            case "DESCRIBE" if not self.server.plays:
                return "404 Not Found", [], ""
            case "DESCRIBE":
                kind = "Content-Type: application/sdp"
                return "200 OK", [kind], self.server.description()
            case "SETUP" if "RTP/AVP/TCP" in headers["transport"]:
                transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
                return "200 OK", [transport, session], ""
            case "SETUP":
                return "461 Unsupported Transport", [], ""
            case "PLAY" | "TEARDOWN":
                return "200 OK", [session], ""
        return "501 Not Implemented", [], ""

    def play(self, pictures):
        """Sends one picture after another at their rate, then hangs up."""
        count = itertools.count()
        with contextlib.suppress(OSError):
            for number, picture in enumerate(pictures):
                time = number * CLOCK // self.server.rate
                for payload, last in payloads(picture):
                    kind, order = JPEG | last << 7, next(count) % 2**16
                    head = struct.pack("!BBHII", 0x80, kind, order, time, STREAM)
                    frame = struct.pack("!cBH", b"$", 0, len(head + payload))
                    self.send(frame + head + payload)
                if self.server.over.wait(1 / self.server.rate):
                    break
            self.connection.shutdown(socket.SHUT_RDWR)

    def send(self, data):
        with self.sending:
            self.connection.sendall(data)


def payloads(picture):
    """What packets carry of a picture, and whether each is the last.

    The player writes the head of a JPEG file itself: only sides, sampling,
    quantization tables and coded blocks travel.
    """
    tables, sampling, scan = sections(cv2.imencode(".jpg", picture)[1].tobytes())
    rows, columns = picture.shape[0] // 8, picture.shape[1] // 8
    for start in range(0, len(scan), PACKET):
        part = scan[start : start + PACKET]
        head = struct.pack("!IBBBB", start, SAMPLING[sampling], IN_BAND, columns, rows)
        if not start:
            head += struct.pack("!HH", 0, len(tables)) + tables
        yield head + part, start + len(part) == len(scan)


def sections(code):
    """Quantization tables, sampling of the luma and coded blocks of a JPEG file."""
    tables, sampling, place = b"", 0, 2
    while True:
        marker, size = struct.unpack_from("!HH", code, place)
        body = code[place + 4 : place + 2 + size]
        place += 2 + size
        if marker == 0xFFDB:  # a byte that numbers the table, its 64 steps; repeated
            tables += b"".join(body[i + 1 : i + 65] for i in range(0, len(body), 65))
        elif marker == 0xFFC0:
            sampling = body[7]
        elif marker == 0xFFDA:
            return tables, sampling, code[place:-2]
