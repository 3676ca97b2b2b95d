//! Saga, TCC and message by functions of the application, and by remote branches as well.

use dtm_server::embedded::{BranchContext, BranchError, Embedded, Error, Fate, Status, Step, local};

use super::application::{at, end_of};
use super::seen::{Act, Seen, step};
use crate::harness::{Branches, Place, Reply};

const NAMES: &[&str] = &["stock", "stock-undo", "coupon", "coupon-undo", "pay", "pay-undo"];

async fn start(place: &Place, seen: &Seen) -> Embedded {
    // a back-check has no payload
    let committed =
        |seen: Seen, call: BranchContext, (): ()| async move { seen.called("committed", &call, 0).await };
    seen.register(at(place), NAMES).branch_with("committed", seen, committed).start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saga_of_functions_succeeds_and_calls_each_once_in_order() {
    let (place, seen) = (Place::new(), Seen::default());
    let app = start(&place, &seen).await;
    let saga =
        app.saga("g").step(step("stock", "stock-undo", 1)).step(step("pay", "pay-undo", 2)).wait_result();
    let receipt = saga.submit().await.unwrap();
    assert_eq!((receipt.gid.as_str(), receipt.status), ("g", Status::Succeed));
    assert_eq!(saga.submit().await.unwrap().status, Status::Succeed, "the same one again");
    assert_eq!(seen.calls(), ["stock 01 action 1", "pay 02 action 2"]);
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_a_function_says_no_everything_is_undone_in_reverse() {
    let (place, seen) = (Place::new(), Seen::default());
    seen.on("pay", [Act::SayNo]);
    let app = start(&place, &seen).await;
    let saga = app
        .saga("g")
        .step(step("stock", "stock-undo", 1))
        .step(step("coupon", "coupon-undo", 2))
        .step(step("pay", "pay-undo", 3))
        .wait_result();
    match saga.submit().await {
        Err(Error::RolledBack { gid, reason }) => {
            assert_eq!((gid.as_str(), reason.as_str()), ("g", "url:local:pay return failed: sold out"));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        seen.calls(),
        [
            "stock 01 action 1",
            "coupon 02 action 2",
            "pay 03 action 3",
            "pay-undo 03 compensate 3",
            "coupon-undo 02 compensate 2",
            "stock-undo 01 compensate 1"
        ]
    );
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saga_may_mix_functions_and_remote_branches() {
    let (place, seen, branches) = (Place::new(), Seen::default(), Branches::start().await);
    branches.on("/charge", [Reply::ok(), Reply::failure()]);
    let app = start(&place, &seen).await;
    let saga = |gid: &str| {
        let remote = Step::new(branches.url("/charge"), branches.url("/refund")).payload(&2).unwrap();
        app.saga(gid).step(step("stock", "stock-undo", 1)).step(remote).wait_result()
    };
    assert_eq!(saga("good").submit().await.unwrap().status, Status::Succeed);
    for attempt in ["the first", "the same once more"] {
        assert!(matches!(saga("bad").submit().await, Err(Error::RolledBack { .. })), "{attempt}");
    }
    assert_eq!(branches.paths(), ["/charge", "/charge", "/refund"]);
    assert_eq!(seen.calls()[1..], ["stock 01 action 1", "stock-undo 01 compensate 1"]);
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_concurrent_saga_holds_back_what_waits_for_others() {
    let (place, seen) = (Place::new(), Seen::default());
    let app = start(&place, &seen).await;
    let saga = app
        .saga("g")
        .step(step("pay", "pay-undo", 1))
        .step(step("stock", "stock-undo", 2))
        .step(step("coupon", "coupon-undo", 3))
        .order(0, [1, 2])
        .wait_result();
    assert_eq!(saga.submit().await.unwrap().status, Status::Succeed);
    assert_eq!(seen.calls()[2], "pay 01 action 1");
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tcc_confirms_what_was_tried_and_cancels_all_when_a_try_fails() {
    let (place, seen) = (Place::new(), Seen::default());
    let app = start(&place, &seen).await;
    let run = async |gid: &str| {
        let tcc = app.tcc(gid).wait_result();
        tcc.run(async |tries| {
            tries.branch(local("stock")).confirm(local("stock")).cancel(local("stock-undo")).call(&1).await?;
            tries.branch(local("pay")).confirm(local("pay")).cancel(local("pay-undo")).call(&2).await?;
            Ok(7)
        })
        .await
    };
    assert_eq!(run("good").await.unwrap(), 7);
    let tried = ["stock 01 try 1", "pay 02 try 2"];
    assert_eq!(seen.calls()[..2], tried);
    assert_eq!(seen.calls()[2..], ["pay 02 confirm 2", "stock 01 confirm 1"], "in the order of a server");
    seen.on("pay", [Act::SayNo]);
    match run("bad").await {
        Err(error @ Error::Closure { fate: Fate::RolledBack, .. }) => {
            assert!(error.to_string().contains("local:pay said no: sold out"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(seen.calls()[4..6], tried);
    assert_eq!(seen.calls()[6..], ["pay-undo 02 cancel 2", "stock-undo 01 cancel 1"]);
    assert_eq!(app.status("bad").await.unwrap(), Some(Status::Failed));
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tcc_whose_closure_swallows_the_error_of_a_try_is_cancelled() {
    let (place, seen) = (Place::new(), Seen::default());
    let app = start(&place, &seen).await;
    seen.on("pay", [Act::Err]);
    let swallowed = app.tcc("swallowed").wait_result();
    let swallowed = swallowed.run(async |tries| {
        tries.branch(local("stock")).confirm(local("stock")).cancel(local("stock-undo")).call(&1).await?;
        let pay = tries.branch(local("pay")).confirm(local("pay")).cancel(local("pay-undo"));
        pay.call(&2).await.ok();
        Ok(())
    });
    match swallowed.await {
        Err(error @ Error::Closure { fate: Fate::RolledBack, .. }) => {
            assert!(error.to_string().contains("1 of its branches did not succeed"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(seen.calls()[2..], ["pay-undo 02 cancel 2", "stock-undo 01 cancel 1"]);

    let escaped = app.tcc("escaped").wait_result().run(async |tries| Ok(tries)).await;
    assert!(matches!(escaped, Err(Error::Closure { .. })), "a try could follow the confirms");
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_follows_its_local_transaction_and_is_asked_back_when_nobody_says_how_that_ended() {
    let (place, seen) = (Place::new(), Seen::default());
    let app = start(&place, &seen).await;
    let message = |gid: &str| {
        let message = app.message(gid).wait_result().step(local("stock"), &7);
        message.timeout_to_fail(std::time::Duration::from_secs(1))
    };
    let back_check = local("committed");
    let committed = message("committed").do_and_submit(&back_check, async |_| Ok(7)).await;
    assert_eq!(committed.unwrap(), 7);
    let no = async |_| Err::<(), _>(BranchError::roll_back("no such user"));
    let refused = message("refused").do_and_submit(&back_check, no).await;
    assert!(matches!(refused, Err(Error::Closure { fate: Fate::RolledBack, .. })), "{refused:?}");
    assert_eq!(seen.calls(), ["stock 01 action 7"], "nobody was asked");

    let lost = async |_| Err::<(), BranchError>(std::io::Error::other("lost").into());
    let unknown = message("unknown").do_and_submit(&back_check, lost).await;
    assert!(matches!(unknown, Err(Error::Closure { fate: Fate::Submitted, .. })), "{unknown:?}");
    assert_eq!(end_of(&app, "unknown").await, Status::Succeed);
    seen.on("committed", [Act::Err]);
    let open = message("open").do_and_submit(&back_check, lost).await;
    assert!(matches!(open, Err(Error::Closure { fate: Fate::Open, .. })), "{open:?}");
    assert_eq!(end_of(&app, "open").await, Status::Succeed, "the coordinator has asked again");
    let asked = ["committed 00 msg 0", "stock 01 action 7"];
    let asked_twice = ["committed 00 msg 0", "committed 00 msg 0", "stock 01 action 7"];
    assert_eq!(seen.calls()[1..3], asked);
    assert_eq!(seen.calls()[3..], asked_twice);
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_calls_whoever_subscribes_it() {
    let (place, seen) = (Place::new(), Seen::default());
    let app = start(&place, &seen).await;
    for _ in 0..2 {
        app.subscribe("orders", &local("stock")).await.unwrap();
        app.subscribe("orders", &local("pay")).await.unwrap();
    }
    let message = app.message("g").topic("orders", &5).wait_result();
    assert_eq!(message.submit().await.unwrap().status, Status::Succeed);
    assert_eq!(seen.calls(), ["stock 01-01 action 5", "pay 01-02 action 5"]);
    app.stop().await.unwrap();
}
