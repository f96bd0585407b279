"""`python -m vtryon`: the command `vtryon`."""

import sys

from vtryon.cli import main

if __name__ == "__main__":
    sys.exit(main())
