//! What scrapers see.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dtm_core::coordinator::CallOp;
use dtm_core::model::{Mode, Op, Outcome, Status};

use super::{Metrics, Watched};

fn names(text: &str) -> BTreeSet<&str> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect()
}

fn busy() -> Metrics {
    let metrics = Metrics::new();
    metrics.request("submit", "http", true, Duration::from_millis(2));
    metrics.transaction_ended(Mode::Saga, Status::Succeed, Duration::from_millis(20));
    metrics.branch_called(Mode::Saga, &CallOp::Branch(Op::Action), &Outcome::Success);
    metrics
}

#[test]
fn the_names_and_labels_are_those_of_dtm() {
    // features 8, decision 23
    let text = busy().render();
    for line in [
        concat!("dtm_server_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        "dtm_server_process_total{type=\"http\",api=\"submit\",status=\"ok\"} 1",
        "dtm_server_response_duration_count{type=\"http\",api=\"submit\"} 1",
        "dtm_transaction_process_total{model=\"saga\",status=\"ok\"} 1",
        "dtm_transaction_handled_duration_count{model=\"saga\"} 1",
        "dtm_branch_process_total{model=\"saga\",branchtype=\"action\",status=\"ok\"} 1",
        "# TYPE dtm_server_process_total counter",
        "# TYPE dtm_server_response_duration histogram",
        "# TYPE dtm_server_info gauge",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
    }
}

#[test]
fn the_number_of_series_does_not_grow_with_the_number_of_transactions() {
    // defect R11, S11
    let metrics = busy();
    metrics.request("query?gid=1", "http", true, Duration::ZERO);
    metrics.branch_called(Mode::Workflow, &CallOp::Workflow("w-1".into()), &Outcome::Ongoing);
    let before = metrics.render().lines().count();
    for _ in 0..1_000 {
        metrics.request("query?gid=2", "carrier pigeon", true, Duration::ZERO);
        metrics.branch_called(Mode::Workflow, &CallOp::Workflow("w-2".into()), &Outcome::Ongoing);
        metrics.transaction_ended(Mode::Saga, Status::Succeed, Duration::ZERO);
    }
    let text = metrics.render();
    // The first request of a protocol nobody knows: one counter, and a histogram of 13 bounds, infinity, sum and count.
    let other_protocol = 1 + 13 + 3;
    assert_eq!(text.lines().count(), before + other_protocol);
    assert!(!text.contains("gid") && !text.contains("w-2") && !text.contains("pigeon"), "{text}");
}

#[test]
fn only_the_end_of_a_transaction_counts() {
    // defect M18
    let metrics = Metrics::new();
    for status in [Status::Prepared, Status::Submitted, Status::Aborting] {
        metrics.transaction_ended(Mode::Tcc, status, Duration::ZERO);
    }
    assert!(!names(&metrics.render()).contains("dtm_transaction_process_total"));
    metrics.transaction_ended(Mode::Tcc, Status::Failed, Duration::ZERO);
    assert!(metrics.render().contains("dtm_transaction_process_total{model=\"tcc\",status=\"fail\"} 1"));
}

#[test]
fn a_call_that_was_not_made_is_no_call() {
    let metrics = Metrics::new();
    let not_sent = Outcome::NotSent { cause: "down".to_owned() };
    metrics.branch_called(Mode::Saga, &CallOp::Branch(Op::Action), &not_sent);
    let text = metrics.render();
    assert!(text.contains("dtm_branch_outcomes_total{model=\"saga\",outcome=\"not_sent\"} 1"));
    assert!(!names(&text).contains("dtm_branch_process_total"));
}

#[test]
fn every_alert_and_every_trouble_is_counted() {
    let metrics = Metrics::new();
    metrics.alert_sent();
    metrics.alert_failed();
    metrics.alert_dropped();
    metrics.ownership_lost();
    metrics.conflict();
    metrics.record_damaged();
    metrics.task_panicked();
    let text = metrics.render();
    for line in [
        "dtm_alerts_total{result=\"sent\"} 1",
        "dtm_alerts_total{result=\"failed\"} 1",
        "dtm_alerts_total{result=\"dropped\"} 1",
        "dtm_ownership_lost_total 1",
        "dtm_conflicts_total 1",
        "dtm_records_damaged_total 1",
        "dtm_tasks_panicked_total 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
    }
}

#[test]
fn what_is_watched_is_read_at_each_scrape() {
    let metrics = Metrics::new();
    assert!(!metrics.render().contains("dtm_active_transactions"));
    let active = Arc::new(AtomicU64::new(7));
    let seen = Arc::clone(&active);
    metrics.watch(Watched::ActiveTransactions, move || seen.load(Ordering::SeqCst));
    metrics.watch(Watched::StoreBatches, || 3);
    metrics.watch(Watched::BreakersOpen, || 2);
    metrics.watch(Watched::BreakersClosed, || 5);
    assert!(metrics.render().contains("\ndtm_active_transactions 7\n"));
    active.store(8, Ordering::SeqCst);
    let text = metrics.render();
    assert!(text.contains("# TYPE dtm_active_transactions gauge\ndtm_active_transactions 8\n"), "{text}");
    assert!(text.contains("# TYPE dtm_store_batches_total counter\ndtm_store_batches_total 3\n"), "{text}");
    assert!(text.contains("dtm_breakers{state=\"closed\"} 5\ndtm_breakers{state=\"open\"} 2\n"), "{text}");
}
