"""How a machine proves itself: secrets that overlap, signed assertions, certificates over real TLS, signatures, networks."""

import base64
import itertools
import json
import re
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from jwcrypto import jwk, jwt
from pytest_django.live_server_helper import LiveServer

from hub.accounts import origin, replays, trust
from hub.accounts.models import Credential, Nonce, SystemClient, User
from hub.accounts.validator import ASSERTION
from hub.actors import HUB, acting
from hub.deliveries import keys
from municipalities.models import Connection
from municipalities.transports import signing
from tests.conftest import HAKODATE, NAHA, Caller, clerk, connect, town

pytestmark = pytest.mark.django_db
AUDIENCE = "http://127.0.0.1/oauth/token"


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    yield
    cache.clear()


PLACES = itertools.count(1)


def asked(**form: str) -> Any:
    """Ask for a token, each time from another address: failures from one place are counted."""
    address = f"198.51.{100 + next(PLACES) // 250}.{next(PLACES) % 250}"
    return Client(HTTP_HOST="127.0.0.1", REMOTE_ADDR=address).post(
        "/oauth/token", {"grant_type": "client_credentials"} | form
    )


def made(code: str = NAHA) -> tuple[SystemClient, str]:
    """Make a client as an operator does."""
    with acting(HUB):
        return trust.make(f"system-{uuid4().hex[:8]}", code, "deliveries reports")


def works(client: SystemClient, secret: str) -> bool:
    """Tell whether a secret gets a token."""
    return bool(asked(client_id=client.client_id, client_secret=secret).status_code == 200)


# --- Secrets -----------------------------------------------------------------------------------------------


def test_two_secrets_hold_while_one_follows_the_other() -> None:
    client, first = made()
    with acting(HUB):
        second = trust.rotate_secret(client)
        assert (works(client, first), works(client, second), works(client, "x")) == (True, True, False)
        third = trust.rotate_secret(client, overlap=timedelta(seconds=0))
    assert (works(client, first), works(client, second), works(client, third)) == (False, False, True)
    client.refresh_from_db()
    assert first not in client.client_secret
    assert not Credential.objects.filter(value__contains=first).exists()


def test_an_expired_secret_gets_nothing_and_one_that_ends_soon_is_warned_about() -> None:
    client, secret = made()
    caller = Caller.__new__(Caller)
    caller.client = Client(HTTP_HOST="127.0.0.1")
    caller.token = asked(client_id=client.client_id, client_secret=secret).json()["access_token"]
    assert "Hikkoshi-Credential-Expires" not in caller.get("me")
    SystemClient.objects.filter(pk=client.pk).update(secret_expires_at=timezone.now() + timedelta(days=3))
    answer = caller.get("me")
    assert "GMT" in answer["Hikkoshi-Credential-Expires"]
    assert [row["expires_soon"] for row in answer.json()["credentials"]] == [True]
    SystemClient.objects.filter(pk=client.pk).update(secret_expires_at=timezone.now() - timedelta(seconds=1))
    assert not works(client, secret)


def test_what_is_taken_back_ends_with_every_token() -> None:
    client, first = made()
    with acting(HUB):
        trust.rotate_secret(client)
        token = asked(client_id=client.client_id, client_secret=first).json()["access_token"]
        trust.revoke(Credential.objects.get(client=client))
    assert not works(client, first)
    answer = Client(HTTP_HOST="127.0.0.1").get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


# --- Assertions (RFC 7523) -----------------------------------------------------------------------------------


def assertion(key: jwk.JWK, client_id: str, algorithm: str = "ES256", **changes: Any) -> str:
    """Return a signed assertion, right but for the changes."""
    now = int(time.time())
    claims = {"iss": client_id, "sub": client_id, "aud": AUDIENCE, "iat": now, "exp": now + 60, "jti": uuid4().hex}
    token = jwt.JWT(header={"alg": algorithm, "kid": key.get("kid")}, claims=claims | changes)
    token.make_signed_token(key)
    return str(token.serialize())


