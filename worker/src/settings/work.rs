//! What a worker does and how, wherever its queue and its database are.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use runtime::settings::{Problems, count, duration, listen};
use secrecy::SecretString;
use shared::schedule::Schedule;

use super::merchant_webhook;
use super::{MailArgs, MerchantWebhookArgs};
use crate::channel::email::{self, EmailSettings};
use crate::channel::log;
use crate::channel::merchant_webhook::{MerchantWebhookSettings, NAME as MERCHANT_WEBHOOK};
use crate::routing::Routing;
use crate::sources::Sources;

/// What can be guessed is no token (bytes).
const API_TOKEN_MIN: usize = 16;

/// The parts of a worker, which may run together or apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// Takes events from the queue and applies them.
    pub consume: bool,
    /// Delivers what was promised.
    pub relay: bool,
    /// Notices deadlines that pass.
    pub clock: bool,
    /// Asks the providers' APIs.
    pub fetch: bool,
}

impl Roles {
    pub const ALL: Self = Self { consume: true, relay: true, clock: true, fetch: true };
}

/// How much at a time, and how long.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Batches side by side, each on a channel of its own.
    pub lanes: u16,
    /// Events in one transaction.
    pub batch_max: usize,
    /// How long a batch that is not full waits for more.
    pub batch_linger: Duration,
    /// How long a claimed delivery is left to its relay.
    pub lease: Duration,
    pub schedule: Schedule,
    /// How often the clock looks.
    pub clock_interval: Duration,
    /// Questions to providers' APIs at once.
    pub fetch_concurrency: usize,
    /// A registered order that is not complete after so long is looked up.
    pub overdue_after: Duration,
    /// How often to look for such orders.
    pub sweep_interval: Duration,
}

impl Limits {
    /// Two batches: one in hand and one on its way.
    pub fn prefetch(&self) -> u16 {
        u16::try_from(self.batch_max * 2).unwrap_or(u16::MAX)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lanes: 4,
            batch_max: 100,
            batch_linger: Duration::from_millis(3),
            lease: Duration::from_secs(60),
            schedule: Schedule::default(),
            clock_interval: Duration::from_secs(30),
            fetch_concurrency: 8,
            overdue_after: Duration::from_secs(120),
            sweep_interval: Duration::from_secs(60),
        }
    }
}

/// What it takes to work.
#[derive(Debug, Clone)]
pub struct WorkSettings {
    pub roles: Roles,
    pub limits: Limits,
    pub merchant_webhook: Option<MerchantWebhookSettings>,
    pub email: Option<EmailSettings>,
    pub routing: Routing,
    pub sources: Sources,
    /// The base address of ingest as providers see it; without it nobody checks where they send webhooks.
    pub public_url: Option<String>,
    /// Who may use the API; without a token there is none.
    pub api_token: Option<SecretString>,
    /// How long a stop may take.
    pub shutdown_deadline: Duration,
}

/// The same as text. No secret has a default.
#[derive(Debug, Args)]
#[command(next_help_heading = "Work")]
pub struct WorkArgs {
    /// Where /healthz, /readyz, /metrics and the API are served
    #[arg(long, env, default_value = "127.0.0.1:9090")]
    worker_listen: String,
    /// Batches that are applied side by side
    #[arg(long, env, default_value = "4")]
    lanes: String,
    /// Events in one transaction at most
    #[arg(long, env, default_value = "100")]
    batch_max: String,
    /// How long a batch that is not full waits for more events
    #[arg(long, env, default_value = "3ms")]
    batch_linger: String,
    #[command(flatten)]
    pub merchant_webhook: MerchantWebhookArgs,
    /// Pauses between attempts to deliver; after the last one a delivery has failed
    #[arg(long, env, default_value = "5s,30s,2m,10m,1h,4h,12h")]
    delivery_schedule: String,
    /// How long a delivery is left to the relay that claimed it; longer than any attempt takes
    #[arg(long, env, default_value = "60s")]
    delivery_lease: String,
    /// The file that says which promise goes where, what is told at all, and when it may wait; unset: all of it
    #[arg(long, env)]
    routing_file: Option<PathBuf>,
    /// Base address of ingest as providers see it, such as https://hooks.shop.example; for where they send webhooks
    #[arg(long, env)]
    public_url: Option<String>,
    /// Bearer token of the API under /v1; unset: there is no API
    #[arg(long, env, hide_env_values = true)]
    api_token: Option<String>,
    /// How often the clock looks for deadlines that have passed
    #[arg(long, env, default_value = "30s")]
    clock_interval: String,
    /// Questions to the providers' APIs at a time
    #[arg(long, env, default_value = "8")]
    fetch_concurrency: String,
    /// An order that was registered so long ago and is not complete is looked up at its provider's
    #[arg(long, env, default_value = "2m")]
    overdue_after: String,
    /// How often to look for such orders
    #[arg(long, env, default_value = "60s")]
    sweep_interval: String,
    #[command(flatten)]
    pub mail: MailArgs,
}

