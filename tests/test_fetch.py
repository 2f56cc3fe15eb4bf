"""Reading what is elsewhere: real connections to servers on this machine, good ones and hostile ones."""

from __future__ import annotations

import datetime as dt
import email.utils
import gzip
import ipaddress
import json
import socket
import ssl
import time
import zipfile
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from galleryctl.fetch import DeniedError, FetchError, Http, Limits, MissingError, Ranged, RefusedError
from galleryctl.fetch.addresses import refused
from servers import Answer, Asked, files, ranged, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DATA = bytes(range(256)) * 1000


def http(**options: object) -> Http:
    return Http(allow_private=True, sleep=lambda _: None, **options)  # type: ignore[arg-type]


def test_whole_files() -> None:
    with serving(files({"a/b": DATA})) as served:
        found = http().get(f"{served.url}/a/b")
    assert (found.status, found.body, found.url) == (200, DATA, f"{served.url}/a/b")
    assert found.headers["content-length"] == str(len(DATA))
    assert served.asked[0].headers["user-agent"].startswith("galleryctl/")


def test_streams() -> None:
    with serving(files({"a": DATA})) as served, http().stream(f"{served.url}/a") as chunks:
        assert b"".join(chunks) == DATA


@pytest.mark.parametrize(("status", "kind"), [(404, MissingError), (410, MissingError), (401, DeniedError)])
def test_answers_that_are_no_files(status: int, kind: type[FetchError]) -> None:
    with serving(lambda _: Answer(status)) as served:
        with pytest.raises(kind, match=str(status)):
            http().get(f"{served.url}/x?secret=1")
        assert len(served.asked) == 1  # asking again would change nothing


def test_errors_do_not_tell_signatures() -> None:
    with serving(lambda _: Answer(403)) as served, pytest.raises(DeniedError) as caught:
        http().get(f"{served.url}/x?X-Amz-Signature=abc")
    assert "abc" not in str(caught.value)


