//! How each unfinished transaction has to end, and whom it has to call for that.

/// What is expected of one transaction.
pub(super) struct Expected {
    pub(super) gid: &'static str,
    pub(super) status: &'static str,
    /// Names of branches in the order of their calls; the last part of their URLs. After `grpc:` methods.
    pub(super) calls: &'static str,
    /// The same when it comes from SQL, where DTM writes late how branches have ended: a roll-back compensates also
    /// what may have been called without a trace.
    pub(super) calls_from_sql: &'static str,
}

const fn expected(gid: &'static str, status: &'static str, calls: &'static str) -> Expected {
    Expected { gid, status, calls, calls_from_sql: calls }
}

const fn rolled_back(gid: &'static str, calls: &'static str, calls_from_sql: &'static str) -> Expected {
    Expected { gid, status: "failed", calls, calls_from_sql }
}

/// All of them, once the test has decided about the ones that wait for their client (see `ends`).
pub(super) const ALL: &[Expected] = &[
    expected("saga-at-action-2", "succeed", "a2 a3"),
    expected("saga-ongoing", "succeed", "a1 a2"),
    expected("saga-compensating", "failed", "c2 c1"),
    expected("saga-concurrent", "succeed", "a2 a3 a4"),
    expected("saga-concurrent-compensating", "failed", "c2"),
    expected("saga-options", "succeed", "a2"),
    rolled_back("saga-retry-limit", "c1", "c3 c1"),
    rolled_back("saga-timed-out", "c1", "c3 c1"),
    expected("saga-will-fail", "failed", "a1 a2 c2 c1"),
    expected("订单-42 it's \"quoted\"", "succeed", "a1"),
    expected("saga-old-body", "succeed", "a1"),
    expected("saga-nothing-to-undo", "failed", "c1"),
    expected("saga-json-rpc", "succeed", "a1"),
    expected("saga-grpc", "succeed", "a2 grpc:A1"),
    expected("tcc-prepared", "succeed", "confirm0201 confirm02 confirm01"),
    expected("tcc-abandoned", "failed", "cancel02 cancel01"),
    expected("tcc-without-branches", "failed", ""),
    expected("tcc-confirming", "succeed", "confirm01"),
    expected("tcc-cancelling", "failed", "cancel02 cancel01"),
    expected("tcc-grpc", "succeed", "grpc:Confirm"),
    expected("xa-prepared", "failed", "x01 x02"),
    expected("xa-abandoned", "failed", "x01"),
    expected("xa-committing", "succeed", "x02 x03"),
    expected("xa-rolling-back", "failed", "x01 x02"),
    expected("msg-prepared", "succeed", "a1 a2"),
    expected("msg-to-check", "succeed", "query a1 a2"),
    expected("msg-to-check-failed", "failed", "query"),
    expected("msg-at-branch-2", "succeed", "a2 a3"),
    expected("msg-delayed", "succeed", "a1"),
    expected("msg-delayed-at-submit", "succeed", "a1"),
    expected("msg-topics", "succeed", "orders-2 a2 mail-1"),
    expected("msg-topics-prepared", "succeed", "orders-1 orders-2 a2 mail-1"),
    expected("msg-concurrent", "succeed", "a1 a3"),
    expected("msg-grpc", "succeed", "grpc:M1"),
    expected("workflow-half", "succeed", "callback"),
    expected("workflow-untouched", "failed", "callback"),
    expected("workflow-grpc", "succeed", "grpc:Execute"),
];

/// What DTM had finished.
pub(super) const FINISHED: &[&str] = &[
    "saga-done",
    "saga-rolled-back",
    "saga-stopped",
    "msg-done",
    "msg-given-up",
    "tcc-submit",
    "tcc-abort",
    "xa-submit",
    "xa-abort",
    "workflow-done",
    "workflow-failed",
];

/// Lines of the report: taken or already there, and finished.
pub(super) const FIGURES: &[(&str, u64, u64)] = &[
    ("msg        failed", 0, 1),
    ("msg        prepared", 4, 0),
    ("msg        submitted", 6, 0),
    ("msg        succeed", 0, 1),
    ("saga       aborting", 5, 0),
    ("saga       failed", 0, 2),
    ("saga       submitted", 9, 0),
    ("saga       succeed", 0, 1),
    ("tcc        aborting", 1, 0),
    ("tcc        failed", 0, 1),
    ("tcc        prepared", 3, 0),
    ("tcc        submitted", 2, 0),
    ("tcc        succeed", 0, 1),
    ("workflow   failed", 0, 1),
    ("workflow   prepared", 3, 0),
    ("workflow   succeed", 0, 1),
    ("xa         aborting", 1, 0),
    ("xa         failed", 0, 1),
    ("xa         prepared", 2, 0),
    ("xa         submitted", 1, 0),
    ("xa         succeed", 0, 1),
    ("all", 37, 11),
    ("topics", 4, 0),
];
