"""Set up what a command needs, then run it: `python3 run.py demo`.  `make help` lists the commands.

Nothing but Python and its standard library is needed to start; the steps themselves are in `scripts/set_up`.
This file is written so that an old Python can read it and say what is missing.
"""

import os
import shutil
import sys

OLDEST = (3, 11)


def newer_python() -> "str | None":
    """Return the path of a Python on PATH that is new enough, or None."""
    for minor in range(30, OLDEST[1] - 1, -1):
        found = shutil.which("python3.%d" % minor)  # noqa: UP031 - an old Python reads this
        if found:
            return found
    return None


def main() -> None:
    """Run the command on a Python that is new enough, or say in a few lines how to get one."""
    if sys.version_info < OLDEST:
        found = newer_python()
        if found:
            os.execv(found, [found] + sys.argv)  # noqa: RUF005, S606 - an old Python reads this
        sys.stderr.write(
            "Zwilling needs Python %d.%d or newer; this is %s, and PATH has no newer one.\n"  # noqa: UP031 - as above
            "On Debian 12 or Ubuntu 24.04 run:  sudo apt-get install -y python3 python3-venv\n"
            "On Ubuntu 22.04 run:               sudo apt-get install -y python3.11 python3.11-venv\n"
            "Then start the same command again.\n" % (OLDEST[0], OLDEST[1], sys.version.split()[0])
        )
        sys.exit(1)
    sys.dont_write_bytecode = True
    from scripts.set_up.commands import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