def proven(client: SystemClient, text: str, **form: str) -> int:
    """Return the status of asking for a token by an assertion."""
    return int(asked(client_assertion_type=ASSERTION, client_assertion=text, **form).status_code)


KINDS = {
    "ES256": lambda: jwk.JWK.generate(kty="EC", crv="P-256", kid="one"),
    "PS256": lambda: jwk.JWK.generate(kty="RSA", size=2048, kid="one"),
    "EdDSA": lambda: jwk.JWK.generate(kty="OKP", crv="Ed25519", kid="one"),
}


@pytest.mark.parametrize("algorithm", KINDS)
def test_a_signed_assertion_is_taken_once(algorithm: str) -> None:
    client, _ = made()
    key = KINDS[algorithm]()
    with acting(HUB):
        trust.add_key(client, key.export_public(), timezone.now() + timedelta(days=9))
    text = assertion(key, client.client_id, algorithm)
    assert proven(client, text) == 200
    assert proven(client, text) == 401
    cache.clear()  # Valkey was emptied: the row remembers
    assert proven(client, text) == 401
    assert proven(client, assertion(key, client.client_id, algorithm), client_id=client.client_id) == 200


def test_an_assertion_that_is_wrong_in_anything_gets_nothing() -> None:
    (client, secret), (other, _) = made(), made()
    key, strange = KINDS["ES256"](), KINDS["ES256"]()
    with acting(HUB):
        row = trust.add_key(client, key.export_public(), None)
    now = time.time()
    for wrong in (
        {"aud": "https://elsewhere.example/oauth/token"},
        {"exp": now - 61},
        {"exp": now + 3_600},
        {"nbf": now + 600},
        {"iat": now + 600},
        {"iss": other.client_id},
        {"sub": other.client_id},
        {"sub": "nobody", "iss": "nobody"},
        {"jti": ""},
        {"jti": None},
        {"exp": "soon"},
    ):
        assert proven(client, assertion(key, client.client_id, **wrong)) == 401, wrong
    assert proven(client, assertion(strange, client.client_id)) == 401
    header, payload, signature = assertion(key, client.client_id).split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    symmetric = jwk.JWK(kty="oct", k=json.loads(key.export_public())["x"], kid="one")
    for text in (
        f"{none}.{payload}.",
        f"{header}.{payload}.",
        f"{header}.{payload}.{signature[:-4]}AAAA",
        "x",
        "a.b.c",
        "",
    ):
        assert proven(client, text) in (400, 401), text
    assert proven(client, assertion(symmetric, client.client_id, "HS256")) == 401
    assert proven(client, assertion(key, client.client_id), client_secret=secret) == 401
    assert proven(client, assertion(key, client.client_id), client_id=other.client_id) == 401
    assert proven(client, assertion(key, client.client_id, aud=["x", AUDIENCE])) == 200
    with acting(HUB):
        trust.revoke(row)
    assert proven(client, assertion(key, client.client_id)) == 401


def test_only_public_keys_of_use_are_taken() -> None:
    client, _ = made()
    key = KINDS["ES256"]()
    weak = jwk.JWK.generate(kty="RSA", size=1024)
    for text in (key.export_private(), weak.export_public(), '{"kty": "oct", "k": "AAAA"}', "{}", "x", "[]"):
        with pytest.raises(ValidationError):
            trust.add_key(client, text, None)
    with acting(HUB):
        trust.add_key(client, key.export_public(), None)
        with pytest.raises(ValidationError):
            trust.add_key(client, key.export_public(), None)


def test_what_is_too_old_to_be_repeated_is_forgotten() -> None:
    client, _ = made()
    assert replays.first_time(client, "a", 60)
    assert not replays.first_time(client, "a", 60)
    Nonce.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert replays.forget() == 1


# --- Networks ------------------------------------------------------------------------------------------------


