"""
A template and a list of accounts -> the configuration of each.

A row that is wrong is left out; the others go on.
"""

# Annotations are evaluated here: as text, that of each field of a tuple would be
# compiled whenever the program starts.

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from imapsync.config import settings
from imapsync.config import template as filling
from imapsync.config.accounts import ACCOUNTS
from imapsync.config.paths import Files
from imapsync.config.rows import USER, Bad, Row, Table
from imapsync.config.section import DEFAULT, Section
from imapsync.config.server import KEYRING, ServerConfig
from imapsync.config.settings import Config
from imapsync.config.template import Safe, Template, Values
from imapsync.errors import ConfigError
from imapsync.model import Side

_COMMANDS = ("command", "password-command")
_FILES = ("database", "logfile", "password-file", "oauth2-key-file")

#: The options that may have placeholders, and what makes a value fit for each.
_SAFE: Mapping[str, Safe] = {
    **dict.fromkeys(("host", "port", "username", "password", "authorize-as"), str),
    **dict.fromkeys(("list-reference", "SSL_hostname", "SSL_fingerprint", "name"), str),
    **dict.fromkeys((*_FILES, "SSL_certificate", "SSL_key"), filling.fileName),
    **dict.fromkeys(_COMMANDS, filling.word),
}

#: The sections that may have them.
_SECTIONS = (DEFAULT, str(Side.LOCAL), str(Side.REMOTE))


class Taken(NamedTuple):
    """
    What no other account may have.

    @ivar databases: by their real paths, whose they are.
    """

    names: set[str]
    databases: dict[str, str]


def accounts(config: Config) -> str:
    """
    Tells the two accounts of a configuration from all others, as L{account} does.
    """
    return " ".join(map(account, config.servers.values()))


def account(one: ServerConfig) -> str:
    """
    Tells an account from all others, as far as that can be said without looking into
    it.  Hardly any server tells C{Anna} from C{anna}.
    """
    environment = one.environment if one.command else ()
    return f"{(one.account, one.listReference, environment)}".casefold()


class Listed(NamedTuple):
    """
    What came of a list.

    @ivar configs: by the names of the accounts.
    @ivar bad: the rows that are left out.
    """

    configs: Mapping[str, Config]
    bad: tuple[Bad, ...]


class _Filled(Section):
    """
    A section with the values of a row.

    @param known: what its options without placeholders are, as far as was asked.
    """

    def __init__(
        self,
        section: Section,
        templates: Mapping[str, Template],
        values: Values,
        known: dict[str, Any],
    ) -> None:
        options = {**section.options}
        super().__init__(section.path, section.name, section.line, options)
        self._templates = templates
        self._known = known
        for name, template in templates.items():
            try:
                text = _filled(name, template, values)
            except ValueError as error:
                raise self.wrong(name, str(error)) from None
            options[name] = options[name]._replace(value=text)

    def get(self, option: str, form: Callable[[str], Any], default: Any) -> Any:
        """
        The value of an option.
        """
        own = option in self._templates or option not in self.options
        if own or form is str:  # the text itself is not what has been made of it
            return super().get(option, form, default)
        if option not in self._known:
            self._known[option] = super().get(option, form, default)
        return self._known[option]

    def wrong(self, option: str, predicate: str) -> ConfigError:
        """
        An error of the row, if the option is from there.
        """
        if option not in self._templates:
            return super().wrong(option, predicate)
        return Section("", self.name, 0, {}).wrong(option, predicate)


class AccountTemplate:
    """
    Makes configurations of rows.

    @param sections: with placeholders.
    @param columns: see L{Table}.
    @param environ: where the user's directories are.
    @param files: what names of files stand for.
    @ivar width: how many columns are used.
    @ivar listsSecrets: whether passwords come from the list.
    @ivar holdsSecrets: whether there are any in the template.
    @raise ConfigError: if a placeholder means nothing.
    """

    def __init__(
        self,
        sections: Mapping[str, Section],
        columns: Mapping[str, int],
        environ: Mapping[str, str],
        files: Files,
    ) -> None:
        self._columns = columns
        self._environ = environ
        self._files = files
        self._known: dict[str, dict[str, Any]] = {name: {} for name in _SECTIONS}
        self._sections = {**sections}
        self._templates: dict[str, Mapping[str, Template]] = {}
        for name in (*_SECTIONS, ACCOUNTS):
            if name in sections:
                found = _understood(sections[name], columns)
                self._sections[name], self._templates[name] = found
        own = filling.template(f"{{{USER}}}", columns)
        self._name = self._templates.pop(ACCOUNTS).get("name", own)
        inside = [one for some in self._templates.values() for one in some.values()]
        places = [
            placeholder.place
            for template in (self._name, *inside)
            for placeholder in template.placeholders
        ]
        self.width = 1 + max(places, default=0)
        passwords = [
            one["password"] for one in self._templates.values() if "password" in one
        ]
        self._secret = {one.place for some in passwords for one in some.placeholders}
        self.listsSecrets = bool(passwords)
        self.holdsSecrets = any(
            _isSecret(option, section.options[option].value)
            for title, section in self._sections.items()
            for option in section.options.keys() - self._templates.get(title, {})
        )

    def name(self, row: Row) -> str:
        """
        What the account of a row is called.

        @raise ConfigError: if it has no name.
        """
        try:
            name = self._name.filled(row.values).strip(" ")
        except ValueError as error:
            raise ConfigError(str(error)) from None
        if not name:
            raise ConfigError("has no name for the account: fill that column")
        return name

    def config(self, row: Row, name: str) -> Config:
        """
        The configuration of a row.

        @raise ConfigError: if it is wrong.
        """
        sections = {**self._sections}
        for title, templates in self._templates.items():
            sections[title] = _Filled(
                *(sections[title], templates, row.values, self._known[title])
            )
        config = settings.read(sections, self._environ, self._files)
        servers = {**config.servers}
        for side, server in servers.items():
            if server.command or server.passwordCommand:
                environment = filling.environment(
                    self._columns, row.values, self._secret
                )
                servers[side] = server._replace(environment=environment)
            if server.oauth2 is not None:
                mend = f"{server.oauth2.mend} --account={_quoted(name)}"
                oauth2 = server.oauth2._replace(mend=mend)
                servers[side] = servers[side]._replace(oauth2=oauth2)
        # The databases of others in the list are no earlier ones of this account.
        return config._replace(servers=servers, older="")


