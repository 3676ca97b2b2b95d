from dtmcli import saga

import branches
from support import DTM, Case


class Saga(Case):
    def submit(self):
        transaction = saga.Saga(DTM, self.gid)
        for name in ("out", "in"):
            transaction.add({"amount": 30}, branches.url(name), branches.url(name + "Back"))
        transaction.submit()

    def test_succeeds(self):
        self.submit()
        self.await_status("succeed")
        self.expect_calls('saga action 01 out({"amount": 30})', 'saga action 02 in({"amount": 30})')
        self.expect_rows(
            "01 compensate prepared", "01 action succeed", "02 compensate prepared", "02 action succeed"
        )

    def test_is_rolled_back(self):
        branches.on(self.gid, "in", branches.fails)
        self.submit()
        self.await_status("failed")
        self.expect_calls(
            'saga action 01 out({"amount": 30})',
            'saga action 02 in({"amount": 30})',
            'saga compensate 02 inBack({"amount": 30})',
            'saga compensate 01 outBack({"amount": 30})',
        )
        self.expect_rows("01 compensate succeed", "01 action succeed", "02 compensate succeed", "02 action failed")
