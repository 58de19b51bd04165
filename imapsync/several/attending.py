"""
What configurations want besides having accounts synced: that somebody is told of them,
or can see them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred

from imapsync.config.settings import Config
from imapsync.errors import ConfigError
from imapsync.log import Log
from imapsync.run.status import Change
from imapsync.service import Outcome
from imapsync.watch.accounts import Accounts

if TYPE_CHECKING:
    from imapsync.config.status import StatusConfig
    from imapsync.watch.watch import Watch


class Attendants(MultiService):
    """
    Those who look after accounts in live mode, as soon as the configuration of one
    wants it: a L{Watcher<imapsync.watch.accounts.Watcher>}.  Few do, and for the others
    nothing is imported.

    @param accounts: those to look after.
    @param reactor: theirs.
    """

    log = Log()

    def __init__(self, accounts: Accounts, reactor: Any) -> None:
        MultiService.__init__(self)
        self._accounts = accounts
        self._reactor = reactor
        self._known: Watch | None = None
        self._page: list[StatusConfig] = []
        self._notifies = False

    def startService(self) -> None:
        """
        Begin.
        """
        MultiService.startService(self)
        self._accounts.watch(self)

    def stopService(self) -> Deferred[list[Any]]:
        """
        Leave them alone.
        """
        self._accounts.unwatch(self)
        stopping: Deferred[list[Any]] = MultiService.stopService(self)
        return stopping

    @property
    def known(self) -> Watch:
        """
        What is known of the accounts, from when this was asked for first.
        """
        if self._known is None:
            from imapsync.watch.watch import Watch

            self._known = Watch(self._accounts, self._reactor)
            self._known.setServiceParent(self)
        return self._known

    def listen(self) -> None:
        """
        Have a page that shows all accounts, if one of their configurations has a
        section for it.

        @raise ConfigError: if it cannot be, or two have one.
        """
        self._page = self._pages()
        if not self._page:
            return
        from imapsync.web.service import StatusPage

        config, *others = self._page
        if others:
            raise ConfigError(
                f"{others[0].where}: {config.where} is there too: one page shows all"
                " accounts, so keep one of them"
            )
        page = StatusPage(config, self.known, self._accounts, self._reactor)
        page.listen()
        page.setServiceParent(self)

    def reloaded(self) -> None:
        """
        The configurations were read again: the page goes on as it is.
        """
        # They may have been moved to other lines.
        before, now = (
            [page._replace(where="") for page in pages]
            for pages in (self._page, self._pages())
        )
        if now != before:
            self.log.warn(
                "[status] is read at the start only: start imapsync again to have the"
                " status page as it says now"
            )

    def _pages(self) -> list[StatusConfig]:
        """
        Those that are wanted; accounts that are from one list all want the same.
        """
        configs = self._accounts.configs.values()
        return sorted({one.status for one in configs if one.status is not None})

    def added(self, name: str, config: Config) -> None:
        """
        An account is there, or has another configuration now.
        """
        if config.notify is not None and not self._notifies:
            from imapsync.watch.notifier import Notifier

            self._notifies = True
            notifier = Notifier(self.known, self._accounts, self._reactor)
            notifier.setServiceParent(self)

    def changed(self, name: str, change: Change) -> None:
        """
        Whoever was asked for learns that by himself.
        """

    def ended(self, name: str, outcome: Outcome) -> None:
        """
        Likewise.
        """

    def removed(self, name: str) -> None:
        """
        Likewise.
        """
