"""A registry file is refused where it is not safe: shares by the kind of file system, synchronised folders."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from desktop_app.errors import Refused
from desktop_app.registry import _places
from desktop_app.registry.store import create_store, open_store

MOUNTS = r"""sysfs /sys sysfs rw 0 0
/dev/vda / ext4 rw 0 0
server:/export /mnt/team\040files nfs4 rw 0 0
//server/share /mnt/share cifs rw 0 0
ann@server: /home/ann/remote fuse.sshfs rw 0 0
/dev/vdb /mnt/share/disk xfs rw 0 0
C: /mnt/c 9p rw 0 0
/dev/vdc /mnt/c ext4 rw 0 0
ntfs /mnt/stick fuseblk rw 0 0
"""


@pytest.fixture
def table(tmp_path):
    (tmp_path / "mounts").write_text(MOUNTS)
    return tmp_path / "mounts"


@pytest.mark.parametrize(("path", "kind"), [
    ("/home/ann/registry.assay", "ext4"), ("/mnt/team files/registry.assay", "nfs4"), ("/mnt/share/r.assay", "cifs"),
    ("/mnt/share/disk/r.assay", "xfs"), ("/mnt/shared/r.assay", "ext4"), ("/home/ann/remote/r.assay", "fuse.sshfs"),
    ("/mnt/c/r.assay", "ext4"), ("/mnt/stick/r.assay", "fuseblk"),
])
def test_the_kind_is_that_of_the_nearest_mount(table, path, kind):
    assert _places._linux(Path(path), table) == kind
    assert (kind in _places.NETWORK) == (kind in ("nfs4", "cifs", "fuse.sshfs"))


def test_without_a_table_of_mounts_nothing_is_said(tmp_path):
    assert _places._linux(tmp_path, tmp_path / "none") == ""


@pytest.mark.skipif(os.name == "nt", reason="POSIX paths")
@pytest.mark.parametrize("kind", ["nfs", "cifs", "9p", "smb3", "fuse.sshfs"])
def test_a_share_is_refused_for_making_and_opening(monkeypatch, tmp_path, kind):
    create_store(str(tmp_path / "r.assay"), "x").close()
    monkeypatch.setattr(_places, "_linux", lambda _path: kind)
    monkeypatch.setattr(_places, "_mac", lambda _path: kind)
    for door in (open_store, lambda a: create_store(a, "x")):
        for address in (str(tmp_path / "r.assay"), f"sqlite:///{tmp_path / 'r.assay'}"):
            with pytest.raises(Refused, match="cannot be on a network share") as refused:
                door(address)
    assert kind in refused.value.detail
    assert "PostgreSQL" in refused.value.remedy


@pytest.mark.parametrize(("folder", "whose"), [
    ("OneDrive", "OneDrive"), ("OneDrive - Noordzee Bank", "OneDrive"), ("Dropbox", "Dropbox"),
    ("Dropbox (Personal)", "Dropbox"), ("Google Drive", "Google Drive"), ("GoogleDrive-ann@x.org", "Google Drive"),
    ("iCloudDrive", "iCloud Drive"), ("com~apple~CloudDocs", "iCloud Drive"), ("CloudStorage", "a cloud drive"),
])
def test_a_synchronised_folder_is_refused(tmp_path, folder, whose):
    place = tmp_path / folder / "models"
    place.mkdir(parents=True)
    with pytest.raises(Refused, match="folder that is synchronised") as refused:
        create_store(str(place / "r.assay"), "x")
    assert f"a folder of {whose}," in refused.value.detail
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("marker", _places.MARKERS)
def test_a_synchronised_folder_of_any_name_is_known_by_its_mark(tmp_path, marker):
    (tmp_path / marker).touch()
    with pytest.raises(Refused, match="synchronised"):
        create_store(str(tmp_path / "r.assay"), "x")


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_a_link_into_a_synchronised_folder_is_one(tmp_path):
    (tmp_path / "Dropbox").mkdir()
    (tmp_path / "mine").symlink_to(tmp_path / "Dropbox")
    assert _places.synced(tmp_path / "mine" / "r.assay") == "Dropbox"


@pytest.mark.parametrize("name", ["one drive", "dropboxes", "my dropbox files", "cloud"])
def test_a_folder_that_only_sounds_alike_is_none(tmp_path, name):
    (tmp_path / name).mkdir()
    create_store(str(tmp_path / name / "r.assay"), "x").close()


@pytest.mark.parametrize(("path", "kind"), [
    (r"\\server\share\r.assay", "UNC path"), (r"\\?\UNC\server\share\r.assay", "UNC path"),
    (r"Z:\r.assay", "network drive"), (r"\\?\Z:\r.assay", "network drive"), (r"C:\r.assay", ""),
    (r"\\?\C:\r.assay", ""),
])
def test_windows_tells_shares_by_path_and_drive(monkeypatch, path, kind):
    kernel = SimpleNamespace(GetDriveTypeW=lambda root: 4 if root.startswith("Z:\\") else 3)
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel), raising=False)
    assert _places._windows(path) == kind
