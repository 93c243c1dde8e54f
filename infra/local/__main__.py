"""`python -m infra.local`: Heed with storage and a mail catcher on this machine."""

import logging
import os
import sys

from infra.local.run import main

exit_code = main(sys.argv[1:])
logging.shutdown()
sys.stdout.flush()
sys.stderr.flush()
# The interpreter would wait for a plain function that hangs in its thread; its time was up already.
os._exit(exit_code)
