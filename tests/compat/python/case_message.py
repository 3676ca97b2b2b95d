from dtmcli import barrier, msg, utils

import branches
from support import DTM, DatabaseCase, adjust, connect


def asks_barrier(call):
    """The back-check of the SDK."""
    with connect() as connection:
        try:
            barrier.BranchBarrier(call.trans_type, call.gid, call.branch_id, call.op).query_prepared(connection.cursor())
        except utils.DTMFailureError as error:
            raise branches.Failure from error


class Message(DatabaseCase):
    def message(self):
        return msg.Msg(DTM, self.gid).add({"amount": 30}, branches.url("in"))

    def do_and_submit(self, message, error=None):
        def business(cursor):
            adjust(cursor, self.gid, "A", -30)
            if error:
                raise error

        with connect() as connection:
            # "conn" is its name in the SDK, but it has to be a cursor.
            message.do_and_submit_db(branches.url("query"), connection.cursor(), business)

    def setUp(self):
        super().setUp()
        self.open_accounts("A")
        branches.on(self.gid, "query", asks_barrier)

    def test_is_done_and_submitted(self):
        self.do_and_submit(self.message())
        self.await_status("succeed")
        self.expect_calls('msg action 01 in({"amount": 30})')
        self.expect_rows("01 action succeed")
        self.expect_balance("A", 70)

    def test_is_aborted_when_the_business_fails(self):
        with self.assertRaises(utils.DTMFailureError):
            self.do_and_submit(self.message(), utils.DTMFailureError("no"))
        self.await_status("failed")
        self.expect_calls()
        self.expect_balance("A", 100)

    def test_is_asked_for_by_the_client_when_the_business_ends_unknown(self):
        with self.assertRaisesRegex(Exception, "unknown"):
            self.do_and_submit(self.message(), Exception("unknown"))
        self.await_status("failed")
        self.expect_calls("msg msg 00 query()")
        self.expect_balance("A", 100)

    def test_is_delivered_when_nobody_submits_after_the_commit(self):
        message = self.message()
        message.trans_base.timeout_to_fail = 3
        message.prepare(branches.url("query"))
        with connect() as connection:
            done = barrier.BranchBarrier("msg", self.gid, "00", "msg")
            done.call(connection.cursor(), lambda cursor: adjust(cursor, self.gid, "A", -30))
        self.await_status("succeed")
        self.expect_calls("msg msg 00 query()", 'msg action 01 in({"amount": 30})')
        self.expect_balance("A", 70)

    def test_is_dropped_when_nobody_commits(self):
        message = self.message()
        message.trans_base.timeout_to_fail = 3
        message.prepare(branches.url("query"))
        self.await_status("failed")
        self.expect_calls("msg msg 00 query()")
        self.expect_balance("A", 100)
