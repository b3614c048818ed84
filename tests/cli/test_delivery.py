"""Delivery at the command line: S3, passphrases, the contact, links (law.md rules 43, 45)."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.cli.addresses import with_addresses
from tests.cli.office import Office

WRONG = "the link is not right, or no longer valid: ask for a new one"


@pytest.fixture
def answered(office: Office, tmp_path: Path) -> str:
    """Answer an access request into p.zip, and return its id."""
    request = office.verified("access")
    office.call("run", request, "--out", str(tmp_path / "p.zip"), code=4)
    return request


class TestLinks:
    """Rule 43: links are single use."""

    def test_a_link_is_fetched_once(self, office: Office, answered: str, tmp_path: Path) -> None:
        """Rule 43: the package comes out as it is; the second time nothing does (exit code 3)."""
        token = office.document("link", answered)["link"]
        copy = tmp_path / "copy.zip"
        document = office.document("fetch", "--out", str(copy), stdin=token + "\n")
        assert copy.read_bytes() == (tmp_path / "p.zip").read_bytes()
        assert document["sha256"] == hashlib.sha256(copy.read_bytes()).hexdigest()
        assert (document["path"], document["url"]) == (str(copy), None)
        assert WRONG in office.error("fetch", "--out", str(copy), stdin=token, code=3)

    @pytest.mark.parametrize("token", ["", "x", "ü" * 2000, "\x00"])
    def test_no_token_is_repeated(self, office: Office, token: str, tmp_path: Path) -> None:
        """Bad input: one text for whatever is no link."""
        told = office.error("fetch", "--out", str(tmp_path / "c.zip"), stdin=token, code=3)
        assert WRONG in told
        assert not (tmp_path / "c.zip").exists()

    def test_people_see_the_link_alone(self, office: Office, answered: str) -> None:
        """Standard output is what goes into the message to the person."""
        office.edit("[ledger]", '[delivery]\nurl = "https://p.example/{token}"\ndays = 2\n[ledger]')
        result = office.call("link", answered)
        assert result.stdout.startswith("https://p.example/")
        assert result.stdout.count("\n") == 1
        until = dt.datetime.now(dt.UTC) + dt.timedelta(days=2)
        assert f"until {until:%Y-%m-%d}" in result.stderr

    def test_no_link_without_package_or_verification(self, office: Office) -> None:
        """Nobody gets a link to what is not there, or before it is known who asks."""
        office.error("link", office.challenged("access"), code=3)
        told = office.error("link", office.verified("access"), code=1)
        assert "has no package: write it with `dsr run" in told

    def test_a_package_that_was_moved(self, office: Office, answered: str, tmp_path: Path) -> None:
        """`--package` says where it is now; another file is never delivered instead."""
        (tmp_path / "p.zip").rename(tmp_path / "moved.zip")
        (tmp_path / "other.zip").write_bytes(b"other")
        assert "was changed" in office.error("link", answered, code=1)
        for name in ("p.zip", "other.zip"):
            office.error("link", answered, "--package", str(tmp_path / name), code=1)
        office.call("link", answered, "--package", str(tmp_path / "moved.zip"))

    def test_a_folder_that_is_not_there_uses_no_link_up(
        self, office: Office, answered: str, tmp_path: Path
    ) -> None:
        """A mistake in the command costs the person nothing."""
        token = office.document("link", answered)["link"]
        bad = ("fetch", "--out", str(tmp_path / "no" / "c.zip"))
        assert "does not exist" in office.error(*bad, stdin=token, code=2)
        office.call("fetch", "--out", str(tmp_path / "c.zip"), stdin=token)


class TestContact:
    """Rule 43: delivery only to a contact that is older than the request."""

    def test_an_old_address_may_be_used(self, office: Office) -> None:
        """Rule 43: said, and the address itself is not shown (law 8)."""
        with_addresses(office)
        request = office.verified("access")
        assert office.document("contact", request) == {"request": request, "deliverable": True}
        assert "may be sent to the e-mail address on file" in office.call("contact", request).stdout

    @pytest.mark.parametrize(
        "changed", [dt.datetime.now(dt.UTC).isoformat(), None], ids=["now", "not known"]
    )
    def test_a_swapped_address_may_not(self, office: Office, changed: str | None) -> None:
        """Rule 43 (address swap just before): refused, with another way (rule 44)."""
        with_addresses(office, changed)
        told = office.error("contact", office.verified("access"), code=1)
        assert "the e-mail address on file must not be used" in told
        assert "send it by post" in told

    def test_it_says_what_to_configure(self, office: Office) -> None:
        """Without a field that holds the address there is nothing to look at."""
        told = office.error("contact", office.verified("access"), code=2)
        assert "set delivery.contact" in told
        office.edit("[ledger]", '[delivery]\ncontact = "email"\n[ledger]')
        assert "delivery.changed belong together" in office.error("list", code=2)


class TestPassphrases:
    """Rule 43 (design, the package): encrypted where the policy asks."""

    @pytest.fixture
    def encrypting(self, office: Office) -> Office:
        office.edit("[ledger]", '[delivery]\nencrypt = "aes-zip"\n[ledger]')
        return office

    def test_a_package_is_encrypted_and_its_passphrase_in_a_file(
        self, encrypting: Office, tmp_path: Path
    ) -> None:
        """The passphrase stands in a file of its owner's alone: not printed, nor in the ledger."""
        request = encrypting.verified("access")
        file, path = tmp_path / "secret", tmp_path / "p.zip"
        words = ("run", request, "--out", str(path), "--passphrase", str(file))
        result = encrypting.call(*words, "--json", code=4)
        secret = file.read_text("utf-8").strip()
        assert file.stat().st_mode & 0o777 == 0o600
        package = json.loads(result.stdout)["package"]
        assert package["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert zipfile.ZipFile(path).namelist() == ["package.zip"]
        assert secret not in result.stdout + result.stderr
        assert "another way than the package" in result.stderr
        for each in encrypting.folder.glob("dsr-ledger.db*"):
            assert secret.encode() not in each.read_bytes()

    def test_seven_zip_opens_it(self, encrypting: Office, tmp_path: Path) -> None:
        """The person opens it with an ordinary program."""
        request = encrypting.verified("access")
        file, path = tmp_path / "secret", tmp_path / "p.zip"
        words = ("run", request, "--out", str(path), "--passphrase", str(file))
        encrypting.call(*words, code=4)
        command = ["7z", "x", f"-p{file.read_text().strip()}", f"-o{tmp_path}", str(path)]
        subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
        with zipfile.ZipFile(tmp_path / "package.zip") as package:
            assert package.testzip() is None
            assert "index.html" in package.namelist()

    def test_the_file_has_a_name_of_its_own(
        self, encrypting: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Left out, it is named after the request: no passphrase takes another's place."""
        monkeypatch.chdir(tmp_path)
        request = encrypting.verified("access")
        encrypting.call("run", request, code=4)
        assert {each.name for each in tmp_path.iterdir() if each.is_file()} == {
            f"dsr-{request}.zip",
            f"dsr-{request}.passphrase",
        }

    def test_nothing_takes_a_passphrase_that_there_is_not(self, office: Office) -> None:
        """Whoever asks for encryption must not get a plain package."""
        request = office.verified("access")
        told = office.error("run", request, "--passphrase", os.devnull + "x", code=2)
        assert "packages are not encrypted" in told


def test_a_letter_is_no_object(office: Office) -> None:
    """Bad input: told before anything is changed."""
    request, before = office.verified("erasure"), office.stores()
    token = office.document("plan", request, code=4)["token"]
    words = ("run", request, "--confirm", token, "--out", "s3://bucket/letter.html")
    assert "give a local path" in office.error(*words, code=2)
    assert office.stores() == before
