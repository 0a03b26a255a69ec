"""What the courier does about supervisord, and how long it tries."""

import os
from pathlib import Path

import pytest

from rules_listener.base.clock import ManualClock, since_boot
from rules_listener.outbox.alert import SUPERVISOR_CHANNEL
from rules_listener.outbox.channel import GaveUp, Message, Sent
from rules_listener.serve.config import ChannelConfig, default_config
from rules_listener.serve.couriering import InThisLife, give_up_times
from rules_listener.serve.supervisord import start_of_parent


class Doing:
    """A channel that does whatever it is asked for."""

    places = 4
    stopped = False

    def send(self, message: Message) -> Sent:
        """Do it."""
        del message
        return Sent()

    def stop(self) -> None:
        """Note it."""
        self.stopped = True


@pytest.mark.parametrize(("clock_set_by", "passed", "done"), [(0, 1, True), (0, -1, False), (-3600, 1, True)])
def test_actions_belong_to_a_life_of_supervisord(clock_set_by: float, passed: float, done: bool) -> None:  # noqa: FBT001 - of a table
    """What happened before supervisord began is given up; that its clock was set meanwhile makes no difference."""
    clock = ManualClock()
    began = clock.time()
    clock.advance(1000)
    clock.set_by(clock_set_by)
    channel = InThisLife(Doing(), clock, lambda: 1000.0)
    about = began + clock_set_by + passed
    outcome = channel.send(Message("id", SUPERVISOR_CHANNEL, "", "", "", "shutdown", "", about, {}))
    assert isinstance(outcome, Sent if done else GaveUp)


def test_a_channel_within_a_life_is_that_channel() -> None:
    """It has its places, and is stopped with it."""
    doing = Doing()
    channel = InThisLife(doing, ManualClock(), lambda: 0.0)
    channel.stop()
    assert (channel.places, doing.stopped) == (4, True)


def test_when_the_parent_began() -> None:
    """A process began after its parent, and before now."""
    own = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    assert 0 < start_of_parent() <= own <= since_boot()


def test_actions_on_supervisord_are_given_up_sooner() -> None:
    """A shutdown that failed is not carried out hours later; alerts are tried as long as the configuration says."""
    config, channels = default_config(Path("/")), ["ops", SUPERVISOR_CHANNEL]
    assert give_up_times(channels, config) == {"ops": 86_400.0, SUPERVISOR_CHANNEL: 300.0}
    assert give_up_times(channels, config._replace(give_up_after_s=60.0)) == {"ops": 60.0, SUPERVISOR_CHANNEL: 60.0}


def test_a_channel_may_be_given_up_at_its_own_time() -> None:
    """Where a channel says how long it is tried, that holds for it, be it longer or shorter than for the others."""
    channels = tuple(
        ChannelConfig(name, "log", {"give_up_after_s": 10.0 * n}, ()) for n, name in enumerate(("a", "b"), 1)
    )
    config = default_config(Path("/"))._replace(channels=channels, give_up_after_s=15.0)
    assert give_up_times(["a", "b", "c"], config) == {"a": 10.0, "b": 20.0, "c": 15.0, SUPERVISOR_CHANNEL: 15.0}
