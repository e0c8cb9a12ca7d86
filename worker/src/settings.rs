//! The worker's settings: environment variables, all checked before anything starts. `--help` is the manual.

mod mail;
mod merchant_webhook;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use runtime::broker::{Broker, BrokerSettings};
use runtime::settings::{Problems, WrongSettings, count, duration, listen};
use runtime::telemetry::{self, LogFormat};
use secrecy::SecretString;
use shared::schedule::Schedule;

use crate::channel::email::{self, EmailSettings};
use crate::channel::log;
use crate::channel::merchant_webhook::{MerchantWebhookSettings, NAME as MERCHANT_WEBHOOK};
use crate::routing::Routing;
use crate::sources::Sources;

pub use mail::MailArgs;
pub use merchant_webhook::MerchantWebhookArgs;

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

/// What `run` needs.
#[derive(Debug, Clone)]
pub struct Settings {
    pub database_url: SecretString,
    pub database_connections: u32,
    pub broker: BrokerSettings,
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

/// The settings as text. No secret has a default.
#[derive(Debug, Args)]
#[command(next_help_heading = "Settings")]
pub struct SettingsArgs {
    /// PostgreSQL: postgres://user:password@host:port/database
    #[arg(long, env, hide_env_values = true)]
    database_url: Option<String>,
    /// Connections to PostgreSQL at a time
    #[arg(long, env, default_value = "10")]
    database_connections: String,
    /// RabbitMQ: amqp://user:password@host:port/vhost (%2f is the default vhost)
    #[arg(long, env, hide_env_values = true)]
    amqp_url: Option<String>,
    /// Messages that each queue holds before it refuses more; all programs must say the same
    #[arg(long, env, default_value = "1000000")]
    queue_max_length: String,
    /// How long a published message may stay unconfirmed
    #[arg(long, env, default_value = "1s")]
    confirm_timeout: String,
    /// Where /healthz, /readyz and /metrics are served
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
    /// The file of the webhooks' sources, the same as for ingest; unset: any source may be named
    #[arg(long, env)]
    sources_file: Option<PathBuf>,
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
    /// How long a stop may take; what is not finished then is done by another worker
    #[arg(long, env, default_value = "20s")]
    shutdown_deadline: String,
    /// Log lines for people (pretty) or machines (json)
    #[arg(long, env, default_value = "pretty")]
    log_format: String,
    /// What is logged, as the crate tracing-subscriber has it
    #[arg(long, env = "RUST_LOG", default_value = "info")]
    log_filter: String,
}

impl SettingsArgs {
    /// Starts logging. Until here nothing is logged, so what is wrong is told on stderr.
    pub fn start_logging(&self) -> Result<(), WrongSettings> {
        let mut problems = Problems::new();
        let format = problems.take("LOG_FORMAT", LogFormat::parse(&self.log_format));
        problems.take("RUST_LOG", telemetry::check_filter(&self.log_filter));
        let format = problems.finish(format)?;
        telemetry::start(format, &self.log_filter);
        Ok(())
    }

    pub fn listen(&self) -> Result<SocketAddr, WrongSettings> {
        let mut problems = Problems::new();
        let address = problems.take("WORKER_LISTEN", listen(&self.worker_listen));
        problems.finish(address)
    }

    /// All that `run` needs; `roles` is a list such as `consume,relay`.
    pub fn read(&self, roles: &str) -> Result<(Settings, SocketAddr), WrongSettings> {
        let mut problems = Problems::new();
        let settings = self.settings(roles, &mut problems);
        let address = problems.take("WORKER_LISTEN", listen(&self.worker_listen));
        problems.take("LOG_FORMAT", LogFormat::parse(&self.log_format));
        problems.take("RUST_LOG", telemetry::check_filter(&self.log_filter));
        problems.finish(settings.zip(address))
    }

    /// Only the database, for commands that need no more.
    pub fn database(&self) -> Result<SecretString, WrongSettings> {
        let mut problems = Problems::new();
        let url = self.database_url(&mut problems);
        problems.finish(url)
    }

    /// The database and the broker, for commands that need both.
    pub fn database_and_broker(&self) -> Result<(SecretString, BrokerSettings), WrongSettings> {
        let mut problems = Problems::new();
        let url = self.database_url(&mut problems);
        let broker = self.broker(&mut problems);
        problems.finish(url.zip(broker))
    }

    /// The database and the shop's choices, for commands that decide again what was decided.
    pub fn database_and_routing(&self) -> Result<(SecretString, Routing), WrongSettings> {
        let mut problems = Problems::new();
        let url = self.database_url(&mut problems);
        let routing = problems.take("ROUTING_FILE", self.routing());
        problems.finish(url.zip(routing))
    }

    /// The database, the sources and where their webhooks should come, for commands about subscriptions.
    pub fn subscriptions(&self) -> Result<(SecretString, Sources, Option<String>), WrongSettings> {
        let mut problems = Problems::new();
        let url = self.database_url(&mut problems);
        let sources = match &self.sources_file {
            Some(_) => self.read_sources(&mut problems),
            None => problems.require("SOURCES_FILE", None).map(|_| Sources::default()),
        };
        let public_url = problems.take("PUBLIC_URL", self.public_url());
        problems.finish(url.zip(sources).zip(public_url).map(|((url, sources), public_url)| (url, sources, public_url)))
    }

