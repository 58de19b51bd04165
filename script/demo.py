"""
The story that C{script/demo} tells.

The servers, their mail and the comparison are those of the integration tests;
what runs between them is the command C{imapsync}, as its users run it.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from imapsync.test.integration.dovecot import Dovecot, Settings
from imapsync.test.integration.messages import mails, messages
from imapsync.test.integration.scene import Scene

#: Which messages an account holds, whatever their flags: mailbox and digest.
Holdings = Counter[tuple[str, str]]

#: How the remote server is told who we are: it never sees the password.
MECHANISM = "SCRAM-SHA-256"

ARRIVED = datetime(2026, 1, 5, 8, 30, tzinfo=timezone.utc)


def main() -> None:
    """
    Fill, sync, change, sync, and sync once more.
    """
    with twoAccounts() as scene:
        fill(scene)
        local, remote = holdings(scene)
        tell(f"They hold {local.total()} and {remote.total()} messages.")

        heading("The first run")
        sync(scene)
        common = local & remote
        proveEqual(scene, local + remote - common)

        heading("Changes on both sides")
        common, _ = holdings(scene)
        change(scene)
        local, remote = holdings(scene)

        heading("The second run, at first only told, then done")
        sync(scene, "--dry-run")
        sync(scene)
        proveEqual(scene, local + remote - common)

        heading("The third run")
        proveIdle(scene)
    tell("", "Both accounts are equal.")


@contextmanager
def twoAccounts() -> Iterator[Scene]:
    """
    An account on each of two servers, and a configuration for both.
    """
    heading("Two mail servers")
    remote = Settings(
        "maildir", ".", extra=f"auth_mechanisms = plain login {MECHANISM}"
    )
    options = {"remote": {"auth": MECHANISM}}
    scene = Scene(remoteServer=Dovecot(remote), options=options)
    for side, server in ("local", scene.localServer), ("remote", scene.remoteServer):
        layout, separator = server.settings.layout, server.settings.separator
        auth = MECHANISM if server is scene.remoteServer else "PLAIN"
        tell(
            f"{side + ':':8} Dovecot at {server.host}:{server.port},"
            f" {layout}, names like Work{separator}Tax, login by {auth}"
        )
    try:
        yield scene
    finally:
        scene.close()


def fill(scene: Scene) -> None:
    """
    Some mail is the same on both sides, though nobody knows that yet; the
    rest is on one side only.
    """
    local, remote = scene.local, scene.remote
    for body in messages(20, seed=1):
        local.append("INBOX", body, date=ARRIVED)
        remote.append("INBOX", body, date=ARRIVED)
    local.fill("INBOX", mails(15, seed=2))
    remote.fill("INBOX", mails(10, seed=3))
    for account, mailbox, count in (
        (local, "Work/Invoices 2026", 40),
        (remote, "Été/Bretagne", 25),
    ):
        account.create(mailbox)
        account.subscribe(mailbox)
        account.fill(mailbox, mails(count, seed=count))


def change(scene: Scene) -> None:
    """
    What people do with their mail.
    """
    local, remote = scene.local, scene.remote
    inbox = local.uids("INBOX")
    tell("local:   INBOX: 2 read, 1 flagged, 3 expunged, 1 new")
    local.store("INBOX", inbox[:2], "+FLAGS (\\Seen)")
    local.store("INBOX", inbox[2:3], "+FLAGS (\\Flagged)")
    local.expunge("INBOX", inbox[10:13])
    local.fill("INBOX", mails(1, seed=4))

    invoices = remote.uids("Work/Invoices 2026")
    tell("remote:  Work/Invoices 2026: 4 with the new keyword Paid, 1 expunged")
    remote.store("Work/Invoices 2026", invoices[:4], "+FLAGS (Paid)")
    remote.expunge("Work/Invoices 2026", invoices[-1:])

    tell("remote:  Work/Travel: new, with 5 messages; Été/Bretagne: unsubscribed")
    remote.create("Work/Travel")
    remote.subscribe("Work/Travel")
    remote.fill("Work/Travel", mails(5, seed=5))
    remote.unsubscribe("Été/Bretagne")


def sync(scene: Scene, *options: str) -> None:
    """
    Run the command, and show what it says.
    """
    program = Path(sys.executable).with_name("imapsync")
    arguments = ["--oneshot", f"--config={scene.file}", *options]
    tell("$ " + " ".join([program.name, *arguments]))
    done = subprocess.run(
        [program, *arguments],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    tell(*(f"    {line}" for line in done.stdout.splitlines()))
    if done.returncode:
        raise SystemExit(f"demo: imapsync ended with {done.returncode}")


def proveEqual(scene: Scene, expected: Holdings) -> None:
    """
    Compare the accounts with each other, message by message, and with what
    they must hold.
    """
    differences = scene.differences()
    if differences:
        raise SystemExit("\n".join(["demo: the accounts differ:", *differences]))
    held, _ = holdings(scene)
    if held != expected:
        raise SystemExit("demo: something was lost or doubled")
    mailboxes = {mailbox for mailbox, _ in held}
    tell(
        f"Compared: {held.total()} messages in {len(mailboxes)} mailboxes are the same"
        " on both sides, with",
        "their flags and dates; so are the subscriptions.  Nothing lost or doubled.",
    )


def proveIdle(scene: Scene) -> None:
    """
    A run on equal accounts changes nothing, and opens no mailbox.
    """
    sync(scene)
    run = scene.sync("--debug")
    if run.code or run.commands:
        raise SystemExit(f"demo: there was something left to do: {run.commands}")
    tell("Once more, looking at all it sends: no mailbox was opened, nothing changed.")


def holdings(scene: Scene) -> tuple[Holdings, Holdings]:
    """
    What the two accounts hold now.
    """
    local, remote = (
        Counter(
            (mailbox, message.digest)
            for mailbox, messages in account.snapshot().mailboxes.items()
            for message in messages.elements()
        )
        for account in (scene.local, scene.remote)
    )
    return local, remote


def heading(text: str) -> None:
    """
    Begin another part of the story.
    """
    tell("", f"== {text}")


def tell(*lines: str) -> None:
    """
    Print lines, at once.
    """
    print(*lines, sep="\n", flush=True)


if __name__ == "__main__":
    main()
