"""
What all pages have in common.

Addresses are relative, so that a proxy can have the page wherever it likes.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

from imapsync.web.markup import Content, Markup, element

#: A browser asks for what has another address, and keeps the rest.
_SHEET, _SCRIPT, _ICON = "page.css", "page.js", "icon.svg"


class Frame(NamedTuple):
    """
    The same for all pages of a run.

    @ivar stamp: has to come with each form.
    @ivar version: of what pages are made with.
    @ivar canLeave: whether there is something to log out from.
    """

    stamp: str = ""
    version: str = ""
    canLeave: bool = False

    def page(self, title: str, content: Content, base: str = "", **data: str) -> Markup:
        """
        A whole page.

        @param base: leads from it to the first page.
        @param data: for the program in the browser, which does nothing where there
            is none.
        """

        def own(name: str) -> str:
            return f"{base}static/{name}?v={self.version}"

        attributes = {f"data_{key}": value for key, value in data.items()}
        head = (
            element("meta", charset="utf-8"),
            element("title", f"{title} \u2013 imapsync"),
            element("meta", name="viewport", content="width=device-width"),
            element("meta", name="color-scheme", content="light dark"),
            element("link", rel="icon", href=own(_ICON)),
            element("link", rel="stylesheet", href=own(_SHEET)),
            element("script", src=own(_SCRIPT), defer=True) if data else None,
        )
        leave = element("button", "Log out", class_="quiet")
        top = (
            element("a", "imapsync", href=base or "./", class_="brand"),
            element("span", id="link", role="status", hidden=True) if data else None,
            self.form(f"{base}logout", leave) if self.canLeave and data else None,
        )
        body = (
            element("a", "Skip to the content", href="#content", class_="skip"),
            element("header", top),
            element("main", content, id="content", tabindex=-1),
        )
        whole = element(
            "html",
            element("head", head),
            element("body", body, **attributes),
            lang="en",
        )
        return Markup(f"<!DOCTYPE html>{whole}")

    def form(self, action: str, *content: Content, **attributes: str) -> Markup:
        """
        A form of ours.
        """
        stamp = element("input", type="hidden", name="stamp", value=self.stamp)
        return element(
            "form", stamp, content, method="post", action=action, **attributes
        )

    def notice(self, title: str, text: str, base: str = "") -> Markup:
        """
        A page that says just that.
        """
        back = element("a", "All accounts", href=base or "./")
        return self.page(
            title, (element("h1", title), element("p", text), element("p", back)), base
        )

    def login(self, wrong: bool) -> Markup:
        """
        Where the token is said.

        @param wrong: whether what was said is not it.
        """
        field = element(
            "input",
            *(),
            id="token",
            name="token",
            type="password",
            autocomplete="current-password",
            required=True,
            autofocus=True,
            aria_describedby="wrong" if wrong else "hint",
            aria_invalid="true" if wrong else None,
        )
        said = (
            element("p", "That is not the token.", id="wrong", class_="problem")
            if wrong
            else element(
                "p",
                "It stands in the section [status] of the configuration, or in the file"
                " that is named there.",
                id="hint",
            )
        )
        # What keeps passwords wants to know whose one is.
        whose = element(
            "input",
            name="username",
            autocomplete="username",
            value="imapsync",
            hidden=True,
        )
        content = (
            element("h1", "Log in"),
            self.form(
                "login",
                whose,
                element("label", "Token", for_="token"),
                field,
                said,
                element("button", "Log in", class_="main"),
                class_="login",
            ),
        )
        return self.page("Log in", content)


def link(name: str) -> str:
    """
    The address of an account's page, from the first page.
    """
    if not name.strip(".") or "/" in name:
        # Browsers and proxies would take a part of that for a step up or down.
        return f"account/?name={quote(name, safe='')}"
    return f"account/{quote(name, safe='')}"


def place(kind: str, name: str) -> str:
    """
    What a row is called in a page.
    """
    return f"{kind}:{quote(name, safe='')}"
