//! A token that is fetched once, kept in memory only, and renewed shortly before its end.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::ApiError;

/// Renewed so long before its end, or at a tenth of its life if that is shorter.
const MARGIN_MAX: Duration = Duration::from_secs(300);

#[derive(Debug, Clone)]
pub(super) struct Token(Arc<(SecretString, Instant)>);

/// The token of one source.
#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<Option<Token>>);

impl Token {
    pub(super) fn new(value: SecretString, life: Duration) -> Self {
        Self(Arc::new((value, Instant::now() + life - MARGIN_MAX.min(life / 10))))
    }

    pub(super) fn value(&self) -> &SecretString {
        &self.0.0
    }
}

impl Tokens {
    /// The token in force, or a new one. Whoever comes while it is fetched waits for that one.
    pub(super) async fn valid(&self, renew: impl AsyncFnOnce() -> Result<Token, ApiError>) -> Result<Token, ApiError> {
        let mut held = self.0.lock().await;
        if let Some(token) = held.as_ref().filter(|token| Instant::now() < token.0.1) {
            return Ok(token.clone());
        }
        let token = renew().await?;
        *held = Some(token.clone());
        Ok(token)
    }

    /// Forgets this token, unless somebody has renewed it already.
    pub(super) async fn forget(&self, stale: &Token) {
        let mut held = self.0.lock().await;
        if held.as_ref().is_some_and(|token| Arc::ptr_eq(&token.0, &stale.0)) {
            *held = None;
        }
    }
}
