from dtmcli import tcc

import branches
from support import DTM, Case


class Tcc(Case):
    def run_tcc(self):
        def business(transaction):
            for name in ("out", "in"):
                transaction.call_branch(
                    {"amount": 30}, branches.url(name), branches.url(name + "Confirm"), branches.url(name + "Cancel")
                )

        return tcc.tcc_global_transaction(DTM, self.gid, business)

    def test_is_confirmed(self):
        self.assertEqual(self.run_tcc(), self.gid)
        self.await_status("succeed")
        self.expect_calls(
            'tcc try 01 out({"amount": 30})',
            'tcc try 02 in({"amount": 30})',
            'tcc confirm 02 inConfirm({"amount": 30})',
            'tcc confirm 01 outConfirm({"amount": 30})',
        )
        self.expect_rows("01 cancel prepared", "01 confirm succeed", "02 cancel prepared", "02 confirm succeed")

    def test_is_cancelled(self):
        branches.on(self.gid, "in", branches.fails)
        self.assertEqual(self.run_tcc(), "", "the SDK's way to say that it was rolled back")
        self.await_status("failed")
        self.expect_calls(
            'tcc try 01 out({"amount": 30})',
            'tcc try 02 in({"amount": 30})',
            'tcc cancel 02 inCancel({"amount": 30})',
            'tcc cancel 01 outCancel({"amount": 30})',
        )
        self.expect_rows("01 cancel succeed", "01 confirm prepared", "02 cancel succeed", "02 confirm prepared")

    def test_is_nested(self):
        def nests(call):
            transaction = tcc.tcc_from_req(DTM, call.gid, call.branch_id)
            transaction.call_branch({}, branches.url("inner"), branches.url("innerConfirm"), branches.url("innerCancel"))

        branches.on(self.gid, "in", nests)
        self.run_tcc()
        self.await_status("succeed")
        self.assertEqual(
            branches.of(self.gid)[2:4], ["tcc try 0201 inner({})", "tcc confirm 0201 innerConfirm({})"]
        )
