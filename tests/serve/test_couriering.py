"""How long the courier tries."""

from rules_listener.outbox.alert import SUPERVISOR_CHANNEL
from rules_listener.serve.couriering import give_up_times


def test_actions_on_supervisord_are_given_up_sooner() -> None:
    """A shutdown that failed is not carried out hours later; alerts are tried as long as the configuration says."""
    assert give_up_times(["ops", SUPERVISOR_CHANNEL], 86_400.0) == {"ops": 86_400.0, SUPERVISOR_CHANNEL: 300.0}
    assert give_up_times(["ops", SUPERVISOR_CHANNEL], 60.0) == {"ops": 60.0, SUPERVISOR_CHANNEL: 60.0}
