//! The sources: who sends webhooks, and how they prove it; read from the file that `SOURCES_FILE` names. Secrets are
//! never in that file, only where they are.

use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota};
use ipnet::IpNet;
use runtime::secret::Env;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use shared::envelope::Mode;
use shared::origin::Provider;
use subtle::ConstantTimeEq as _;

mod file;

/// A shorter token can be guessed (bytes).
const TOKEN_ADVISED: usize = 16;

/// Every source, by name. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Sources(Arc<BTreeMap<String, Arc<Source>>>);

/// Who may send webhooks under one name.
#[derive(Debug)]
pub struct Source {
    pub name: String,
    pub provider: Provider,
    /// What a payload without a mode of its own counts as.
    pub mode: Mode,
    /// Several during a rotation; any of them may have signed.
    pub signing_secrets: Vec<SecretSlice<u8>>,
    /// What a mismatching signature means.
    pub verify: Verify,
    /// The last segment of the path, if there must be one.
    pub token: Option<SecretString>,
    /// Empty: any address.
    pub allow_ips: Vec<IpNet>,
    /// Takes webhooks without any proof.
    pub insecure: bool,
    /// Webhooks a second.
    pub rate_limit: Option<NonZeroU32>,
    limiter: Option<DefaultDirectRateLimiter>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// Refused.
    #[default]
    Enforce,
    /// Counted and logged, and accepted: until real signatures have been seen to pass.
    Observe,
}

impl Sources {
    /// Reads the file's text. `env` looks up environment variables. The error is everything that is wrong, each with the
    /// source's name.
    pub fn parse(text: &str, env: Env<'_>) -> Result<Self, Vec<String>> {
        let (sources, mut problems) = file::read(text, env);
        let mut names = HashSet::new();
        for source in &sources {
            if !names.insert(source.name.as_str()) {
                problems.push(format!("source `{}`: there are two of this name", source.name));
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let by_name = sources.into_iter().map(|source| (source.name.clone(), Arc::new(source))).collect();
        Ok(Self(Arc::new(by_name)))
    }

    /// The source of this name and token. A wrong token is no different from an unknown name.
    pub(crate) fn find(&self, name: &str, token: Option<&str>) -> Option<Arc<Source>> {
        self.0.get(name).filter(|source| source.knows(token)).cloned()
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Logs what is allowed and should be known.
    pub(crate) fn warn_of_risks(&self) {
        for source in self.0.values() {
            let name = source.name.as_str();
            if source.insecure {
                tracing::warn!(source = name, "insecure = true: anybody can send webhooks to this source");
            }
            if source.verify == Verify::Observe {
                tracing::warn!(source = name, "verify = \"observe\": wrong signatures are only counted and logged");
            }
            if source.token.as_ref().is_some_and(|token| token.expose_secret().len() < TOKEN_ADVISED) {
                tracing::warn!(source = name, advised_bytes = TOKEN_ADVISED, "the token is short enough to be guessed");
            }
        }
    }
}

impl Source {
    /// Whether the path's token, or the lack of one, is right; compared in constant time.
    fn knows(&self, token: Option<&str>) -> bool {
        match (&self.token, token) {
            (None, None) => true,
            (Some(expected), Some(token)) => expected.expose_secret().as_bytes().ct_eq(token.as_bytes()).into(),
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// Counts one webhook. The error is how long the sender should wait.
    pub(crate) fn admit(&self) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        limiter.check().map_err(|early| early.wait_time_from(DefaultClock::default().now()))
    }
}

fn limiter(rate_limit: NonZeroU32) -> DefaultDirectRateLimiter {
    DefaultDirectRateLimiter::direct(Quota::per_second(rate_limit))
}

#[cfg(test)]
mod tests;
