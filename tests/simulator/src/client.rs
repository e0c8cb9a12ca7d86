//! The HTTP client by which everything is sent.

use anyhow::Context as _;
use reqwest::Client;

/// Follows no redirects, as no provider does.
pub fn http_client() -> anyhow::Result<Client> {
    // Fails only if there is a provider already, which would do as well.
    rustls::crypto::ring::default_provider().install_default().ok();
    let redirects = reqwest::redirect::Policy::none();
    Client::builder().redirect(redirects).build().context("can't set up the HTTP client")
}
