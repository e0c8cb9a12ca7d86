//! TLS: all clients of a process use one provider of cryptography.

/// Makes *ring* the process's provider, unless there is one. Libraries that are built without a default need this before
/// their first connection.
pub fn use_ring() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error means that another thread has installed it meanwhile.
        rustls::crypto::ring::default_provider().install_default().ok();
    }
}