def listed(template: AccountTemplate, table: Table, taken: Taken) -> Listed:
    """
    The accounts of a list.

    @param taken: gets what they take.
    """
    configs: dict[str, Config] = {}
    bad = [*table.bad]
    width = table.width or template.width
    whose: dict[str, str] = {}
    for row in table.rows:
        name = ""
        try:
            _checkWidth(row, width, table.width is not None)
            name = template.name(row)
            config = template.config(row, name)
        except ConfigError as error:
            bad.append(Bad(row.line, str(error), name))
            continue
        try:
            which = accounts(config)
            _distinguish(which, whose)
            _take(name, config, taken)
        except ConfigError as error:
            bad.append(Bad(row.line, str(error), name))
        else:
            configs[name] = config
            whose[which] = name
    return Listed(configs, tuple(sorted(bad)))


def _checkWidth(row: Row, width: int, headed: bool) -> None:
    """
    Refuse a row in which the values may be in other places than they seem to be.
    """
    count = len(row.values)
    if count == width:
        return
    values = "1 value" if count == 1 else f"{count} values"
    used = "1 is" if width == 1 else f"{width} are"
    needed = f"the first line has {width}" if headed else f"{used} used"
    if count < width:
        raise ConfigError(
            f"has {values}, but {needed}: add what is missing; values have commas"
            " between them"
        )
    hint = "" if headed else ", or name all columns in a first line"
    raise ConfigError(
        f"has {values}, but {needed}: put double quotes around a value with a comma"
        f"{hint}"
    )


def _distinguish(which: str, whose: Mapping[str, str]) -> None:
    """
    Refuse a row that would have two accounts synced twice at once: each new message
    would be doubled.
    """
    if which in whose:
        raise ConfigError(
            f'is about the same two accounts as "{whose[which]}", whether letters are'
            " small or capital: remove one"
        )


def _take(name: str, config: Config, taken: Taken) -> None:
    if name in taken.names:
        raise ConfigError(
            f'the name "{name}" is that of another account: remove one, or give each'
            " its own with the option 'name' in [accounts]"
        )
    path = os.path.realpath(config.database)
    if path in taken.databases:
        raise ConfigError(
            f'has the same database as "{taken.databases[path]}": give each its own'
            " with {user} in the option 'database'"
        )
    taken.names.add(name)
    taken.databases[path] = name


def _understood(
    section: Section, columns: Mapping[str, int]
) -> tuple[Section, Mapping[str, Template]]:
    """
    A section, and those of its options that have placeholders.

    @raise ConfigError: if one means nothing, or is where there can be none.
    """
    options = {**section.options}
    templates = {}
    for name, option in section.options.items():
        if name not in _SAFE:
            if any(f"{{{column}}}" in option.value.lower() for column in columns):
                raise section.wrong(name, "can have no placeholder")
            continue
        try:
            template = filling.template(option.value, columns)
        except ValueError as error:
            raise section.wrong(name, str(error)) from None
        if template.placeholders:
            templates[name] = template
        else:
            options[name] = option._replace(value=template.filled(()))
    return Section(section.path, section.name, section.line, options), templates


def _filled(name: str, template: Template, values: Values) -> str:
    """
    What an option is in a row.

    @raise ValueError: if that cannot be.
    """
    text = template.filled(values, _SAFE[name])
    if name in _FILES:
        filling.checkFile(text)
    if name == "password":
        _checkPassword(text, template, values)
    return text


def _checkPassword(text: str, template: Template, values: Values) -> None:
    """
    Refuse what would be taken for the name of another secret than the one that the
    template names.
    """
    meant = f"{template.pieces[0]}".startswith(KEYRING)
    if not meant and text.startswith(KEYRING):
        raise ValueError(
            f"would begin with {KEYRING}, which is for the template to say"
        )
    if meant and any("/" in one.of(values) for one in template.placeholders):
        raise ValueError(f"would have a value with a slash behind {KEYRING}")


def _isSecret(option: str, value: str) -> bool:
    if option == "proxy":
        return "@" in value
    secret = option == "password" and not value.startswith(KEYRING)
    return secret or option == "oauth2-client-secret"


def _quoted(word: str) -> str:
    import shlex  # here, because few need it: it takes time

    return shlex.quote(word)
