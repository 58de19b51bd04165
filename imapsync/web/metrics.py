"""
What Prometheus collects of accounts at work: C{/metrics}.

C{prometheus-client} writes it; nothing of it is global.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from imapsync import __version__
from imapsync.run.status import Counters
from imapsync.watch.facts import Facts, Health

if TYPE_CHECKING:
    from prometheus_client.core import Metric
    from prometheus_client.registry import Collector

#: What to do where it is not installed.
ABSENT = (
    "metrics need the Python package prometheus-client, which is not installed:"
    " install imapsync[metrics]"
)


class Page(NamedTuple):
    """
    What is answered.

    @ivar type: of the content.
    """

    octets: bytes
    type: str


class _Gauge(NamedTuple):
    """
    A number of each account, as it is just now; C{None} where there is none.
    """

    name: str
    help: str
    value: Callable[[Facts, float], float | None]


#: All that is told of each account, in the manual's order.
_GAUGES = (
    _Gauge(
        "up",
        "0 if the account cannot be synced just now, else 1.",
        lambda one, now: float(one.failing is None),
    ),
    _Gauge(
        "last_success_timestamp_seconds",
        "When both sides were found equal last.",
        lambda one, now: one.synced,
    ),
    _Gauge(
        "failing_since_timestamp_seconds",
        "Since when the account has failed; absent if it does not.",
        lambda one, now: one.failing,
    ),
    _Gauge(
        "lag_seconds",
        "How long the mailbox that is furthest behind is.",
        lambda one, now: one.lag(now),
    ),
    _Gauge("mailboxes", "Mailboxes that are synced.", lambda one, now: one.mailboxes),
    _Gauge(
        "messages",
        "Messages that are known on both sides.",
        lambda one, now: one.messages,
    ),
    _Gauge(
        "refusals",
        "Messages and mailboxes that a server refused, to be tried again.",
        lambda one, now: one.refusals,
    ),
)

#: What is counted, by field of L{Counters}, and by its name here.
_COUNTERS = {
    "messages": ("copied_messages", "Messages that were copied or moved."),
    "octets": ("transferred_octets", "Octets that went over all connections."),
    "flags": ("flagged_messages", "Messages whose flags were set."),
    "removals": ("removed_messages", "Messages that were expunged or put away."),
    "retries": ("retries", "Connections that were made anew after a failure."),
}


def page(
    accounts: Sequence[Facts],
    total: Counters,
    now: float,
    accept: str = "",
) -> Page | None:
    """
    All metrics.

    @param total: what was done, also for those that are no longer there.
    @param now: in seconds since 1970.
    @param accept: which formats are wanted, as HTTP has it.
    @return: C{None} if C{prometheus-client} is not installed: see L{ABSENT}.
    """
    if find_spec("prometheus_client") is None:
        return None
    # Imported here, because it takes long.
    from prometheus_client import CollectorRegistry, ProcessCollector
    from prometheus_client.registry import Collector

    class Accounts(Collector):
        def collect(self) -> Iterator[Metric]:
            yield from _metrics(accounts, total, now)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Accounts())
    ProcessCollector(registry=registry)
    encode, kind = _encoder(accept)
    return Page(encode(registry), kind)


def _encoder(accept: str) -> tuple[Callable[[Collector], bytes], str]:
    """
    What writes the format that is wanted most, and what that is called.
    """
    from prometheus_client.exposition import choose_encoder

    try:
        return choose_encoder(accept)
    except (TypeError, ValueError):  # of no version that there is
        return choose_encoder("")


def _metrics(
    accounts: Sequence[Facts], total: Counters, now: float
) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    about = GaugeMetricFamily("imapsync_build_info", "1.", labels=["version"])
    about.add_metric([__version__], 1)
    yield about
    names = [one.name for one in accounts]
    for gauge in _GAUGES:
        family = GaugeMetricFamily(
            f"imapsync_account_{gauge.name}", gauge.help, labels=["account"]
        )
        for name, one in zip(names, accounts, strict=True):
            if (value := gauge.value(one, now)) is not None:
                family.add_metric([name], value)
        yield family
    yield _healths(names, accounts)
    for field, (word, help_) in _COUNTERS.items():
        counted = CounterMetricFamily(
            f"imapsync_account_{word}", help_, labels=["account"]
        )
        for name, one in zip(names, accounts, strict=True):
            counted.add_metric([name], getattr(one.counters, field))
        yield counted
        yield CounterMetricFamily(
            f"imapsync_{word}",
            f"{help_[:-1]}, of all accounts, also of those that are gone.",
            value=getattr(total, field),
        )
    yield _counted(one.health for one in accounts)


def _healths(names: Iterable[str], accounts: Iterable[Facts]) -> Metric:
    """
    How each account is.
    """
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(
        "imapsync_account_health",
        "1 for how the account is, 0 for how it is not.",
        labels=["account", "health"],
    )
    for name, one in zip(names, accounts, strict=True):
        for health in Health:
            family.add_metric([name, str(health)], float(one.health is health))
    return family


def _counted(healths: Iterable[Health]) -> Metric:
    """
    How many accounts are so.
    """
    from prometheus_client.core import GaugeMetricFamily

    counts = Counter(healths)
    family = GaugeMetricFamily(
        "imapsync_accounts", "Accounts, by how they are.", labels=["health"]
    )
    for health in Health:
        family.add_metric([str(health)], counts[health])
    return family