def test_a_client_calls_from_its_networks_only(settings: Any) -> None:
    client, secret = made()
    SystemClient.objects.filter(pk=client.pk).update(networks="198.51.100.0/24 2001:db8::/32")
    form = {"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": secret}
    for address, forwarded, proxies, status in (
        ("198.51.100.7", "", [], 200),
        ("2001:db8::1", "", [], 200),
        ("::ffff:198.51.100.7", "", [], 200),
        ("203.0.113.9", "", [], 401),
        ("203.0.113.9", "198.51.100.7", [], 401),  # a header that nobody trusted wrote
        ("203.0.113.9", "198.51.100.7", ["203.0.113.9"], 200),
        ("203.0.113.9", "198.51.100.7, 192.0.2.1", ["203.0.113.9"], 401),  # only the last hop is the proxy's word
        ("203.0.113.9", "x", ["203.0.113.9"], 401),
    ):
        settings.HUB_TRUSTED_PROXIES = proxies
        more: dict[str, Any] = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}
        caller = Client(HTTP_HOST="127.0.0.1", REMOTE_ADDR=address, **more)
        answer = caller.post("/oauth/token", form)
        assert answer.status_code == status, (address, forwarded, proxies)
        if status == 200:
            token = {"Authorization": f"Bearer {answer.json()['access_token']}"}
            assert caller.get("/api/v1/me", headers=token).status_code == 200
            stolen = Client(HTTP_HOST="127.0.0.1", REMOTE_ADDR="192.0.2.1").get("/api/v1/me", headers=token)
            assert (stolen.status_code, stolen.json()["code"]) == (403, "E112")


# --- Signed requests -----------------------------------------------------------------------------------------


@pytest.fixture
def signer() -> tuple[Caller, bytes]:
    """A town whose requests are signed with its connection's key."""
    connect(HAKODATE, "gif_json", "pull:")
    with acting(HUB):
        key = keys.rotate(Connection.objects.valid_on(timezone.localdate()).get(municipality=HAKODATE))
    return town(HAKODATE), key


def signed(key: bytes, body: bytes, at: float = 0.0, name: str = "") -> dict[str, str]:
    """Return the headers of a signature."""
    name, moment = name or uuid4().hex, int(time.time() + at)
    return {
        "webhook-id": name,
        "webhook-timestamp": str(moment),
        "webhook-signature": signing.sign([key], name, moment, body),
    }


def test_a_signed_request_is_taken_once_and_only_in_its_time(signer: tuple[Caller, bytes]) -> None:
    caller, key = signer
    body = b'{"open": true}'
    first = signed(key, body, name="m1")
    assert caller.post("heartbeat", body, **first).status_code == 200
    for headers, code in (
        (first, "E115"),
        (signed(key, body, at=-400), "E114"),
        (signed(key, body, at=400), "E114"),
        (signed(b"0" * 32, body), "E114"),
        (signed(key, b'{"open": false}'), "E114"),
        (signed(key, body) | {"webhook-id": "another"}, "E114"),
        ({"webhook-signature": "v1,x"}, "E114"),
    ):
        answer = caller.post("heartbeat", body, **headers)
        assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert (
        caller.post("heartbeat", body, **signed(key, body, at=-100, name="m1")).status_code == 200
    )  # sent again, signed anew
    cache.clear()
    assert caller.post("heartbeat", body, **first).json()["code"] == "E115"


def test_a_client_that_must_sign_is_not_heard_without(signer: tuple[Caller, bytes]) -> None:
    caller, key = signer
    SystemClient.objects.filter(pk=caller.system.pk).update(signs_requests=True)
    assert caller.post("heartbeat", b'{"open": true}').json()["code"] == "E114"
    assert caller.post("lane/pause", b"").json()["code"] == "E114"
    assert caller.get("lane").status_code == 200
    assert caller.post("lane/pause", b"", **signed(key, b"")).status_code == 200


def test_a_signature_of_a_refused_request_is_used_up_too(signer: tuple[Caller, bytes]) -> None:
    caller, key = signer
    headers = signed(key, b"{}")
    assert caller.post("heartbeat", b"{}", **headers).status_code == 422
    assert caller.post("heartbeat", b"{}", **headers).json()["code"] == "E115"


