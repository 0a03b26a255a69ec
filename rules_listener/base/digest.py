"""Digests of bytes.

1. `hashlib` loads OpenSSL, which the listener needs for nothing and waits 2.5 ms for at its start; Python has BLAKE2
   without it.
"""

try:
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

__all__ = ["blake2b"]
