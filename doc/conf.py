"""
How Sphinx builds the pages: HTML to read, and the man page.
"""

import imapsync

project = "imapsync"
author = "the imapsync authors"
copyright = f"2026, {author}"
version = release = imapsync.__version__

# The man page is committed: it must not change with the day it is built on.
today = "2026"

# These are parts of the manual.
exclude_patterns = ["_build", "configuration.rst", "options.rst"]

man_pages = [
    ("manual", "imapsync", "keep the mail of two IMAP accounts equal", "", "1"),
]
man_show_urls = True

html_theme = "furo"
html_title = "imapsync"
html_theme_options = {
    "navigation_with_keys": True,
}
html_copy_source = False
# Commands are to be copied as they stand: no dash or quote is made prettier.
smartquotes = False
highlight_language = "none"
