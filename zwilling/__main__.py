"""`python -m zwilling` is the command `zwilling`."""

from zwilling.cli import main

main()