class TestAgain:
    def test_until_it_works(self) -> None:
        answers = iter([Answer(503), Answer(429, headers={"Retry-After": "7"}), Answer(200, b"at last")])
        pauses: list[float] = []
        with serving(lambda _: next(answers)) as served:
            found = Http(allow_private=True, sleep=pauses.append).get(served.url)
        assert found.body == b"at last"
        assert 0.5 <= pauses[0] <= 0.75
        assert 7 <= pauses[1] <= 10.5

    def test_not_for_ever(self) -> None:
        with serving(lambda _: Answer(500)) as served, pytest.raises(FetchError, match="answers 500"):
            http().get(served.url, limits=Limits(attempts=3))
        assert len(served.asked) == 3

    def test_not_where_the_server_wants_too_much_patience(self) -> None:
        with serving(lambda _: Answer(429, headers={"Retry-After": "86400"})) as served:
            with pytest.raises(FetchError, match="answers 429"):
                http().get(served.url)
            assert len(served.asked) == 1

    def test_after_a_broken_connection(self) -> None:
        answers = iter([Answer(200, b"half", {"Content-Length": "8"}), Answer(200, b"complete")])
        with serving(lambda _: next(answers)) as served:
            closing = {"Connection": "close"}
            found = http().get(served.url, headers=closing, limits=Limits(seconds=5))
        assert found.body == b"complete"

    def test_where_nobody_listens(self) -> None:
        with serving(files({})) as served:
            pass
        with pytest.raises(FetchError, match="cannot be read"):
            http().get(served.url)

    def test_a_date_to_come_again(self) -> None:
        soon = email.utils.format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=5))
        answers = iter([Answer(503, headers={"Retry-After": soon}), Answer(503, headers={"Retry-After": "soon"})])
        pauses: list[float] = []
        with serving(lambda _: next(answers, Answer(200))) as served:
            Http(allow_private=True, sleep=pauses.append).get(served.url)
        assert 2 <= pauses[0] <= 8
        assert 1 <= pauses[1] <= 1.5

    def test_proxies_are_named_where_there_is_no_way(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
        with serving(files({})) as served:
            pass
        with pytest.raises(FetchError, match="proxies of the environment are not used"):
            http().get(served.url)

    def test_also_for_libraries(self) -> None:
        answers = iter([Answer(503), Answer(200, b"{}")])
        with serving(lambda _: next(answers)) as served, http().client() as client:
            assert client.get(served.url).json() == {}


class TestLimits:
    def test_size(self) -> None:
        with serving(files({"a": DATA})) as served, pytest.raises(FetchError, match="larger than 1,000 bytes"):
            http().get(f"{served.url}/a", limits=Limits(bytes=1000))

    def test_body_without_end(self) -> None:
        def endless() -> Iterator[bytes]:
            while True:
                yield b"x" * 65536

        with serving(lambda _: Answer(200, endless)) as served, pytest.raises(FetchError, match="larger than"):
            http().get(served.url, limits=Limits(bytes=2**20))

    def test_body_that_drips(self) -> None:
        def slow() -> Iterator[bytes]:
            while True:
                time.sleep(0.05)
                yield b"x"

        start = time.monotonic()
        with serving(lambda _: Answer(200, slow)) as served, pytest.raises(FetchError, match="longer than"):
            http().get(served.url, limits=Limits(seconds=0.5))
        assert time.monotonic() - start < 5

    def test_bomb(self) -> None:
        packed = gzip.compress(gzip.compress(bytes(200 * 2**20)))
        bomb = gzip.decompress(packed)
        assert len(bomb) < 2**20
        with serving(lambda _: Answer(200, bomb, {"Content-Encoding": "gzip"})) as served:
            with pytest.raises(FetchError, match="larger than"):
                http().get(served.url, limits=Limits(bytes=2**20))
            with http().client() as client, pytest.raises(FetchError, match="larger than"):
                client.get(served.url)

    def test_packed_twice(self) -> None:
        twice = Answer(200, gzip.compress(gzip.compress(b"x")), {"Content-Encoding": "gzip, gzip"})
        with serving(lambda _: twice) as served, pytest.raises(FetchError, match="nobody asked for"):
            http().get(served.url)

    @pytest.mark.parametrize("body", [gzip.compress(DATA), gzip.compress(DATA[:100]) + gzip.compress(DATA[100:])])
    def test_packed_well(self, body: bytes) -> None:
        with serving(lambda _: Answer(200, body, {"Content-Encoding": "gzip"})) as served:
            assert http().get(served.url).body == DATA
        assert served.asked[0].headers["accept-encoding"] == "gzip"

    @pytest.mark.parametrize("body", [b"no gzip at all", gzip.compress(DATA)[:-20]])
    def test_packed_badly(self, body: bytes) -> None:
        with serving(lambda _: Answer(200, body, {"Content-Encoding": "gzip"})) as served, pytest.raises(FetchError):
            http().get(served.url, limits=Limits(attempts=1))


class TestRedirects:
    def test_followed(self) -> None:
        def answer(asked: Asked) -> Answer:
            return Answer(302, headers={"Location": "/there"}) if asked.path == "/here" else Answer(200, b"found")

        with serving(answer) as served:
            found = http().get(f"{served.url}/here")
            kept = http().head(f"{served.url}/here", follow=False)
        assert (found.url, found.body) == (f"{served.url}/there", b"found")
        assert (kept.status, kept.headers["location"]) == (302, "/there")

    def test_without_end(self) -> None:
        with serving(lambda _: Answer(302, headers={"Location": "/"})) as served:
            with pytest.raises(FetchError, match="more than 5 times"):
                http().get(served.url)
            assert len(served.asked) == 6

    def test_secrets_stay_with_their_host(self) -> None:
        with serving(lambda _: Answer(200, b"")) as other:
            away = Answer(302, headers={"Location": f"{other.url}/x"})
            with serving(lambda _: away) as served:
                http().get(served.url, headers={"Authorization": "Bearer secret", "Accept": "text/plain"})
        assert served.asked[0].headers["authorization"] == "Bearer secret"
        assert "authorization" not in other.asked[0].headers
        assert other.asked[0].headers["accept"] == "text/plain"

    @pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://a.example/", "http://a:b@c.example/", "//[::g"])
    def test_to_what_is_not_asked(self, target: str) -> None:
        with serving(lambda _: Answer(302, headers={"Location": target})) as served:
            with pytest.raises(RefusedError):
                http().get(served.url)
            with http().client() as client, pytest.raises(Exception, match=r".") as caught:
                client.get(served.url)
            assert caught.type.__name__ in {"RefusedError", "UnsupportedProtocol", "RemoteProtocolError"}


class TestRefused:
    """Without `allow_private`: what a stranger's catalogue must not make this machine ask."""

    @pytest.mark.parametrize(
        "numbers",
        [
            *("127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
            *("0.0.0.0", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "192.88.99.1"),  # noqa: S104
            *("::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "2002:7f00:1::"),
            *("64:ff9b::7f00:1", "64:ff9b:1::1", "2001::1", "2001:db8::1", "::127.0.0.1", "fec0::1", "fe80::1%eth0"),
            *("168.63.129.16", "3fff::1"),
        ],
    )
    def test_numbers(self, numbers: str) -> None:
        assert refused(ipaddress.ip_address(numbers))
        with pytest.raises(RefusedError, match="stands for"):
            Http(resolver=lambda *_: [numbers]).get("https://innocent.example/catalogue.json")

    @pytest.mark.parametrize("numbers", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001::1"])
    def test_public_numbers(self, numbers: str) -> None:
        assert refused(ipaddress.ip_address(numbers)) == ""

    @pytest.mark.parametrize(
        "url",
        [
            *("https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest/meta-data/"),
            *("http://a.example/", "file:///etc/passwd", "https://a:b@c.example/", "https:///x", "gopher://a.example/"),
            *("https://a.example/\n", "https://a.example:x/", "https://a b.example/", "https://" + "a" * 9000),
        ],
    )
    def test_addresses(self, url: str) -> None:
        asked: list[str] = []

        def resolver(host: str, _: int) -> list[str]:
            asked.append(host)
            return ["8.8.8.8"]

        fetcher = Http(resolver=resolver)
        with pytest.raises(RefusedError):
            fetcher.permit(url)
        with pytest.raises(RefusedError):
            fetcher.get(url)
        assert asked == []

    @pytest.mark.parametrize("host", ["0x7f.1", "2130706433", "017700000001", "localhost", "localhost."])
    def test_other_spellings_of_this_machine(self, host: str) -> None:
        with pytest.raises(RefusedError, match="this machine"):
            Http(resolver=lambda *_: ["127.0.0.1"]).get(f"https://{host}/")

    def test_the_checked_address_is_the_one_connected_to(self) -> None:
        """A name that stands for a public machine first and for an inner one then is looked up once only."""
        looked_up: list[str] = []

        def rebinding(host: str, _: int) -> list[str]:
            looked_up.append(host)
            return ["127.0.0.1"]

        with serving(files({"a": b"data"})) as served:
            port = served.url.rpartition(":")[2]
            fetcher = Http(allow_private=True, resolver=rebinding)
            assert fetcher.get(f"http://name.example:{port}/a").body == b"data"
        assert looked_up == ["name.example"]
        assert served.asked[0].headers["host"] == f"name.example:{port}"

    def test_a_name_that_nobody_knows_is_told_without_the_number_of_the_error(self) -> None:
        def unknown(*_: object) -> list[str]:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        with pytest.raises(FetchError) as caught:
            Http(resolver=unknown, sleep=lambda _: None).get("https://innocent.example/")
        assert str(caught.value).endswith("innocent.example cannot be looked up: Name or service not known")

    def test_public_addresses_of_a_name_with_inner_ones_too(self) -> None:
        connected: list[str] = []
        fetcher = Http(resolver=lambda *_: ["10.0.0.1", "::1"])
        with pytest.raises(RefusedError, match=r"10\.0\.0\.1"):
            fetcher.get("https://both.example/")
        assert connected == []

    def test_libraries_too(self) -> None:
        with Http(resolver=lambda *_: ["169.254.169.254"]).client() as client, pytest.raises(RefusedError):
            client.get("https://metadata.example/")

    def test_environment_names_no_proxy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with serving(lambda _: Answer(200, b"from the proxy")) as proxy:
            for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.url)
            with serving(files({"a": b"direct"})) as served:
                assert http().get(f"{served.url}/a").body == b"direct"
        assert proxy.asked == []


class TestParts:
    def test_parts(self) -> None:
        with serving(files({"a": DATA})) as served:
            url, fetcher = f"{served.url}/a", http()
            assert fetcher.part(url, 10, 20) == DATA[10:20]
            assert fetcher.part(url, len(DATA) - 5, len(DATA) + 50) == DATA[-5:]
            assert fetcher.part(url, len(DATA) + 5, len(DATA) + 50) == b""
        assert served.asked[0].headers["range"] == "bytes=10-19"
        assert served.asked[0].headers["accept-encoding"] == "identity"

    def test_parts_behind_a_redirect(self) -> None:
        with serving(files({"a": DATA})) as store:
            away = Answer(302, headers={"Location": f"{store.url}/a?signature=1"})
            with serving(lambda _: away) as served:
                assert http().part(served.url, 10, 20, headers={"Authorization": "Bearer x"}) == DATA[10:20]
        assert "authorization" not in store.asked[0].headers

    def test_no_parts_of_nothing(self) -> None:
        with pytest.raises(ValueError, match="no range"):
            http().part("http://127.0.0.1:9/", 5, 5)

    def test_server_without_parts(self) -> None:
        with serving(lambda _: Answer(200, DATA)) as served:
            with pytest.raises(FetchError, match="larger than 100 bytes"):
                http().part(served.url, 0, 100)
            with pytest.raises(FetchError, match="does not send parts"):
                http().part(served.url, 50, len(DATA) + 100)
            assert http().part(served.url, 0, len(DATA) + 1) == DATA

    @pytest.mark.parametrize(
        ("said", "body"),
        [
            ("bytes 0-9/100", b"x" * 10),
            ("bytes 10-19/100", b"x" * 9),
            ("bytes 10-14/100", b"x" * 5),
            ("bytes 10-99999999999999999999999/*", b"x" * 10),
            ("", b"x" * 10),
            ("items 10-19/100", b"x" * 10),
        ],
    )
    def test_another_part(self, said: str, body: bytes) -> None:
        with serving(lambda _: Answer(206, body, {"Content-Range": said})) as served, pytest.raises(FetchError):
            http().part(served.url, 10, 20)


def ranged_file(url: str, size: int, **limits: int) -> Ranged:
    fetcher = http()
    return Ranged(lambda start, stop: fetcher.part(url, start, stop), size, name=url, **limits)


class TestRanged:
    def test_zip_directory_is_read_without_the_rest(self) -> None:
        packed = BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("weights", bytes(5 * 2**20))
            archive.writestr("data.pkl", b"small")
        with serving(files({"a.pt": packed.getvalue()})) as served:
            remote = ranged_file(f"{served.url}/a.pt", len(packed.getvalue()))
            with zipfile.ZipFile(remote) as archive:
                assert archive.namelist() == ["weights", "data.pkl"]
                assert archive.read("data.pkl") == b"small"
        assert remote.fetched < 2**18

    def test_reads_as_a_file_does(self) -> None:
        with serving(files({"a": DATA})) as served:
            remote = ranged_file(f"{served.url}/a", len(DATA))
            assert remote.read(5) == DATA[:5]
            assert remote.seek(-7, 2) == len(DATA) - 7
            assert remote.read() == DATA[-7:]
            assert remote.read() == b""
            remote.seek(0)
            assert remote.read() == DATA
            assert remote.fetched == len(DATA)
            with pytest.raises(ValueError, match="no place"):
                remote.seek(-1)

    def test_cap(self) -> None:
        with serving(files({"a": DATA})) as served, pytest.raises(FetchError, match="more than 70,000 bytes"):
            ranged_file(f"{served.url}/a", len(DATA), cap=70_000).read()

    def test_size_that_is_not_true(self) -> None:
        with serving(lambda asked: ranged(asked, b"short")) as served, pytest.raises(FetchError, match="shorter"):
            ranged_file(served.url, 1000).read()


class TestTls:
    """The name is verified, although the connection goes to a number."""

    @pytest.fixture
    def certificate(self, tmp_path: Path) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "name.example")])
        now = dt.datetime.now(dt.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("name.example")]), critical=False)
            .sign(key, hashes.SHA256())
        )
        path = tmp_path / "server.pem"
        plain = serialization.NoEncryption()
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
        return path

    def test_names(self, certificate: Path) -> None:
        ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ours.load_cert_chain(certificate)
        trusting = ssl.create_default_context(cafile=str(certificate))
        with serving(lambda _: Answer(200, b"private matters"), ours) as served:
            port = served.url.rpartition(":")[2]
            fetcher = http(resolver=lambda *_: ["127.0.0.1"], context=trusting)
            assert fetcher.get(f"https://name.example:{port}/").body == b"private matters"
            with pytest.raises(FetchError, match="certificate is not trusted"):
                fetcher.get(f"https://other.example:{port}/")
            with pytest.raises(FetchError, match="certificate is not trusted"):
                http(resolver=lambda *_: ["127.0.0.1"]).get(f"https://name.example:{port}/")
        assert len(served.asked) == 1

    def test_no_way_back_to_http(self, certificate: Path) -> None:
        ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ours.load_cert_chain(certificate)
        trusting = ssl.create_default_context(cafile=str(certificate))
        with serving(files({"a": b"plain"})) as plain:
            away = Answer(302, headers={"Location": f"{plain.url}/a"})
            with serving(lambda _: away, ours) as served:
                port = served.url.rpartition(":")[2]
                fetcher = http(resolver=lambda *_: ["127.0.0.1"], context=trusting)
                with pytest.raises(RefusedError, match="not https"):
                    fetcher.get(f"https://name.example:{port}/")
        assert plain.asked == []


def test_json_of_a_hub_through_the_same_client() -> None:
    body = json.dumps({"a": 1}).encode()
    with serving(lambda _: Answer(200, body)) as served, http().client() as client:
        assert client.get(served.url).json() == {"a": 1}