    fn settings(&self, roles: &str, problems: &mut Problems) -> Option<Settings> {
        // Each is read before any is missed, so that all problems are told.
        let database_url = self.database_url(problems);
        let connections = problems.take("DATABASE_CONNECTIONS", count(&self.database_connections, 1_000));
        let broker = self.broker(problems);
        let roles = problems.take("--roles", parse_roles(roles));
        let limits = self.limits(problems);
        let lease = limits.as_ref().map(|limits| limits.lease);
        let merchant_webhook = self.merchant_webhook.read(lease, problems);
        let email = self.mail.read(lease, problems);
        let routing = problems.take("ROUTING_FILE", self.routing());
        let sources = self.read_sources(problems);
        let public_url = problems.take("PUBLIC_URL", self.public_url());
        let api_token = problems.take("API_TOKEN", self.api_token());
        let deadline = problems.take("SHUTDOWN_DEADLINE", duration(&self.shutdown_deadline));
        Some(Settings {
            database_url: database_url?,
            database_connections: u32::try_from(connections?).ok()?,
            broker: broker?,
            roles: roles?,
            limits: limits?,
            merchant_webhook: merchant_webhook?,
            email: email?,
            routing: routing?,
            sources: sources?,
            public_url: public_url?,
            api_token: api_token?,
            shutdown_deadline: deadline?,
        })
    }

    fn database_url(&self, problems: &mut Problems) -> Option<SecretString> {
        let url = problems.require("DATABASE_URL", self.database_url.clone())?;
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            problems.add("DATABASE_URL", "it must start with postgres://");
            return None;
        }
        Some(url.into())
    }

    fn broker(&self, problems: &mut Problems) -> Option<BrokerSettings> {
        let url = problems.require("AMQP_URL", self.amqp_url.clone()).map(SecretString::from);
        let url = url.filter(|url| problems.take("AMQP_URL", Broker::check_url(url)).is_some());
        let confirm_timeout = problems.take("CONFIRM_TIMEOUT", duration(&self.confirm_timeout));
        let queue_max_length = problems.take("QUEUE_MAX_LENGTH", count(&self.queue_max_length, 1 << 40));
        Some(BrokerSettings {
            url: url?,
            connection_name: "worker".to_owned(),
            confirm_timeout: confirm_timeout?,
            queue_max_length: queue_max_length?,
        })
    }

    fn routing(&self) -> Result<Routing, String> {
        let Some(path) = &self.routing_file else { return Ok(Routing::default()) };
        let routing = Routing::load(path)?;
        routing.check(&[log::NAME, MERCHANT_WEBHOOK, email::NAME])?;
        Ok(routing)
    }

    fn read_sources(&self, problems: &mut Problems) -> Option<Sources> {
        let Some(path) = &self.sources_file else { return Some(Sources::default()) };
        let wrong = |problems_of_file: Vec<String>| {
            problems_of_file.iter().for_each(|problem| problems.add("SOURCES_FILE", problem));
        };
        Sources::load(path).map_err(wrong).ok()
    }

    fn public_url(&self) -> Result<Option<String>, String> {
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        settings: SettingsArgs,
    }

    fn read(arguments: &[&str]) -> Result<(Settings, SocketAddr), String> {
        let cli = Cli::parse_from(["worker"].iter().chain(arguments));
        cli.settings.read("consume,relay").map_err(|wrong| wrong.to_string())
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let told = read(&[
            "--amqp-url=http://x",
            "--lanes=0",
            "--merchant-webhook-url=shop",
            "--merchant-webhook-secrets=whsec_hunter2",
            "--delivery-schedule=5s,soon",
            "--public-url=hooks.example",
            "--sources-file=there-is-no-such-file",
        ])
        .unwrap_err();
        for name in [
            "DATABASE_URL",
            "AMQP_URL",
            "LANES",
            "MERCHANT_WEBHOOK_URL",
            "MERCHANT_WEBHOOK_SECRETS",
            "DELIVERY_SCHEDULE",
            "PUBLIC_URL",
            "SOURCES_FILE",
        ] {
            assert!(told.contains(name), "{name} is missing in: {told}");
        }
        assert!(!told.contains("hunter2"), "{told}");
    }

    #[test]
    fn what_is_needed_is_enough() {
        let (settings, address) = read(&["--database-url=postgres://u:p@h/d", "--amqp-url=amqp://u:p@h/%2f"]).unwrap();
        assert_eq!(settings.limits.schedule, Schedule::default());
        assert_eq!(address.to_string(), "127.0.0.1:9090");
        assert!(settings.merchant_webhook.is_none());
    }

    #[test]
    fn a_lease_must_outlast_an_attempt() {
        let told = read(&[
            "--database-url=postgres://u:p@h/d",
            "--amqp-url=amqp://u:p@h/%2f",
            "--merchant-webhook-url=https://shop.example/hook",
            "--merchant-webhook-secrets=whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "--delivery-lease=15s",
        ])
        .unwrap_err();
        assert!(told.contains("DELIVERY_LEASE"), "{told}");
    }
}
