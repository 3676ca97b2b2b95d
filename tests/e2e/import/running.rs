//! A DTM that runs, or was stopped long ago; servers that run on the target.

use std::sync::Arc;
use std::time::Duration;

use super::command::{finished, import, start, start_of_young};
use super::refusals::filled;
use super::source::{Kind, Source};
use crate::harness::{Branches, GrpcBranches, Place, Settings};

#[tokio::test]
async fn nothing_is_taken_from_a_dtm_that_is_running() {
    let Some((source, _, place)) = filled(Kind::Mysql).await else { return };
    let import = start(&source, &place, &["--watch", "3"]);
    let imported = tokio::spawn(finished(import));
    // As DTM does when it takes a transaction that is due; for as long as somebody looks.
    let mut hour = 0;
    while !imported.is_finished() {
        hour += 1;
        source.execute(&format!(
            "update trans_global set update_time = date_add(update_time, interval {hour} hour) where gid = 'saga-ongoing'"
        ));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let imported = imported.await.unwrap();
    assert_eq!(imported.code, Some(1), "{imported:?}");
    assert!(imported.stderr.contains("DTM is running"), "{imported:?}");
    assert!(!place.data().exists(), "the target is not even opened");
}

#[tokio::test]
async fn a_dtm_on_redis_shows_by_the_key_that_it_reads_all_the_time() {
    let Some((source, _, place)) = filled(Kind::Redis).await else { return };
    let imported = tokio::spawn(finished(start(&source, &place, &["--watch", "4"])));
    // As a DTM does for which nothing is due: it looks every two to three seconds, and writes nothing.
    while !imported.is_finished() {
        source.command(&["ZCARD", "{a}_u"]).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let imported = imported.await.unwrap();
    assert_eq!(imported.code, Some(1), "{imported:?}");
    assert!(imported.stderr.contains("DTM is running: its key"), "{imported:?}");

    // Once it has stopped, the same command takes everything.
    let imported = finished(start(&source, &place, &["--watch", "4"])).await;
    assert_eq!((imported.code, imported.line("all")), (Some(0), vec![37, 0, 0, 11]));
}

#[tokio::test]
async fn a_dtm_on_redis_that_was_stopped_long_ago_needs_a_word_before_anything_is_taken() {
    let (http, grpc) = (Branches::start().await, GrpcBranches::start().await);
    let old = |text: String| text.replace("update_time\\\":\\\"2026", "update_time\\\":\\\"2025");
    let Some(source) = Source::filled_by(Kind::Redis, &http, &grpc, old).await else { return };
    let place = Place::new();
    let imported = finished(start_of_young(&source, &place, &["--watch", "0"])).await;
    assert_eq!(imported.code, Some(1), "{imported:?}");
    assert!(imported.stderr.contains("add --stopped-long-ago"), "{imported:?}");
    assert_eq!(import(&source, &place, &[]).await.code, Some(0));
}

#[tokio::test]
async fn beside_a_server_that_runs_only_what_is_written_at_once_is_taken() {
    let Some(place) = Place::shared().map(Arc::new) else { return };
    let Some((source, _, _)) = filled(Kind::Postgres).await else { return };
    let mut server = Settings::default().start_at(&place).await;
    let imported = import(&source, &place, &[]).await;
    assert_eq!(imported.code, Some(3), "{imported:?}");
    // 5 of tcc, 4 of xa and 2 workflows have branches that were registered.
    assert_eq!(imported.line("all"), [26, 0, 11, 11]);
    assert!(imported.stdout.contains("refused xa-committing: its branches were registered"), "{imported:?}");
    assert!(!server.query("xa-committing").await.exists());
    server.stop().await;
    let again = import(&source, &place, &[]).await;
    assert_eq!((again.code, again.line("all")[0]), (Some(0), 11));
}
