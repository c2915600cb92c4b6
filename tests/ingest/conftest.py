import datetime as dt
import subprocess

import pytest
import structlog
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from ingest_tools import ENCODE, running


def pytest_asyncio_loop_factories(config, item):
    """The ingest process runs on uvloop: so do its tests."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def logs():
    """What is logged, as dicts."""
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.fixture
async def ingest(tmp_path):
    async with running(tmp_path) as ingest:
        yield ingest


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """A 3 s FLV with B-frames and sound, made by ffmpeg."""
    path = tmp_path_factory.mktemp("clip") / "clip.flv"
    arguments = [argument for argument in ENCODE if argument != "-re"]
    subprocess.run(
        ["ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error", *arguments, "-t", "3", str(path)],
        check=True,
    )
    return path


@pytest.fixture
def certificate(tmp_path):
    """A self-signed certificate and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert_file.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return cert_file, key_file
