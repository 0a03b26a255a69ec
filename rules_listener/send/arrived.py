"""How receivers are named where it is kept which of them have a message: a further try goes to the rest only.

A name is the receiver's place in the configuration and a sum of its URL: who takes the place of another has not got
what that one has. The sum is too short to tell anything of a secret in the URL.
"""

from collections.abc import Iterable
from hashlib import blake2b


def names_of(urls: Iterable[str]) -> list[str]:
    """A name for each of these URLs."""
    return [f"{place}-{_sum(url)}" for place, url in enumerate(urls)]


def _sum(url: str) -> str:
    return blake2b(url.encode("utf-8", "backslashreplace"), digest_size=2).hexdigest()
