//! The standard health service: serving while the store answers, not serving from the first word of a stop.

use dtm_proto::grpc::dtmgimp::dtm_server::SERVICE_NAME;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// Reports what `healthy` says, for the server as a whole and for its service, until `stopping`.
pub(super) async fn report(
    reporter: HealthReporter,
    mut healthy: watch::Receiver<bool>,
    stopping: CancellationToken,
) {
    loop {
        let serves = *healthy.borrow_and_update();
        say(&reporter, if serves { ServingStatus::Serving } else { ServingStatus::NotServing }).await;
        tokio::select! {
            biased;
            () = stopping.cancelled() => break,
            changed = healthy.changed() => if changed.is_err() { break },
        }
    }
    say(&reporter, ServingStatus::NotServing).await;
}

async fn say(reporter: &HealthReporter, status: ServingStatus) {
    for service in ["", SERVICE_NAME] {
        reporter.set_service_status(service, status).await;
    }
}
