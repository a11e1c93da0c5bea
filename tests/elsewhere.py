"""Servers of others on this machine: HTTPS with a certificate authority of their own, for what clients' URLs name."""

import contextlib
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import certificates
from cryptography import x509

NAMES = ["localhost", "keys.example"]


def authority(directory):
    """A certificate for NAMES and 127.0.0.1, which is its own authority; (certificate file, key file)."""
    names = [x509.DNSName(each) for each in NAMES]
    return certificates.authority("CN=elsewhere", names=names).saved(directory, "elsewhere")


class Elsewhere:
    """A server whose answers are set by path: bytes, a (status, headers, body), or a function of the handler."""

    def __init__(self, port, certificate):
        self.port, self.certificate = port, certificate
        self.answers, self.asked, self.names = {}, [], []

    def url(self, path, host="localhost"):
        return f"https://{host}:{self.port}{path}"


@contextlib.contextmanager
def running(directory):
    """An Elsewhere on a free port of the loopback interface."""
    certificate, private = authority(directory)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None
    server.told = Elsewhere(server.server_address[1], certificate)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, private)
    tls.sni_callback = lambda _socket, name, _context: server.told.names.append(name)
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def dripping(handler):
    """A byte each 100 ms, for ever, beginning within the headers."""
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.1)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        told = self.server.told
        length = int(self.headers.get("Content-Length", 0))
        told.asked.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
        answer = told.answers.get(self.path, (404, {}, b""))
        if callable(answer):
            answer = answer(self)
            if answer is None:
                return
        status, headers, body = answer if isinstance(answer, tuple) else (200, {}, answer)
        with contextlib.suppress(OSError):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def do_POST(self):
        self.do_GET()

    def log_message(self, *_):
        pass
