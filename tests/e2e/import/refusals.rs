//! What is not taken, and a DTM that is running.

use std::sync::Arc;

use tempfile::TempDir;

use super::command::{finished, import, start};
use super::source::{Kind, Source};
use crate::harness::{Branches, GrpcBranches, Place, Settings, saga};

async fn filled(kind: Kind) -> Option<(Source, Branches, Arc<Place>)> {
    let http = Branches::start().await;
    let source = Source::filled(kind, &http, &GrpcBranches::start().await).await?;
    Some((source, http, Arc::new(Place::new())))
}

#[tokio::test]
async fn damaged_rows_are_listed_and_their_neighbours_are_taken() {
    let Some((source, _, place)) = filled(Kind::Postgres).await else { return };
    source.execute(
        "update trans_branch_op set op = 'act' where gid = 'saga-ongoing' and branch_id = '02' and op = 'action';
         update trans_global set options = '{' where gid = 'tcc-prepared';
         update trans_global set create_time = null where gid = 'msg-prepared';
         update trans_global set status = 'lost' where gid = 'xa-prepared';
         delete from trans_branch_op where gid = 'msg-at-branch-2';
         update kv set v = 'x' where k = 'mail';",
    );
    let imported = import(&source, &place, &[]).await;
    assert_eq!(imported.code, Some(3), "{imported:?}");
    assert_eq!(imported.line("all"), [32, 0, 5, 11]);
    assert_eq!(imported.line("topics"), [3, 0, 1, 0]);
    for line in [
        "refused saga-ongoing: found the row '02 act' where '02 action' belongs",
        "refused tcc-prepared: options cannot be read",
        "refused msg-prepared: create_time is empty",
        "refused xa-prepared: unknown status 'lost'",
        "refused msg-at-branch-2: its branches are gone",
        "refused topic mail: its subscribers cannot be read",
    ] {
        assert!(imported.stdout.contains(line), "no '{line}' in {}", imported.stdout);
    }
    let again = import(&source, &place, &[]).await;
    assert_eq!((again.code, again.line("all")), (Some(3), vec![0, 32, 5, 11]));
}

#[tokio::test]
async fn a_gid_that_is_taken_by_something_else_is_a_conflict_and_stays_as_it_is() {
    let Some((source, http, place)) = filled(Kind::Mysql).await else { return };
    let mut server = Settings::default().start_at(&place).await;
    server.submit(&saga("saga-ongoing", &http, 1)).await;
    assert_eq!(server.end_of("saga-ongoing").await.status(), "succeed");
    server.stop().await;
    let imported = import(&source, &place, &[]).await;
    assert_eq!((imported.code, imported.line("all")), (Some(3), vec![36, 0, 1, 11]));
    assert!(imported.stdout.contains("refused saga-ongoing: another transaction has this gid here"));
    server.restart().await;
    assert_eq!(server.query("saga-ongoing").await.rows(), "p s");
}

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
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let imported = imported.await.unwrap();
    assert_eq!(imported.code, Some(1), "{imported:?}");
    assert!(imported.stderr.contains("DTM is running"), "{imported:?}");
    assert!(!place.data().exists(), "the target is not even opened");
}

#[tokio::test]
async fn an_address_that_is_none_and_a_source_that_is_not_there_are_errors_without_the_password() {
    let folder = TempDir::new().unwrap();
    for address in ["oracle://u:secret@h/dtm", "dtm", "mysql://u:secret@127.0.0.1:1/dtm"] {
        let output = tokio::process::Command::new(crate::harness::server_binary())
            .args(["import", "--from", address, "--data"])
            .arg(folder.path().join("data"))
            .output()
            .await
            .unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.starts_with("dtm-server: ") && !error.contains("secret"), "{error}");
    }
}
