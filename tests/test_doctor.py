from __future__ import annotations

import json
import shlex
from importlib import metadata
from pathlib import Path

import pytest

from explorer import doctor
from explorer.doctor import Finding


def by_area(findings: list[Finding], area: str) -> list[Finding]:
    return [finding for finding in findings if finding.area == area]


def test_a_complete_installation_is_healthy(shelf: Path) -> None:
    findings = doctor.examine()
    assert [finding for finding in findings if finding.status == "broken"] == []
    assert doctor.healthy(findings)
    assert {finding.area for finding in findings} == {"python", "library", "device", "data", "models", "browser"}
    assert by_area(findings, "models")[0].what.startswith("2 checkpoints match their cards")


def test_whatever_is_missing_comes_with_a_command(shelf: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EXPLORER_DATA", raising=False)
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path / "empty"))
    (shelf / "digits/lenet/standard.json").unlink()
    findings = doctor.examine()
    assert by_area(findings, "data")[1].status == "optional"
    for finding in findings:
        assert bool(finding.fix) == (finding.status != "ok"), finding
        if finding.fix:
            assert len(shlex.split(finding.fix)) > 2, finding


@pytest.mark.parametrize(
    ("harm", "trouble"),
    [
        (lambda stem: stem.with_suffix(".json").unlink(), "card (.json) is missing"),
        (lambda stem: stem.with_suffix(".safetensors").unlink(), "weights (.safetensors) are missing"),
        (lambda stem: stem.with_suffix(".json").write_text("{"), "cannot be read"),
        (lambda stem: _flip_last_byte(stem.with_suffix(".safetensors")), "sha256"),
    ],
)
def test_a_damaged_checkpoint_is_named(shelf: Path, harm, trouble: str) -> None:
    harm(shelf / "digits/lenet/stability")
    good, bad = doctor.checkpoints()
    assert good.what.startswith("1 checkpoints")
    assert bad.status == "broken"
    assert bad.what.startswith("digits/lenet/stability: ")
    assert trouble in bad.what
    assert not doctor.healthy([good, bad])


def _flip_last_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def test_a_clone_takes_its_checkpoints_back_from_git(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clone = shelf / "clone"
    (clone / ".git").mkdir(parents=True)
    (clone / "checkpoints").mkdir()
    (finding,) = doctor.checkpoints(clone / "checkpoints")
    assert finding.status == "broken"
    assert finding.fix == f"git -C {clone}/checkpoints checkout HEAD -- ."


@pytest.mark.parametrize(
    ("version", "status"), [((3, 10), "broken"), ((3, 11), "ok"), ((3, 13), "ok"), ((3, 14), "broken")]
)
def test_python_versions(version: tuple[int, int], status: str) -> None:
    assert doctor.python_version(version).status == status


def test_a_missing_and_an_old_library_are_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        doctor, "_requirements", lambda: (True, iter(["no-such-library>=2", "pillow>=999", "numpy>=2"]))
    )
    missing, old, fine = doctor.libraries()
    assert (missing.status, old.status, fine.status) == ("broken", "broken", "ok")
    assert missing.fix.endswith('-m pip install "no-such-library>=2"')
    assert old.fix.endswith('-m pip install "pillow>=999"')


def test_a_plain_checkout_may_lack_the_user_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", absent)
    monkeypatch.setattr(metadata, "version", absent)
    status = {finding.what.split()[0]: finding.status for finding in doctor.libraries()}
    assert status["gradio"] == "optional"
    assert status["torch"] == "broken"


def test_local_data_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mnist.npz").touch()
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path / "empty"))
    digits, cifar10, mnist = doctor.data()
    assert (digits.status, cifar10.status, mnist.status) == ("ok", "optional", "ok")
    assert f"EXPLORER_DATA={tmp_path} has no cifar10.npz" in cifar10.what


def test_findings_are_plain_data(shelf: Path) -> None:
    assert json.loads(json.dumps([vars(finding) for finding in doctor.checkpoints()]))
