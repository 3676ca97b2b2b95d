//! The process of the floor.

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::{grpc, http};

/// Serves until its standard input ends, which it does when the load generator is gone.
#[tokio::main]
pub(crate) async fn serve() -> crate::Result {
    let over_http = TcpListener::bind("127.0.0.1:0").await?;
    let over_grpc = TcpListener::bind("127.0.0.1:0").await?;
    // the same lines as the real server
    println!("listening on http://{}", over_http.local_addr()?);
    println!("listening on grpc://{}", over_grpc.local_addr()?);
    let mut until_parent_is_gone = Vec::new();
    let mut stdin = tokio::io::stdin();
    tokio::select! {
        served = http::serve(over_http) => served,
        served = grpc::serve(over_grpc) => served,
        closed = stdin.read_to_end(&mut until_parent_is_gone) => { closed?; Ok(()) }
    }
}
