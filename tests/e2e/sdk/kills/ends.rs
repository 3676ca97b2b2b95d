//! Waits for the ends, and compares them with what the banks have.

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};

use super::super::banks::{Banks, Effects};
use super::diary::{Diary, Word};
use super::process::Mode;
use crate::harness::{Server, View};

/// A database that has lost its client in the midst of a wait for a lock holds those that it has until the wait is over.
const PATIENCE: Duration = Duration::from_secs(120);

/// How all have ended, by gid; without those that the server has never heard of.
pub(super) type Ends = BTreeMap<String, View>;

/// Waits until every transaction has ended (invariant I8).
pub(super) async fn all_ended(server: &Server, diary: &Diary) -> Ends {
    let ends = stream::iter(diary.words.keys())
        .map(|gid| async move {
            let known = server.query(gid).await.exists();
            (
                gid.clone(),
                if known { Some(server.until_within(PATIENCE, gid, View::has_ended).await) } else { None },
            )
        })
        .buffer_unordered(8)
        .collect::<Vec<_>>();
    let ends = tokio::select! {
        ends = ends => ends,
        never = brought_forward(server) => match never {},
    };
    ends.into_iter().filter_map(|(gid, end)| Some((gid, end?))).collect()
}

/// What was met by death after death is far away by now: as an operator would, has it tried again, not all at once.
async fn brought_forward(server: &Server) -> Infallible {
    let mut turns = tokio::time::interval(Duration::from_millis(250));
    loop {
        turns.tick().await;
        server.get("/api/dtmsvr/resetCronTime?timeout=3&limit=20").await;
    }
}

/// How many have ended in each way.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) succeeded: usize,
    pub(super) failed: usize,
    /// Whose client died, or does not know, and which went forward all the same.
    pub(super) found_out: usize,
    /// Whose client died, or does not know, and which were rolled back.
    pub(super) taken_back: usize,
}

/// Compares everything.
pub(super) async fn verify(mode: Mode, diary: &Diary, ends: &Ends, banks: &Banks, run: &str) -> Counts {
    let effects = banks.effects().await;
    let unknown: Vec<_> = effects.keys().filter(|gid| !diary.words.contains_key(*gid)).collect();
    assert!(unknown.is_empty(), "nobody has begun {unknown:?}");
    let mut counts = Counts::default();
    let none = Effects::new();
    for (gid, word) in &diary.words {
        let end = ends.get(gid);
        let status = end.map_or("", View::status);
        let found = effects.get(gid).unwrap_or(&none);
        let told = format!("{gid} is '{status}', its client was told {word:?}, effects {found:?}, {end:?}");
        match (word, status) {
            (Word::Done, status) => assert_eq!(status, "succeed", "I1: {told}"),
            (Word::Undone, status) => assert_eq!(status, "failed", "I4: {told}"),
            (Word::None, "succeed") => counts.found_out += 1,
            (Word::None, "failed") => counts.taken_back += 1,
            (Word::None, _) => {}
        }
        counts.succeeded += usize::from(status == "succeed");
        counts.failed += usize::from(status == "failed");
        assert_eq!(*found, expected(mode, status, found), "I3, I4, I7: {told}");
        if let Some(end) = end {
            let names = end.row_names();
            let different: HashSet<_> = names.iter().collect();
            assert_eq!(names.len(), different.len(), "I12: {told}");
        }
    }
    banks.assert_sound(run).await;
    counts
}

/// What there has to be of a transaction that has ended so. Where something may have been done or not, what was `found` decides
/// how it has to have been undone.
fn expected(mode: Mode, status: &str, found: &Effects) -> Effects {
    let once = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), 1)).collect::<Effects>();
    match (mode, status) {
        (Mode::Message | Mode::Xa, "succeed") => once(&["out action", "in action"]),
        (Mode::Tcc, "succeed") => once(&["out try", "in try", "out confirm", "in confirm"]),
        (Mode::Workflow, "succeed") => once(&["out action", "fee action", "in action"]),
        (Mode::Tcc, "failed") => undone(found, &["out", "in"], "try", "cancel"),
        (Mode::Workflow, "failed") => undone(found, &["out", "fee"], "action", "rollback"),
        // What was never stored has done nothing, and neither has a message or XA that failed.
        _ => Effects::new(),
    }
}

/// What was done was undone, once each.
fn undone(found: &Effects, legs: &[&str], forward: &str, back: &str) -> Effects {
    let done = legs.iter().filter(|leg| found.contains_key(&format!("{leg} {forward}")));
    done.flat_map(|leg| [(format!("{leg} {forward}"), 1), (format!("{leg} {back}"), 1)]).collect()
}
