//! TLS by rustls with the operating system's root certificates.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// The operating system's root certificates. Without any, a warning says so once and every `https` call
/// will end in an error that names the reason.
pub(super) fn native_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, ignored) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let problem = found.errors.first().map(ToString::to_string);
        tracing::warn!(
            ignored,
            problem,
            "no root certificates: https branches cannot be called; install ca-certificates or set SSL_CERT_FILE"
        );
    }
    roots
}

/// The TLS settings of a client that trusts `roots`.
///
/// # Errors
/// When ring does not offer the protocol versions that rustls wants; does not happen with this build.
pub(super) fn client_config(roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
