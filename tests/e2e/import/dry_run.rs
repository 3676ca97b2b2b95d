//! What would be taken, and nothing written.

use super::command::import;
use super::refusals::filled;
use super::source::Kind;

#[tokio::test]
async fn a_dry_run_writes_nothing_anywhere() {
    for kind in [Kind::Mysql, Kind::Postgres, Kind::Redis] {
        let Some((source, _, place)) = filled(kind).await else { continue };
        let imported = import(&source, &place, &["--dry-run"]).await;
        assert_eq!((imported.code, imported.line("all")), (Some(0), vec![37, 0, 0, 11]));
        assert!(place.is_untouched(), "there is something after a dry run from {kind:?}");
    }
}

#[tokio::test]
async fn a_dry_run_knows_what_is_there_already_where_it_can_look_without_writing() {
    let Some((source, _, place)) = filled(Kind::Postgres).await else { return };
    assert_eq!(import(&source, &place, &[]).await.code, Some(0));
    let again = import(&source, &place, &["--dry-run"]).await;
    assert_eq!(again.code, Some(0));
    if place.data().exists() {
        assert_eq!(again.line("all"), [37, 0, 0, 11]);
        assert!(again.stderr.contains("cannot be opened without writing into it"), "{again:?}");
    } else {
        assert_eq!(again.line("all"), [0, 37, 0, 11]);
    }
}
