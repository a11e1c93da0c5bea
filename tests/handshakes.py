"""What a TLS server agrees to, tried handshake by handshake."""

import socket
import ssl
import warnings

# Everything that a client of the last twenty years might offer: CBC, no forward secrecy, finite-field Diffie-Hellman.
_LIBERAL = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"


def suites(port, name):
    """The TLS 1.2 suites that the server accepts, of all that this machine's OpenSSL knows."""
    known = {each["name"] for each in _context(ssl.TLSVersion.TLSv1_2).get_ciphers() if each["protocol"] != "TLSv1.3"}
    return {suite for suite in known if _agreed(port, name, ssl.TLSVersion.TLSv1_2, f"{suite}:@SECLEVEL=0")}


def refusal(port, name, version):
    """What the server says to a client of one version: the alert, or the protocol that both speak."""
    try:
        return _handshake(port, name, _context(version))
    except ssl.SSLError as error:
        return error.reason


def _agreed(port, name, version, suites):
    try:
        return bool(_handshake(port, name, _context(version, suites)))
    except ssl.SSLError:
        return False


def _handshake(port, name, context):
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as connection,
        context.wrap_socket(connection, server_hostname=name) as wrapped,
    ):
        return wrapped.version()


def _context(version, suites=_LIBERAL):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that old ones are old
        context.minimum_version = context.maximum_version = version
    context.set_ciphers(suites)
    return context
