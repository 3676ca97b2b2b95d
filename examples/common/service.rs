//! A service of branches.

use axum::Router;
use tokio::net::TcpListener;

use super::Result;

/// Serves `routes` on a free port until the example ends, and says under which URL.
///
/// # Errors
/// When no port is free.
pub async fn serve(routes: Router) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(axum::serve(listener, routes).into_future());
    Ok(format!("http://{address}"))
}
