"""`python -m maker`: the command line without its script on the PATH."""

from __future__ import annotations

import sys

from maker.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
