"""HTTPS: the certificate, its replacement, the cookie's name, HSTS, and a proxy that has TLS in our place."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from pathlib import Path

import httpx
import pytest
from console_stage import Stage, receive
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.asyncio.client import connect

from console import tls
from console.tls import Certificate
from streamgate.errors import ConfigError


def write_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Put a self-signed certificate for this name and 127.0.0.1, and its key, into place."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    cert, private = folder / "cert.pem", folder / "key.pem"
    for path, data in (
        (cert, made.public_bytes(serialization.Encoding.PEM)),
        (
            private,
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        ),
    ):
        draft = path.with_suffix(".new")
        draft.write_bytes(data)
        draft.replace(path)
    return cert, private


def subject_seen(port: int) -> str:
    pem = ssl.get_server_certificate(("127.0.0.1", port))
    return x509.load_pem_x509_certificate(pem.encode()).subject.rfc4514_string()


async def test_under_tls_the_cookie_is_bound_to_the_host_and_hsts_is_sent(
    idle: Stage, tmp_path: Path
) -> None:
    certificate = Certificate(*write_certificate(tmp_path, "first"))
    ann = await idle.person("ann", "operator")
    async with idle.gate.running(), idle.console(certificate=certificate):
        url = f"https://127.0.0.1:{idle.port}"
        async with httpx.AsyncClient(base_url=url, trust_env=False, verify=False) as client:
            opened = await client.post("/api/v1/session", json=ann.credentials(), headers={"origin": url})
            cookie = opened.headers["set-cookie"].split("; ")
            assert cookie[0].startswith("__Host-streamgate=")
            assert set(cookie[1:]) == {"HttpOnly", "Path=/", "SameSite=strict", "Secure"}
            assert opened.headers["strict-transport-security"] == "max-age=31536000"
            assert (await client.get("/api/v1/session")).status_code == 200
            other_name = {"cookie": cookie[0].replace("__Host-streamgate", "streamgate_session")}
        async with httpx.AsyncClient(base_url=url, trust_env=False, verify=False) as client:
            assert (await client.get("/api/v1/session", headers=other_name)).status_code == 401
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        async with connect(
            f"wss://127.0.0.1:{idle.port}/api/v1/ws",
            ssl=context,
            additional_headers={"cookie": cookie[0]},
            proxy=None,
        ) as socket:
            assert (await receive(socket, "hello"))["user"] == "ann"


async def test_a_replaced_certificate_is_taken_over_and_a_bad_one_is_not(
    idle: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "LOOK_S", 0.1)
    cert, key = write_certificate(tmp_path, "first")
    async with idle.console(certificate=Certificate(cert, key)):
        assert await asyncio.to_thread(subject_seen, idle.port) == "CN=first"
        cert.write_text("half a certificate")
        await asyncio.sleep(0.4)
        assert await asyncio.to_thread(subject_seen, idle.port) == "CN=first"
        write_certificate(tmp_path, "second")
        async with asyncio.timeout(5):
            while await asyncio.to_thread(subject_seen, idle.port) != "CN=second":
                await asyncio.sleep(0.1)


def test_files_that_are_no_certificate_are_named(tmp_path: Path) -> None:
    cert, key = write_certificate(tmp_path, "first")
    key.write_text("no key")
    with pytest.raises(
        ConfigError, match=r"console_cert .*cert\.pem and console_key .*key\.pem cannot be used"
    ):
        Certificate(cert, key)


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_proxys_headers_count_only_when_it_is_trusted(idle: Stage, trusted: bool) -> None:
    ann = await idle.person("ann", "operator")
    proxy = "127.0.0.0/8" if trusted else "203.0.113.1"
    forwarded = {"x-forwarded-for": "198.51.100.7", "x-forwarded-proto": "https"}
    async with idle.console(behind_proxy=proxy), idle.client(signed_in=False) as client:
        opened = await client.post("/api/v1/session", json=ann.credentials(), headers=forwarded)
        secure = "__Host-streamgate=" in opened.headers["set-cookie"]
        assert secure is trusted
        assert ("strict-transport-security" in opened.headers) is trusted
        cookie = {"cookie": opened.headers["set-cookie"].partition(";")[0], **forwarded}
        listed = await client.get("/api/v1/me/sessions", headers=cookie)
        addresses = [one["address"] for one in listed.json()["sessions"]]
        assert addresses == ["198.51.100.7" if trusted else "127.0.0.1"]
