//! A token that is fetched once, kept in memory only, and renewed shortly before its end.

use std::sync::Arc;
use std::time::Duration;

use providers::IssuedToken;
use secrecy::SecretString;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::ApiError;

/// How long before its end a token is renewed, or a tenth of its life if that is shorter.
const MARGIN_MAX: Duration = Duration::from_secs(300);

/// A token, and when to renew it.
#[derive(Debug, Clone)]
pub(super) struct AccessToken(Arc<(SecretString, Instant)>);

/// The token of one source.
#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<Option<AccessToken>>);

impl AccessToken {
    pub(super) fn new(IssuedToken { value, life }: IssuedToken) -> Self {
        Self(Arc::new((value, Instant::now() + life - MARGIN_MAX.min(life / 10))))
    }

    pub(super) fn value(&self) -> &SecretString {
        &self.0.0
    }
}

impl Tokens {
    /// The token in force, or a new one. While it is fetched, other callers wait for it.
    pub(super) async fn valid(
        &self,
        renew: impl AsyncFnOnce() -> Result<AccessToken, ApiError>,
    ) -> Result<AccessToken, ApiError> {
        let mut current = self.0.lock().await;
        if let Some(token) = current.as_ref().filter(|token| Instant::now() < token.0.1) {
            return Ok(token.clone());
        }
        let token = renew().await?;
        *current = Some(token.clone());
        Ok(token)
    }

    /// Forgets this token, unless it has been renewed already.
    pub(super) async fn forget(&self, stale: &AccessToken) {
        let mut current = self.0.lock().await;
        if current.as_ref().is_some_and(|token| Arc::ptr_eq(&token.0, &stale.0)) {
            *current = None;
        }
    }
}
