"""A channel that is built when it is needed, and hides secrets."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_listener.base.errors import ConfigError
from rules_listener.outbox.channel import GaveUp, Message, Outcome, Refreshing, RetryLater, Sent
from rules_listener.send.guarded import REASON_CHARACTERS, GuardedChannel, without_secrets

MakeMessage = Callable[..., Message]
SECRET = "s3cr3t-4f9d"  # noqa: S105 - a test's


class Fixed:
    """Gives one outcome."""

    places = 7

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.stopped = False

    def send(self, _: Message) -> Outcome:
        """Give it."""
        return self.outcome

    def stop(self) -> None:
        """Note it."""
        self.stopped = True


class Forgetful(Fixed):
    """Has to be told again."""

    refresh_s: float | None = 60.0

    def refresh(self, _: Sequence[Message]) -> Outcome:
        """Give the same outcome."""
        return self.outcome


def test_what_is_told_again_holds_no_secret(make_message: MakeMessage) -> None:
    """How often a channel is told is known before it is built; its reasons are hidden there, too."""
    channel = GuardedChannel(lambda: [SECRET], lambda _: Forgetful(RetryLater(SECRET)), refresh_s=60.0)
    assert (isinstance(channel, Refreshing), channel.refresh_s) == (True, 60.0)
    assert channel.refresh([make_message()]) == RetryLater("***")
    assert GuardedChannel(list, lambda _: Fixed(RetryLater("no"))).refresh([make_message()]) == Sent()


@pytest.mark.parametrize(
    ("outcome", "shown"),
    [
        (Sent(), Sent()),
        (RetryLater(f"no {SECRET}!", 3.0), RetryLater("no ***!", 3.0)),
        (GaveUp(f"{SECRET}{SECRET}"), GaveUp("******")),
        (GaveUp("x" * 1000), GaveUp("x" * REASON_CHARACTERS)),
        (GaveUp("x" * (REASON_CHARACTERS - 3) + SECRET), GaveUp("x" * (REASON_CHARACTERS - 3) + "***")),
    ],
)
def test_a_reason_holds_no_secret(make_message: MakeMessage, outcome: Outcome, shown: Outcome) -> None:
    """A secret is hidden before a reason is cut, so that no half of one is left."""
    assert GuardedChannel(lambda: [SECRET], lambda _: Fixed(outcome)).send(make_message()) == shown


def test_secrets_of_others_are_hidden_too(make_message: MakeMessage) -> None:
    """Programs know the secrets of all channels: what is found of them is hidden, as it is at that moment."""
    others = ["0ther"]
    channel = GuardedChannel(
        lambda: [SECRET], lambda _: Fixed(RetryLater(f"{SECRET} 0ther n3w")), others=lambda: others
    )
    assert channel.send(make_message()) == RetryLater("*** *** n3w")
    others.append("n3w")
    assert channel.send(make_message()) == RetryLater("*** *** ***")


def test_a_channel_is_built_when_it_is_needed(make_message: MakeMessage) -> None:
    """It is built at the first message, once, with its secrets; then it has its own places."""
    built: list[list[str]] = []

    def build(secrets: list[str]) -> Fixed:
        built.append(secrets)
        return Fixed(Sent())

    channel = GuardedChannel(lambda: [SECRET], build)  # type: ignore[arg-type]
    assert (built, channel.places) == ([], 1)
    assert [channel.send(make_message()) for _ in range(2)] == [Sent()] * 2
    assert (built, channel.places) == ([[SECRET]], 7)


def test_what_cannot_be_built_is_built_later(make_message: MakeMessage) -> None:
    """An error of the configuration is a reason to wait, without its secret; the next try builds anew."""
    errors = [ConfigError("the variable X is not set")]
    failures = [ConfigError(f"no {SECRET}")]

    def resolve() -> list[str]:
        if errors:
            raise errors.pop()
        return [SECRET]

    def build(_: object) -> Fixed:
        if failures:
            raise failures.pop()
        return Fixed(Sent())

    channel = GuardedChannel(resolve, build)
    outcomes = [channel.send(make_message()) for _ in range(3)]
    assert outcomes == [RetryLater("the variable X is not set"), RetryLater("no ***"), Sent()]


def test_stopping(make_message: MakeMessage) -> None:
    """A channel that was built is stopped; one that was not is not built any more."""
    fixed = Fixed(Sent())
    channel = GuardedChannel(list, lambda _: fixed)
    channel.send(make_message())
    channel.stop()
    assert fixed.stopped
    unused = GuardedChannel(list, lambda _: pytest.fail("it was built"))
    unused.stop()
    assert unused.send(make_message()) == RetryLater("the courier is ending")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("T0123456/B0123456/xyz", "***"),
        ("wrong token T0123456", "wrong token ***"),
        ("hooks.example.org answered 503", "hooks.example.org answered 503"),
        ("no /services/k3yk3yk3y here", "no /***/*** here"),
        ("user:p%40ssword", "user:***"),
        ("p@ssword", "***"),
        ("/T0/ops is no /ops/T01 of ops.example:8080", "/***/*** is no /***/T01 of ***.example:8080"),
        ("channel=v1 in C4", "channel=*** in ***"),
        ('p@ss"w\\rd p%40ss%22w%5crd p@ss\\"w\\rd p\\u0040ss\\"w\\\\rd p&#64;ss&quot;w\\rd', "*** *** *** *** ***"),
        (r"a\u0026b\u003CC a&amp;b%3cC a+b", "*** *** a+b"),
        ("one%20two one+two one two", "*** *** ***"),
        ("login hidden1 of jsons failed, moved to secret2", "login *** of jsons failed, moved to ***"),
        ("hidden3/#", "***"),
        (r"d\ud83d\ude00e d%f0%9f%98%80e d\U0001F600e", r"*** *** d\U0001F600e"),
    ],
)
def test_parts_and_spellings_are_hidden_too(text: str, shown: str) -> None:
    """What a library makes of a URL or a path is hidden as well, but the host."""
    secrets = ["T0123456/B0123456/xyz", "https://hooks.example.org/services/k3yk3yk3y", "p@ssword"]
    secrets += [
        "http://h.example:8080/T0/ops?channel=v1",
        "https://me:C4@host",
        'p@ss"w\\rd',
        "a&b<C",
        "one two",
        "jsons://me:hidden1@host.example?redirect=https://other.example/secret2",
        "https://x:hidden3%2F%23@host.example",
        "d\U0001f600e",
    ]
    assert without_secrets(text, secrets) == shown


@given(st.text(min_size=8), st.text(), st.text())
def test_no_spelling_is_left(secret: str, before: str, after: str) -> None:
    """As it is, quoted or in BASE64: whatever stands around it, the secret is not there any more."""
    for spelled in (secret, quote(secret, "") if secret.isprintable() else secret):
        assert secret not in without_secrets(f"{before}\0{spelled}\0{after}", [secret]).split("\0")
    encoded = b64encode(f"{before}\0{secret}\0{after}".encode()).decode()
    shown = without_secrets(encoded, [secret])
    assert "***" in shown
