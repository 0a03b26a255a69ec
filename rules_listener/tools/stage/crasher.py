"""Works for two seconds, then dies."""

import sys
import time

time.sleep(2)
sys.exit(3)
