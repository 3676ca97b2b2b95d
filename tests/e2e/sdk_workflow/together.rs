//! Two processes at once.

use std::collections::HashSet;

use dtm_workflow::{Error, Workflows};
use futures_util::future::join_all;

use super::site::{BOTH, Site, called_back, transfer};
use crate::harness::{Branches, Server, both};

const GIDS: usize = 50;

#[tokio::test]
async fn two_processes_at_once_record_every_effect_once() {
    // decision 2, behaviour 25, invariant I12
    for over in BOTH {
        let (server, branches) = both().await;
        let site = Site::new(over).await;
        let process = || site.instance(&server).register("transfer", transfer(&branches)).build().unwrap();
        let (one, two) = (process(), process());
        let _served = site.serve(&two);
        let (one, two, server) = (&one, &two, &server);
        let executions = (0..GIDS).map(|number| async move {
            let gid = format!("g{number}");
            let (first, second) = tokio::join!(executed(one, &gid), executed(two, &gid));
            for ended in [&first, &second] {
                let stopped = matches!(ended, Err(Error::Interrupted { .. } | Error::Executing { .. }));
                assert!(ended.is_ok() || stopped, "{ended:?}");
            }
            // When both have met the other's record, the callback goes on.
            if first.is_err() && second.is_err() {
                called_back(server, &gid).await;
            }
        });
        join_all(executions).await;
        for number in 0..GIDS {
            ended_once(server, &branches, &format!("g{number}")).await;
        }
    }
}

async fn executed(workflows: &Workflows, gid: &str) -> Result<String, Error> {
    workflows.execute("transfer", gid, &30_u32).await
}

async fn ended_once(server: &Server, branches: &Branches, gid: &str) {
    let view = server.end_of(gid).await;
    assert_eq!(view.status(), "succeed");
    let names = view.row_names();
    let different: HashSet<_> = names.iter().collect();
    assert_eq!((names.len(), different.len()), (4, 4), "{names:?}");
    let calls = branches.calls();
    let outs = calls.iter().filter(|call| call.path == "/out" && call.gid() == gid).count();
    assert!((1..=2).contains(&outs), "each process runs it once at most: {outs}");
}
