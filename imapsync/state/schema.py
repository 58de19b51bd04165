"""
What the database looks like, and how it came to look so.
"""

from __future__ import annotations

from imapsync.state.sqlitefile import APPLICATION_ID

#: One step for each version of the schema; never change one that was released.
UPGRADES: tuple[tuple[str, ...], ...] = (
    (
        f"PRAGMA application_id = {APPLICATION_ID}",
        "CREATE TABLE meta (runs INTEGER NOT NULL, read_only TEXT NOT NULL)",
        "INSERT INTO meta VALUES (0, '')",
        """
        CREATE TABLE mailbox (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            subscribed INTEGER NOT NULL,
            pairs INTEGER NOT NULL DEFAULT 0,
            local_identity TEXT NOT NULL DEFAULT '',
            local_uidvalidity INTEGER,
            local_uidnext INTEGER,
            local_modseq INTEGER,
            remote_identity TEXT NOT NULL DEFAULT '',
            remote_uidvalidity INTEGER,
            remote_uidnext INTEGER,
            remote_modseq INTEGER
        )
        """,
        """
        CREATE TABLE flags (
            id INTEGER PRIMARY KEY,
            text TEXT NOT NULL UNIQUE
        )
        """,
        """
        CREATE TABLE pair (
            mailbox INTEGER NOT NULL REFERENCES mailbox ON DELETE CASCADE,
            local INTEGER NOT NULL,
            remote INTEGER NOT NULL,
            flags INTEGER NOT NULL REFERENCES flags,
            key BLOB,
            PRIMARY KEY (mailbox, local)
        ) WITHOUT ROWID
        """,
        "CREATE UNIQUE INDEX pair_remote ON pair (mailbox, remote)",
        """
        CREATE TABLE postponed (
            mailbox INTEGER NOT NULL REFERENCES mailbox ON DELETE CASCADE,
            side TEXT NOT NULL,
            uid INTEGER NOT NULL,
            PRIMARY KEY (mailbox, side, uid)
        ) WITHOUT ROWID
        """,
    ),
    (
        "ALTER TABLE pair ADD COLUMN size INTEGER",
        "ALTER TABLE pair ADD COLUMN stamp INTEGER",
        """
        CREATE TABLE foretold (
            mailbox INTEGER NOT NULL REFERENCES mailbox ON DELETE CASCADE,
            side TEXT NOT NULL,
            uid INTEGER NOT NULL,
            flags INTEGER REFERENCES flags,
            PRIMARY KEY (mailbox, side, uid)
        ) WITHOUT ROWID
        """,
    ),
    (
        "ALTER TABLE meta ADD COLUMN local_reference TEXT",
        "ALTER TABLE meta ADD COLUMN remote_reference TEXT",
    ),
    (
        """
        CREATE TABLE owner (
            side TEXT PRIMARY KEY,
            account TEXT NOT NULL,
            port INTEGER NOT NULL,
            greeting TEXT NOT NULL
        ) WITHOUT ROWID
        """,
    ),
    (
        "ALTER TABLE mailbox ADD COLUMN local_spelling TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE mailbox ADD COLUMN remote_spelling TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE mailbox ADD COLUMN local_strays INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE mailbox ADD COLUMN remote_strays INTEGER NOT NULL DEFAULT 0",
        """
        CREATE TABLE copying (
            mailbox INTEGER NOT NULL REFERENCES mailbox ON DELETE CASCADE,
            side TEXT NOT NULL,
            first INTEGER NOT NULL,
            last INTEGER NOT NULL,
            PRIMARY KEY (mailbox, side, first)
        ) WITHOUT ROWID
        """,
    ),
    (
        "ALTER TABLE postponed ADD COLUMN reason TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE postponed ADD COLUMN code TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE postponed ADD COLUMN since INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE postponed ADD COLUMN tries INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE postponed ADD COLUMN tried INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE postponed ADD COLUMN due INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE mailbox ADD COLUMN synced INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE meta ADD COLUMN synced INTEGER NOT NULL DEFAULT 0",
        """
        CREATE TABLE trouble (
            name TEXT NOT NULL,
            side TEXT NOT NULL,
            reason TEXT NOT NULL,
            code TEXT NOT NULL,
            since INTEGER NOT NULL,
            PRIMARY KEY (name, side, reason)
        ) WITHOUT ROWID
        """,
    ),
    (
        """
        CREATE TABLE doubt (
            id INTEGER PRIMARY KEY,
            mailbox INTEGER NOT NULL REFERENCES mailbox ON DELETE CASCADE,
            side TEXT NOT NULL,
            uid INTEGER NOT NULL,
            since INTEGER NOT NULL,
            flags INTEGER REFERENCES flags,
            date INTEGER,
            copy INTEGER
        )
        """,
        "CREATE INDEX doubt_message ON doubt (mailbox, side, uid)",
        """
        CREATE TABLE renaming (
            mailbox INTEGER NOT NULL REFERENCES mailbox ON DELETE CASCADE,
            side TEXT NOT NULL,
            name TEXT NOT NULL,
            PRIMARY KEY (mailbox, side)
        ) WITHOUT ROWID
        """,
    ),
    (
        """
        CREATE TABLE traffic (
            side TEXT PRIMARY KEY,
            day INTEGER NOT NULL,
            octets INTEGER NOT NULL
        ) WITHOUT ROWID
        """,
    ),
    ("ALTER TABLE meta ADD COLUMN clean_look BLOB NOT NULL DEFAULT x''",),
    (
        "ALTER TABLE mailbox ADD COLUMN alone TEXT NOT NULL DEFAULT ''",
        """
        CREATE TABLE kept (
            mailbox INTEGER NOT NULL REFERENCES mailbox ON DELETE CASCADE,
            side TEXT NOT NULL,
            uid INTEGER NOT NULL,
            uidvalidity INTEGER NOT NULL,
            size INTEGER NOT NULL,
            PRIMARY KEY (mailbox, side, uid)
        ) WITHOUT ROWID
        """,
    ),
    ("ALTER TABLE traffic ADD COLUMN sent INTEGER NOT NULL DEFAULT 0",),
    (
        """
        CREATE TABLE sent (
            mailbox INTEGER NOT NULL REFERENCES mailbox ON DELETE CASCADE,
            side TEXT NOT NULL,
            uidnext INTEGER NOT NULL,
            PRIMARY KEY (mailbox, side)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE spared (
            mailbox INTEGER NOT NULL REFERENCES mailbox ON DELETE CASCADE,
            side TEXT NOT NULL,
            uid INTEGER NOT NULL,
            uidvalidity INTEGER NOT NULL,
            PRIMARY KEY (mailbox, side, uid)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE unkept (
            mailbox INTEGER NOT NULL REFERENCES mailbox ON DELETE CASCADE,
            side TEXT NOT NULL,
            flag TEXT NOT NULL,
            PRIMARY KEY (mailbox, side, flag)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE folded (
            mailbox INTEGER NOT NULL REFERENCES mailbox ON DELETE CASCADE,
            side TEXT NOT NULL,
            uid INTEGER NOT NULL,
            original INTEGER NOT NULL,
            PRIMARY KEY (mailbox, side, uid)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE bin (
            side TEXT NOT NULL,
            name TEXT NOT NULL,
            messages INTEGER NOT NULL,
            PRIMARY KEY (side, name)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE sizes (
            side TEXT PRIMARY KEY,
            exact INTEGER NOT NULL
        ) WITHOUT ROWID
        """,
    ),
)

#: Without one of these, a file is damaged.
TABLES = {
    *("meta", "owner", "mailbox", "flags", "pair"),
    *("postponed", "foretold", "copying", "trouble"),
    *("doubt", "renaming", "traffic", "kept"),
    *("sent", "spared", "unkept", "folded", "bin", "sizes"),
}

#: For each connection to the database.
SETTINGS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA journal_mode = WAL",
    # A power cut may then lose the latest transactions, never the order of
    # them nor the file.  Pairing by content makes up for what was lost, so
    # that waiting for the disk after each batch would buy nothing.
    "PRAGMA synchronous = NORMAL",
    # Of what is changed all over the table, each page is written once: in KiB.
    "PRAGMA cache_size = -8000",
)
