//! Who has called what and when, who has shown what and when, and what of this may never be.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::sight::Sight;
use crate::harness::{Call, View};

/// A server trusts its ownership for 100 ms after a write, and then a call has to get here, on a machine that is busy.
const WINDOW: Duration = Duration::from_millis(1_500);

/// How late the ticker of this process may be before the whole machine counts as one that stood still.
const STALL: Duration = Duration::from_millis(300);

pub(super) struct Evidence {
    pages: Mutex<Pages>,
    begun: Instant,
    violated: watch::Sender<bool>,
}

struct Pages {
    of: HashMap<String, Page>,
    gids: Vec<String>,
    /// For each server: whether it stands still, and since when it does not.
    moves: Vec<(bool, Option<Instant>)>,
    stalled: Option<Instant>,
    /// Calls after the end or the turn of their transaction that an in-flight call explains.
    explained: usize,
    calls: usize,
    looks: usize,
    violation: Option<(String, String)>,
}

#[derive(Default)]
struct Page {
    /// Each shows more than the one before.
    seen: Vec<Sight>,
    /// When a server has said that the transaction is stored.
    acknowledged: Option<Instant>,
    /// When a server has said that it is stopped for good.
    stopped: Option<Instant>,
    history: String,
}

impl Evidence {
    pub(super) fn new(servers: usize) -> Self {
        let pages = Pages {
            of: HashMap::new(),
            gids: Vec::new(),
            moves: vec![(false, None); servers],
            stalled: None,
            explained: 0,
            calls: 0,
            looks: 0,
            violation: None,
        };
        Self { pages: Mutex::new(pages), begun: Instant::now(), violated: watch::Sender::new(false) }
    }

    /// A client begins with this transaction.
    pub(super) fn expects(&self, gid: &str) {
        self.pages.lock().gids.push(gid.to_owned());
    }

    /// From now on a server that does not know it has forgotten it (invariant I1).
    pub(super) fn is_acknowledged(&self, gid: &str) {
        self.note(gid, "acknowledged", |page| {
            page.acknowledged.get_or_insert_with(Instant::now);
        });
    }

    /// A forced stop was acknowledged.
    pub(super) fn is_stopped(&self, gid: &str) {
        self.note(gid, "stopped", |page| {
            page.stopped.get_or_insert_with(Instant::now);
        });
    }

    /// What a client was told.
    pub(super) fn said(&self, gid: &str, what: &str) {
        self.note(gid, what, |_| {});
    }

    fn note(&self, gid: &str, what: &str, change: impl FnOnce(&mut Page)) {
        let mut pages = self.pages.lock();
        let page = pages.of.entry(gid.to_owned()).or_default();
        change(page);
        page.line(self.begun, what);
    }

    /// Something was seen that may never be seen. Only the first is kept: others may come of it.
    pub(super) fn violates(&self, gid: &str, what: String) {
        self.pages.lock().violate(gid, what);
        self.violated.send_replace(true);
    }

    pub(super) fn violation(&self) -> Option<(String, String)> {
        self.pages.lock().violation.clone()
    }

    /// Sleeps until then, or until something was seen that may never be seen.
    pub(super) async fn until(&self, end: Instant) {
        let mut violated = self.violated.subscribe();
        tokio::time::timeout_at(end.into(), violated.wait_for(|violated| *violated)).await.ok();
    }

    /// Before a server is made to stand still (`true`), and after it goes on.
    pub(super) fn stands_still(&self, server: usize, still: bool) {
        self.pages.lock().moves[server] = (still, (!still).then(Instant::now));
    }

    /// Ticks for ever: a machine that stands still explains what a server that stands still does.
    pub(super) async fn watch_the_machine(&self) {
        loop {
            let begun = Instant::now();
            tokio::time::sleep(Duration::from_millis(50)).await;
            if begun.elapsed() > STALL {
                self.pages.lock().stalled = Some(Instant::now());
            }
        }
    }

