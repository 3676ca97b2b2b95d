//! Gids that are prefixes of one another.

use futures_util::future::join_all;

use super::{Field, Luck};
use crate::harness::{Reply, saga};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gids_that_are_prefixes_of_one_another_have_their_own_branches() {
    // defects B20, M9
    let field = Field::new(|call| if call.path == "/a3" { Reply::failure() } else { Reply::ok() }).await;
    field
        .run(async |gid, luck: Luck| {
            let family: Vec<_> = ["", ".", ".0", ".0-01"].map(|end| format!("{gid}{end}")).into();
            let members = family.iter().map(|gid| {
                let (steps, pause, field) = (1 + luck.below(3), luck.millis(4), &field);
                async move {
                    tokio::time::sleep(pause).await;
                    field.client().submit(&saga(gid, &field.branches, steps)).await;
                    let seen = field.client().query(gid).await;
                    assert_eq!(seen.branches().len(), 2 * steps, "{seen:?}");
                    (gid, steps, field.client().end_of(gid).await)
                }
            });
            for (gid, steps, view) in join_all(members).await {
                assert_eq!(view.branches().len(), 2 * steps, "{view:?}");
                let actions = |up_to| (1..=up_to).map(|step| format!("{step:02} action"));
                let (status, done): (_, Vec<_>) = match steps {
                    3 => {
                        let undone = (1..=3).rev().map(|step| format!("{step:02} compensate"));
                        ("failed", actions(2).chain(undone).collect())
                    }
                    steps => ("succeed", actions(steps).collect()),
                };
                assert_eq!((view.status(), field.books.done(gid)), (status, done), "{view:?}");
            }
        })
        .await;
}
