"""A child for the tests: says what it was told and given, then repeats its input until that ends."""

import os
import sys

from rules_listener.serve.children import read_given

sys.stdout.write(f"{sys.argv[1:]} {read_given()!r}\n")
sys.stdout.flush()
while data := os.read(0, 100):
    os.write(1, data)
sys.exit(7)
