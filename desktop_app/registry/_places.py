"""Where a registry file is not safe: on another machine's disk, and where a program copies files behind our back.

SQLite's locks and the order of its writes hold on a local disk only (sqlite.org/useovernet.html, howtocorrupt.html §2).
"""

from __future__ import annotations

import ctypes
import re
import sys
from pathlib import Path

from desktop_app.errors import Refused

NETWORK = {
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "afpfs", "ceph", "ncpfs", "webdav", "davfs", "vboxsf",
    "glusterfs", "lustre", "beegfs", "fuse.sshfs", "fuse.rclone", "fuse.s3fs", "fuse.gcsfuse", "fuse.glusterfs",
    "fuse.davfs2", "fuse.vmhgfs-fuse", "fuse.onedriver", "fuse.google-drive-ocamlfuse", "fuse.gvfsd-fuse"}
SYNCED = (  # of one folder of a path, and whose it is
    (re.compile(r"onedrive( - .+|-.+)?", re.IGNORECASE), "OneDrive"),
    (re.compile(r"dropbox( \(.+\))?", re.IGNORECASE), "Dropbox"),
    (re.compile(r"google ?drive(-.+)?|drivefs", re.IGNORECASE), "Google Drive"),
    (re.compile(r"iclouddrive|icloud drive( \(.+\))?|com~apple~clouddocs|mobile documents", re.IGNORECASE),
     "iCloud Drive"),
    (re.compile(r"cloudstorage", re.IGNORECASE), "a cloud drive"))
MARKERS = {".dropbox": "Dropbox", ".dropbox.cache": "Dropbox", ".tmp.drivedownload": "Google Drive",
           ".stfolder": "Syncthing", ".owncloudsync.log": "a cloud drive"}
_INSTEAD = ("Keep the registry on a disk of this computer and copy it elsewhere with: assaydesk registry backup. "
            "For several people, make it on PostgreSQL: assaydesk init --registry postgresql://…")


def check_place(path: Path) -> None:
    """Refuse a place where what is acknowledged could be lost, or two people could write at once. Raises Refused."""
    path = path.expanduser().absolute()
    if kind := network(path):
        raise Refused("A registry file cannot be on a network share.",
                      f"{path} is on another machine's disk ({kind}): locks do not hold there, and acknowledged "
                      "signatures can be lost.", _INSTEAD)
    if whose := synced(path):
        raise Refused("A registry file cannot be in a folder that is synchronised.",
                      f"{path} is in a folder of {whose}, which copies and replaces files while they are written.",
                      _INSTEAD)


def network(path: Path) -> str:
    """The kind of share that a path is on; "" for a disk of this machine, or where that cannot be told."""
    if sys.platform == "win32":
        return _windows(str(path))
    real = path.resolve()
    kind = _mac(real) if sys.platform == "darwin" else _linux(real)
    return kind if kind in NETWORK else ""


def synced(path: Path) -> str:
    """Whose synchronised folder a path is in; "" when in none that is known."""
    for folder in {*path.parents, *path.resolve().parents}:
        for pattern, whose in SYNCED:
            if pattern.fullmatch(folder.name):
                return whose
        for marker, whose in MARKERS.items():
            if (folder / marker).exists():
                return whose
    return ""


def _linux(path: Path, table: Path = Path("/proc/self/mounts")) -> str:
    try:
        lines = table.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ""
    best, kind = 0, ""
    for line in lines:
        _, point, found, *_ = line.split(" ")
        place = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), point)
        if path.is_relative_to(place) and len(Path(place).parts) >= best:  # the last mounted on a place counts
            best, kind = len(Path(place).parts), found
    return kind


def _mac(path: Path) -> str:
    """f_fstypename of statfs(2): 16 bytes after 72, since macOS 10.6."""
    there = next(p for p in (path, *path.parents) if p.exists())
    answer = ctypes.create_string_buffer(4096)
    if ctypes.CDLL(None).statfs(bytes(there), answer) != 0:
        return ""
    return answer.raw[72:88].split(b"\0")[0].decode("ascii", "replace")


def _windows(path: str) -> str:
    if path.startswith("\\\\") and not re.match(r"\\\\[?.]\\[A-Za-z]:", path):
        return "UNC path"
    drive = path.removeprefix("\\\\?\\")[:3]
    kernel = getattr(ctypes, "windll", None)
    return "network drive" if kernel and kernel.kernel32.GetDriveTypeW(drive) == 4 else ""