def test_both_signing_keys_hold_while_one_follows_the_other(signer: tuple[Caller, bytes]) -> None:
    caller, first = signer
    row = Connection.objects.valid_on(timezone.localdate()).get(municipality=HAKODATE)
    with acting(HUB):
        second = keys.rotate(row)
    body = b'{"open": true}'
    assert [caller.post("heartbeat", body, **signed(key, body)).status_code for key in (first, second)] == [200, 200]
    Connection.objects.filter(pk=row.pk).update(previous_key_until=timezone.now())
    assert [caller.post("heartbeat", body, **signed(key, body)).status_code for key in (first, second)] == [401, 200]


# --- Certificates, over real TLS (RFC 8705) --------------------------------------------------------------------


class Authority:
    """A certificate authority of this test alone, and what it issued."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        self.file = folder / "authority.pem"
        self.file.write_bytes(self._certificate(self.name, self.key, is_authority=True))

    def issue(self, name: str) -> Path:
        """Return a file with a new key and its certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file = self.folder / f"{name}.pem"
        file.write_bytes(secret + self._certificate(subject, key))
        return file

    def _certificate(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, is_authority: bool = False) -> bytes:
        now = datetime.now(UTC)
        names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
        builder = x509.CertificateBuilder(self.name, subject, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        builder = builder.add_extension(names, critical=False)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class Proxy(BaseHTTPRequestHandler):
    """Ends TLS and says which certificate the client showed (RFC 9440), whatever the client wrote itself."""

    upstream = ""

    def do_POST(self) -> None:
        self._pass_on(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    def do_GET(self) -> None:
        self._pass_on(b"")

    def _pass_on(self, body: bytes) -> None:
        parts = urlsplit(self.upstream)
        link = HTTPConnection(str(parts.hostname), parts.port or 80, timeout=20)
        headers = {name: text for name, text in self.headers.items() if name.lower() not in ("host", "client-cert")}
        shown = self.connection.getpeercert(binary_form=True)
        if shown:
            headers["Client-Cert"] = f":{base64.b64encode(shown).decode()}:"
        link.request(self.command, self.path, body, headers | {"Host": "localhost"})
        answer = link.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        link.close()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Secured:
    """A TLS front before the hub, and how to call it."""

    def __init__(self, authority: Authority, upstream: str) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.issue("server"))
        context.load_verify_locations(authority.file)
        context.verify_mode = ssl.CERT_OPTIONAL
        handler = type("Handler", (Proxy,), {"upstream": upstream})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.authority = authority
        self.thread.start()

    def call(self, method: str, path: str, shown: Path | None, body: str = "", **headers: str) -> tuple[int, Any]:
        """Call with this certificate; returns status and document."""
        context = ssl.create_default_context(cafile=str(self.authority.file))
        if shown:
            context.load_cert_chain(shown)
        link = HTTPSConnection("localhost", self.server.server_address[1], context=context, timeout=20)
        link.request(method, path, body, {name.replace("_", "-"): text for name, text in headers.items()})
        answer = link.getresponse()
        found = answer.status, json.loads(answer.read())
        link.close()
        return found

    def close(self) -> None:
        """End it."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.mark.usefixtures("transactional_db")
def test_a_token_bound_to_a_certificate_is_worth_nothing_without_it(tmp_path: Path, settings: Any) -> None:
    from tests.conftest import load_towns

    load_towns()
    settings.HUB_TRUSTED_PROXIES, settings.HUB_CERTIFICATE_HEADER = ["127.0.0.0/8"], "Client-Cert"
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
    authority = Authority(tmp_path)
    mine, theirs = authority.issue("mine"), authority.issue("theirs")
    client, secret = made()
    live = LiveServer("127.0.0.1")
    secured = Secured(authority, live.url)
    try:
        with acting(HUB):
            trust.add_certificate(client, mine.read_text().split("-----END PRIVATE KEY-----\n")[1], None)
        SystemClient.objects.filter(pk=client.pk).update(needs_certificate=True)
        form = urlencode({"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": secret})
        kind = {"Content_Type": "application/x-www-form-urlencoded"}
        forged = f":{base64.b64encode(b'x').decode()}:"
        assert secured.call("POST", "/oauth/token", None, form, **kind)[0] == 401
        assert secured.call("POST", "/oauth/token", theirs, form, **kind)[0] == 401
        status, document = secured.call("POST", "/oauth/token", mine, form, **kind)
        assert status == 200
        bearer = {"Authorization": f"Bearer {document['access_token']}"}
        assert secured.call("GET", "/api/v1/me", mine, **bearer)[0] == 200
        for shown in (None, theirs):
            assert secured.call("GET", "/api/v1/me", shown, **bearer, Client_Cert=forged)[1]["code"] == "E113"
        settings.HUB_TRUSTED_PROXIES = []  # then nobody's word counts
        assert secured.call("GET", "/api/v1/me", mine, **bearer)[1]["code"] == "E113"
    finally:
        secured.close()
        live.stop()


def test_a_certificate_is_known_in_every_form_a_proxy_writes(tmp_path: Path) -> None:
    from urllib.parse import quote

    pem = Authority(tmp_path).file.read_text()
    der = x509.load_pem_x509_certificate(pem.encode()).public_bytes(serialization.Encoding.DER)
    forms = {pem, quote(pem), f":{base64.b64encode(der).decode()}:"}
    assert len({origin.thumbprint(form) for form in forms}) == 1
    assert [origin.thumbprint(text) for text in ("", "x", ":x:", "::", pem[:200])] == [""] * 5


# --- The desk ------------------------------------------------------------------------------------------------


def test_an_operator_makes_a_system_and_its_secret_is_shown_once() -> None:
    User.objects.create_user("op", password="x" * 12, is_staff=True, is_operator=True)
    desk = Client(HTTP_HOST="127.0.0.1")
    assert desk.login(username="op", password="x" * 12)
    address = reverse("admin:accounts_systemclient_add")
    mixed = {"client_id": "new-town", "municipality": NAHA, "scopes": ["deliveries", "relocations:file"]}
    assert "new-town" not in desk.post(address, mixed).content.decode().partition("<h1>")[0]
    assert not SystemClient.objects.filter(client_id="new-town").exists()
    page = desk.post(address, mixed | {"scopes": ["deliveries", "reports"]})
    assert "no-store" in page["Cache-Control"]
    first = re.findall(r"<code>([^<]+)</code>", page.content.decode())[1]
    client = SystemClient.objects.get(client_id="new-town")
    assert works(client, first)
    change = reverse("admin:accounts_systemclient_change", args=[client.pk])
    assert first not in desk.get(change).content.decode()
    page = desk.post(reverse("admin:accounts_systemclient_secret", args=[client.pk]))
    second = re.findall(r"<code>([^<]+)</code>", page.content.decode())[1]
    assert (works(client, first), works(client, second)) == (True, True)
    form = {"networks": "198.51.100.0/24", "until": "30", "key": KINDS["ES256"]().export_public()}
    management = {
        f"credentials-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS", "MAX_NUM_FORMS")
    }
    assert desk.post(change, form | management | {"networks": "x"}).status_code == 200
    assert desk.post(change, form | management).status_code == 302
    client.refresh_from_db()
    assert client.networks == "198.51.100.0/24"
    assert {row.kind for row in client.credentials.all()} == {"secret", "key"}
    clerk_desk = Client(HTTP_HOST="127.0.0.1")
    clerk(NAHA)
    assert clerk_desk.login(username=f"clerk-{NAHA}", password="x" * 12)
    for path in (address, change, reverse("admin:accounts_systemclient_secret", args=[client.pk])):
        assert clerk_desk.get(path).status_code in (302, 403)
