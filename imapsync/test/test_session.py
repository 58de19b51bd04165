from twisted.trial.unittest import SynchronousTestCase
from imapsync.test.scripted import World, mail, SEEN
class T(SynchronousTestCase):
    def test_a(self):
        w=World(self.mktemp()); w.fill(mail(1),mail(2)); w.remote.inbox.add(mail(3),SEEN)
        w.local.make("Work/Deep").add(mail(9))
        r=w.sync(); print(list(r.lines()), r.troubles, w.equal)
        for a in w.accounts.values(): print(a.heard)
        self.assertTrue(w.equal)
        r=w.sync(); print(list(r.lines()), w.equal)
        for a in w.accounts.values(): print(a.heard)
