"""``python -m wirt.daemon``: what ``wirt daemon`` becomes."""

import sys

from wirt.daemon.main import main

if __name__ == "__main__":
    sys.exit(main())
