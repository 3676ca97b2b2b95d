from dtmcli import barrier, saga

import branches
from support import DTM, DatabaseCase, adjust, connect


def behind_barrier(name, amount, after=None):
    """A branch that changes an account behind the SDK's barrier, then does whatever `after` does."""

    def answer(call):
        with connect() as connection:
            barrier.BranchBarrier(call.trans_type, call.gid, call.branch_id, call.op).call(
                connection.cursor(), lambda cursor: adjust(cursor, call.gid, name, amount)
            )
        if after:
            after(call)

    return answer


class Barrier(DatabaseCase):
    def test_drops_a_repeated_call(self):
        def loses_the_first_answer(call):
            if call.number == 1:
                raise ConnectionError("lost")

        self.open_accounts("A")
        branches.on(self.gid, "out", behind_barrier("A", -30, loses_the_first_answer))
        transaction = saga.Saga(DTM, self.gid).add({}, branches.url("out"), branches.url("outBack"))
        transaction.trans_base.retry_interval = 1
        transaction.submit()
        self.await_status("succeed")
        self.expect_calls("saga action 01 out({})", "saga action 01 out({})")
        self.expect_balance("A", 70)

    def test_makes_a_compensation_of_nothing_do_nothing(self):
        self.open_accounts("A", "B")
        branches.on(self.gid, "out", behind_barrier("A", -30))
        branches.on(self.gid, "outBack", behind_barrier("A", 30))
        branches.on(self.gid, "in", branches.fails)
        branches.on(self.gid, "inBack", behind_barrier("B", -30))
        transaction = saga.Saga(DTM, self.gid)
        for name in ("out", "in"):
            transaction.add({}, branches.url(name), branches.url(name + "Back"))
        transaction.submit()
        self.await_status("failed")
        self.expect_balance("A", 100)
        self.expect_balance("B", 100)