impl WorkArgs {
    pub fn listen(&self, problems: &mut Problems) -> Option<SocketAddr> {
        problems.take("WORKER_LISTEN", listen(&self.worker_listen))
    }

    /// `roles` is a list such as `consume,relay`. Reads everything, whatever is missing, so that every problem is noted.
    pub fn read(
        &self,
        roles: &str,
        sources: Option<Sources>,
        shutdown_deadline: Option<Duration>,
        problems: &mut Problems,
    ) -> Option<WorkSettings> {
        let roles = problems.take("--roles", parse_roles(roles));
        let limits = self.limits(problems);
        let lease = limits.as_ref().map(|limits| limits.lease);
        let merchant_webhook = self.merchant_webhook.read(lease, problems);
        let email = self.mail.read(lease, problems);
        let routing = self.routing(problems);
        let public_url = self.public_url(problems);
        let api_token = problems.take("API_TOKEN", self.api_token());
        Some(WorkSettings {
            roles: roles?,
            limits: limits?,
            merchant_webhook: merchant_webhook?,
            email: email?,
            routing: routing?,
            sources: sources?,
            public_url: public_url?,
            api_token: api_token?,
            shutdown_deadline: shutdown_deadline?,
        })
    }

    pub fn routing(&self, problems: &mut Problems) -> Option<Routing> {
        problems.take("ROUTING_FILE", self.read_routing())
    }

    /// The outer `None` is a problem, the inner one the lack of a URL.
    pub fn public_url(&self, problems: &mut Problems) -> Option<Option<String>> {
        problems.take("PUBLIC_URL", self.read_public_url())
    }

    fn read_routing(&self) -> Result<Routing, String> {
        let Some(path) = &self.routing_file else { return Ok(Routing::default()) };
        let routing = Routing::load(path)?;
        routing.check(&[log::NAME, MERCHANT_WEBHOOK, email::NAME])?;
        Ok(routing)
    }

    fn read_public_url(&self) -> Result<Option<String>, String> {
        let Some(text) = self.public_url.as_deref().map(str::trim).filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let url = merchant_webhook::parse_url(text)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err("it must end with the path below which /webhooks is".to_owned());
        }
        Ok(Some(url.as_str().trim_end_matches('/').to_owned()))
    }

    fn api_token(&self) -> Result<Option<SecretString>, String> {
        let given = self.api_token.clone().filter(|token| !token.is_empty());
        match given {
            Some(token) if token.len() < API_TOKEN_MIN => {
                Err(format!("it must have {API_TOKEN_MIN} characters or more"))
            }
            given => Ok(given.map(SecretString::from)),
        }
    }

    fn limits(&self, problems: &mut Problems) -> Option<Limits> {
        let lanes = problems.take("LANES", count(&self.lanes, 64));
        let batch_max = problems.take("BATCH_MAX", count(&self.batch_max, 1_000));
        let batch_linger = problems.take("BATCH_LINGER", duration(&self.batch_linger));
        let lease = problems.take("DELIVERY_LEASE", duration(&self.delivery_lease));
        let delays: Result<Vec<_>, _> = self.delivery_schedule.split(',').map(duration).collect();
        let schedule = problems.take("DELIVERY_SCHEDULE", delays.map(Schedule::new));
        let clock_interval = problems.take("CLOCK_INTERVAL", duration(&self.clock_interval));
        let fetch_concurrency = problems.take("FETCH_CONCURRENCY", count(&self.fetch_concurrency, 1_000));
        let overdue_after = problems.take("OVERDUE_AFTER", duration(&self.overdue_after));
        let sweep_interval = problems.take("SWEEP_INTERVAL", duration(&self.sweep_interval));
        Some(Limits {
            lanes: u16::try_from(lanes?).ok()?,
            batch_max: usize::try_from(batch_max?).ok()?,
            batch_linger: batch_linger?,
            lease: lease?,
            schedule: schedule?,
            clock_interval: clock_interval?,
            fetch_concurrency: usize::try_from(fetch_concurrency?).ok()?,
            overdue_after: overdue_after?,
            sweep_interval: sweep_interval?,
        })
    }
}

fn parse_roles(text: &str) -> Result<Roles, String> {
    let mut roles = Roles { consume: false, relay: false, clock: false, fetch: false };
    for role in text.split(',').map(str::trim) {
        match role {
            "consume" => roles.consume = true,
            "relay" => roles.relay = true,
            "clock" => roles.clock = true,
            "fetch" => roles.fetch = true,
            other => return Err(format!("`{other}` is none of: consume, relay, clock, fetch")),
        }
    }
    Ok(roles)
}
