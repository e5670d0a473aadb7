"""A real PKCS#11 token in software: SoftHSM 2, where it is installed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

PLACES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
          "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so",
          "/opt/homebrew/lib/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so")
PIN = "123456"


def module() -> str:
    """The file of the module; "" when it is not installed."""
    return next((p for p in PLACES if Path(p).is_file()), "")


def why_not() -> str:
    """Why tests with tokens cannot run here; empty when they can."""
    if not module() or not shutil.which("softhsm2-util"):
        return "SoftHSM is not installed (apt-get install softhsm2)"
    return "" if importlib.util.find_spec("pkcs11") else "python-pkcs11 is not installed (assaydesk[token])"


class Tokens:
    """A folder of tokens; `plug("Ann")` makes one, `pull("Ann")` takes it out."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.module = folder / "tokens", module()
        self.folder.mkdir()
        text = f"directories.tokendir = {self.folder}\nobjectstore.backend = file\nlog.level = ERROR\n"
        (folder / "softhsm2.conf").write_text(text)
        os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")

    def plug(self, label: str, pin: str = PIN) -> None:
        subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", pin,
                        "--so-pin", "87654321"], check=True, capture_output=True)
        self.look_again()

    def pull(self, *, seen: bool = True) -> None:
        """All of them. seen: the module has noticed."""
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        if seen:
            self.look_again()

    def look_again(self) -> None:
        """SoftHSM looks for tokens once, when it is initialised."""
        import pkcs11

        pkcs11.lib(self.module).reinitialize()

    def close(self) -> None:
        import pkcs11

        pkcs11.lib(self.module).finalize()
        os.environ.pop("SOFTHSM2_CONF", None)