    /// `server` was asked at `asked`, and has shown this.
    pub(super) fn shown(&self, gid: &str, server: &str, asked: Instant, view: &View) {
        let mut pages = self.pages.lock();
        pages.looks += 1;
        let page = pages.of.entry(gid.to_owned()).or_default();
        if !view.exists() {
            let known = page.seen.first().map(|sight| sight.at).into_iter().chain(page.acknowledged).min();
            if known.is_some_and(|known| known < asked) {
                let what = format!("it was stored, and server {server} does not know it any more");
                drop(pages);
                self.violates(gid, what);
            }
            return;
        }
        let sight = Sight::of(view);
        let before = page.seen.iter().rev().find(|before| before.at < asked);
        let forbidden = before.and_then(|before| before.forbids(&sight));
        if page.seen.last().is_none_or(|last| last.is_behind(&sight)) {
            page.line(self.begun, &format!("{server} shows {}", sight.text()));
            page.seen.push(sight);
        }
        if let Some(what) = forbidden {
            page.line(self.begun, &format!("{server} shows what cannot be: {what}; all of it: {view:?}"));
            drop(pages);
            self.violates(gid, format!("what was durable is gone: {what}"));
        }
    }

    /// `server` has called a branch.
    pub(super) fn called(&self, server: usize, call: &Call) {
        let (gid, branch_id, op) = (call.gid(), call.branch_id(), call.op());
        let mut pages = self.pages.lock();
        pages.calls += 1;
        let now = Instant::now();
        let (still, moves_since) = pages.moves[server];
        let recently = |at: Option<Instant>| at.is_some_and(|at| now - at < WINDOW);
        let explained = still || recently(moves_since) || recently(pages.stalled);
        let page = pages.of.entry(gid.clone()).or_default();
        page.line(self.begun, &format!("server {server} calls {branch_id} {op}"));
        let known = page.known(matches!(op.as_str(), "action" | "confirm"));
        let late = known.map(|known| now - known).filter(|late| *late > Duration::ZERO);
        let Some(late) = late else { return };
        if explained || late < WINDOW {
            pages.explained += 1;
            return;
        }
        drop(pages);
        self.violates(
            &gid,
            format!("server {server} calls {branch_id} {op} {late:?} after the transaction had ended or turned back"),
        );
    }

    /// What is stored and has not ended, as far as anybody has seen.
    pub(super) fn open(&self) -> Vec<String> {
        let pages = self.pages.lock();
        let open = |page: &Page| {
            page.known(false).is_none() && !(page.seen.is_empty() && page.acknowledged.is_none())
        };
        pages.gids.iter().filter(|gid| pages.of.get(*gid).is_some_and(open)).cloned().collect()
    }

    /// One of the last `count` gids.
    pub(super) fn one_of_the_last(&self, count: usize, luck: usize) -> Option<String> {
        let gids = &self.pages.lock().gids;
        let last = &gids[gids.len().saturating_sub(count)..];
        (!last.is_empty()).then(|| last[luck % last.len()].clone())
    }

    /// How much there is of it.
    pub(super) fn numbers(&self) -> String {
        let pages = self.pages.lock();
        let ended = pages.of.values().filter(|page| page.known(false).is_some()).count();
        let Pages { gids, looks, calls, explained, .. } = &*pages;
        format!(
            "{} begun, {ended} seen at an end, {calls} calls, {explained} of them in flight at an end, {looks} looks",
            gids.len()
        )
    }

    /// Everything that is known of a transaction, with seconds since the beginning.
    pub(super) fn history(&self, gid: &str) -> String {
        self.pages.lock().of.get(gid).map(|page| page.history.clone()).unwrap_or_default()
    }
}

impl Pages {
    fn violate(&mut self, gid: &str, what: String) {
        self.violation.get_or_insert_with(|| (gid.to_owned(), what));
    }
}

impl Page {
    /// Since when nothing may be called any more; or, for a call that goes forward, nothing that does so.
    fn known(&self, forward: bool) -> Option<Instant> {
        let over = |sight: &&Sight| match sight.status.as_str() {
            "succeed" | "failed" => true,
            status => forward && status == "aborting",
        };
        let seen = self.seen.iter().find(over).map(|sight| sight.at);
        seen.into_iter().chain(self.stopped).min()
    }

    fn line(&mut self, begun: Instant, what: &str) {
        writeln!(self.history, "{:9.3} {what}", begun.elapsed().as_secs_f64()).ok();
    }
}
