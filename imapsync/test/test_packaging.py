"""
Tests of what is installed: these mean something only for the built package.
"""

from __future__ import annotations

from importlib import metadata, resources

from twisted.application.service import IServiceMaker, ServiceMaker
from twisted.plugin import getPlugins
from twisted.trial.unittest import SkipTest, SynchronousTestCase

import imapsync


class PackagingTests(SynchronousTestCase):
    """
    The installed distribution is whole, and leaves Twisted alone.
    """

    def setUp(self) -> None:
        """
        Find what is installed.
        """
        try:
            self.distribution = metadata.distribution("imapsync")
        except metadata.PackageNotFoundError:
            raise SkipTest("imapsync is not installed") from None
        self.files = {str(path) for path in self.distribution.files or ()}
        if "imapsync/__init__.py" not in self.files:
            raise SkipTest("imapsync is not installed from a wheel")

    def test_version(self) -> None:
        """
        The package and its metadata agree on the version.
        """
        self.assertEqual(imapsync.__version__, self.distribution.version)

    def test_typed(self) -> None:
        """
        Type checkers are told that there are types (PEP 561).
        """
        self.assertTrue(resources.files("imapsync").joinpath("py.typed").is_file())

    def test_command(self) -> None:
        """
        There is a command C{imapsync}.
        """
        [command] = self.distribution.entry_points.select(group="console_scripts")
        self.assertEqual("imapsync", command.name)
        self.assertEqual("imapsync.__main__:main", command.value)

    def test_plugin(self) -> None:
        """
        C{twistd} knows the service, and where its options are.
        """
        makers = {maker.tapname: maker for maker in getPlugins(IServiceMaker)}
        maker = makers["imapsync"]
        assert isinstance(maker, ServiceMaker)
        self.assertEqual("imapsync.tap", maker.module)

    def test_twisted(self) -> None:
        """
        No C{__init__.py} of ours would overwrite one of Twisted's.
        """
        ours = [path for path in self.files if path.startswith("twisted/")]
        self.assertFalse([path for path in ours if "__init__" in path])

    def test_manual(self) -> None:
        """
        The man page is installed with the package.
        """
        pages = [path for path in self.files if path.endswith("man/man1/imapsync.1")]
        self.assertEqual(1, len(pages))
