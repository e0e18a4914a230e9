"""System packages: installed for root, named in one line for everybody else."""

from __future__ import annotations

import os
import shutil

from scripts.set_up.steps import StepFailedError, call, environment


def install(package: str, needed_for: str) -> None:
    """Install a Debian or Ubuntu package.

    Args:
        package: its name, as apt knows it.
        needed_for: what it is for, as the end of a sentence.

    Raises:
        StepFailedError: we are not root, there is no apt here, or apt fails; the remedy names the line to run.
    """
    if shutil.which("apt-get") is None:
        raise StepFailedError(
            f"{needed_for} is missing, and this system has no apt-get",
            f"install what your distribution calls `{package}`",
        )
    if os.geteuid() != 0:
        raise StepFailedError(
            f"{needed_for} is missing",
            f"sudo apt-get update && sudo apt-get install -y --no-install-recommends {package}",
        )
    env = {**environment(), "DEBIAN_FRONTEND": "noninteractive"}
    wait = ["-o", "DPkg::Lock::Timeout=300"]
    call(["apt-get", *wait, "update"], env=env, remedy="check the connection and the addresses in /etc/apt")
    call(
        ["apt-get", *wait, "install", "-y", "--no-install-recommends", package],
        env=env,
        remedy=f"make `apt-get install {package}` work",
    )
