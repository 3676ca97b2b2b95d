//! What is not taken.

use std::sync::Arc;

use tempfile::TempDir;

use super::command::import;
use super::source::{Kind, Source};
use crate::harness::{Branches, GrpcBranches, Place, Settings, saga};

pub(super) async fn filled(kind: Kind) -> Option<(Source, Branches, Arc<Place>)> {
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
async fn a_topic_that_cannot_be_read_is_listed_and_everything_else_is_taken() {
    let Some((source, _, place)) = filled(Kind::Redis).await else { return };
    source.command(&["SET", "{a}_kv_topics_mail", "no JSON"]).await;
    let imported = import(&source, &place, &[]).await;
    assert_eq!(imported.code, Some(3), "{imported:?}");
    assert_eq!(imported.line("all"), [37, 0, 0, 11]);
    assert_eq!(imported.line("topics"), [3, 0, 1, 0]);
    let line = "_kv_topics_mail: it is no JSON of DTM";
    assert!(imported.stdout.contains(line), "no '{line}' in {}", imported.stdout);
}

#[tokio::test]
async fn what_dtm_has_gone_on_with_since_it_was_taken_is_a_difference_also_under_the_same_status() {
    let Some((source, _, place)) = filled(Kind::Postgres).await else { return };
    assert_eq!(import(&source, &place, &[]).await.code, Some(0));
    source.execute(
        "update trans_branch_op set status = 'succeed', finish_time = now()
         where gid = 'saga-at-action-2' and branch_id = '02' and op = 'action'",
    );
    let again = import(&source, &place, &[]).await;
    assert_eq!((again.code, again.line("all")), (Some(3), vec![0, 36, 1, 11]));
    let line = "refused saga-at-action-2: DTM has gone on with it since it was taken: branch 02 action is succeed \
                there and prepared here";
    assert!(again.stdout.contains(line), "no '{line}' in {}", again.stdout);
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
