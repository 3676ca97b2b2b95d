//! A client against a scripted server, for answers that a real one does not give.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod addresses;
mod decisions;
mod scripted;
mod submit;

use std::time::Duration;

use dtm_client::{Client, ClientBuilder, Retry};

/// A client that gives up soon.
fn client(server: &scripted::Scripted) -> Client {
    builder(&server.address()).build().unwrap()
}

fn builder(address: &str) -> ClientBuilder {
    let quick = Retry::default().pause(Duration::from_millis(1), Duration::from_millis(2));
    Client::builder(address).timeout(Duration::from_millis(400)).retry(quick)
}
