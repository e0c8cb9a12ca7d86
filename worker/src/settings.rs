//! The worker's settings: environment variables, all checked before anything starts. `--help` is the manual.

mod mail;
mod merchant_webhook;
mod work;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use runtime::broker::{Broker, BrokerSettings};
use runtime::settings::{Problems, WrongSettings, count, duration};
use runtime::telemetry::{Logging, LoggingArgs};
use secrecy::SecretString;

use crate::sources::Sources;

pub use mail::MailArgs;
pub use merchant_webhook::MerchantWebhookArgs;
pub use work::{Limits, Roles, WorkArgs, WorkSettings};

/// What `run` needs.
#[derive(Debug, Clone)]
pub struct Settings {
    pub work: WorkSettings,
    pub database_url: SecretString,
    pub database_connections: u32,
    pub broker: BrokerSettings,
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
    /// The file of the webhooks' sources, the same as for ingest; unset: any source may be named
    #[arg(long, env)]
    sources_file: Option<PathBuf>,
    /// How long a stop may take; what is not finished then is done by another worker
    #[arg(long, env, default_value = "20s")]
    shutdown_deadline: String,
    #[command(flatten)]
    pub work: WorkArgs,
    #[command(flatten)]
    logging: LoggingArgs,
}

impl SettingsArgs {
    pub fn listen(&self) -> Result<SocketAddr, WrongSettings> {
        let mut problems = Problems::new();
        let address = self.work.listen(&mut problems);
        problems.finish(address)
    }

    /// All that `run` needs; `roles` is a list such as `consume,relay`.
    pub fn read(&self, roles: &str) -> Result<(Settings, SocketAddr, Logging), WrongSettings> {
        let mut problems = Problems::new();
        let settings = self.settings(roles, &mut problems);
        let address = self.work.listen(&mut problems);
        let logging = self.logging.read(&mut problems);
        let all = settings.zip(address).zip(logging);
        problems.finish(all.map(|((settings, address), logging)| (settings, address, logging)))
    }

    /// Only the database, for commands that need no more.
    pub fn database(&self) -> Result<SecretString, WrongSettings> {
        let mut problems = Problems::new();
        let url = self.database_url(&mut problems);
        problems.finish(url)
    }

    /// Only the broker.
    pub fn broker(&self) -> Result<BrokerSettings, WrongSettings> {
        let mut problems = Problems::new();
        let broker = self.read_broker(&mut problems);
        problems.finish(broker)
    }

    /// The sources, for commands that can't do without.
    pub fn sources(&self, problems: &mut Problems) -> Option<Sources> {
        match &self.sources_file {
            Some(_) => self.read_sources(problems),
            None => problems.require("SOURCES_FILE", None).map(|_| Sources::default()),
        }
    }

    fn settings(&self, roles: &str, problems: &mut Problems) -> Option<Settings> {
        // Each is read before any is missed, so that all problems are told.
        let database_url = self.database_url(problems);
        let connections = problems.take("DATABASE_CONNECTIONS", count(&self.database_connections, 1_000));
        let broker = self.read_broker(problems);
        let sources = self.read_sources(problems);
        let deadline = problems.take("SHUTDOWN_DEADLINE", duration(&self.shutdown_deadline));
        let work = self.work.read(roles, sources, deadline, problems);
        Some(Settings {
            work: work?,
            database_url: database_url?,
            database_connections: u32::try_from(connections?).ok()?,
            broker: broker?,
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

    fn read_broker(&self, problems: &mut Problems) -> Option<BrokerSettings> {
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

    fn read_sources(&self, problems: &mut Problems) -> Option<Sources> {
        let Some(path) = &self.sources_file else { return Some(Sources::default()) };
        let wrong = |problems_of_file: Vec<String>| {
            problems_of_file.iter().for_each(|problem| problems.add("SOURCES_FILE", problem));
        };
        Sources::load(path).map_err(wrong).ok()
    }
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

    fn read(arguments: &[&str]) -> Result<(Settings, SocketAddr, Logging), String> {
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
        let (settings, address, _) =
            read(&["--database-url=postgres://u:p@h/d", "--amqp-url=amqp://u:p@h/%2f"]).unwrap();
        assert_eq!(settings.work.limits.schedule, shared::schedule::Schedule::default());
        assert_eq!(address.to_string(), "127.0.0.1:9090");
        assert!(settings.work.merchant_webhook.is_none());
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
