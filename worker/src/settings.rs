//! The settings of the worker: one line each, with its default. Those of a channel stand beside the channel.

mod work;

use std::path::PathBuf;
use std::time::Duration;

use runtime::broker::BrokerSettings;
use runtime::settings::{
    Description, Given, Noted, Problems, SettingsGroup, count, default, duration, optional, path, required,
};
use secrecy::SecretString;

use crate::sources::Sources;

pub use work::{HttpSettings, Limits, Roles, SiteSettings, WorkSettings};

/// Settings of the worker with RabbitMQ and PostgreSQL.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    pub work: WorkSettings,
    pub database: DatabaseSettings,
    pub broker: BrokerSettings,
}

runtime::settings! {
    /// Settings of the process.
    struct General under "General" {
        /// TOML file that lists the sources, the same as for ingest; without it, the worker knows no provider's API, and
        /// the shop may name any source
        SOURCES_FILE => sources_file: Option<PathBuf> = optional(path),
        /// How long a stop may take after SIGTERM; another worker finishes what is left
        SHUTDOWN_DEADLINE => shutdown_deadline: Duration = default("20s", duration),
    }
}

runtime::settings! {
    /// The database.
    pub struct DatabaseSettings under "PostgreSQL" {
        /// postgres://user:password@host:port/database
        DATABASE_URL => url: SecretString = required(database_url),
        /// Connections at a time
        DATABASE_CONNECTIONS => connections: u32 = default("10", count(1_000)),
    }
}

impl SettingsGroup for WorkerSettings {
    fn list() -> Vec<Description> {
        [General::list(), WorkSettings::list(), DatabaseSettings::list(), BrokerSettings::list()].concat()
    }

    fn read(given: &Given, problems: &mut Problems) -> Result<Self, Noted> {
        let sources = read_sources(given, problems).map(Option::unwrap_or_default);
        let shutdown_deadline = General::shutdown_deadline(given, problems);
        let work = WorkSettings::read(given, sources, shutdown_deadline, problems);
        let database = DatabaseSettings::read(given, problems);
        let broker = BrokerSettings::read(given, problems);
        Ok(Self { work: work?, database: database?, broker: broker? })
    }
}

/// The sources, for commands that need them.
pub fn require_sources(given: &Given, problems: &mut Problems) -> Result<Sources, Noted> {
    let not_set = "it is required and not set";
    read_sources(given, problems)?.ok_or_else(|| problems.add("SOURCES_FILE", not_set))
}

fn read_sources(given: &Given, problems: &mut Problems) -> Result<Option<Sources>, Noted> {
    let Some(path) = General::sources_file(given, problems)? else { return Ok(None) };
    Sources::load(&path).map(Some).map_err(|wrong| problems.add_all("SOURCES_FILE", wrong))
}

fn database_url(text: &str) -> Result<SecretString, String> {
    let is_postgres = text.starts_with("postgres://") || text.starts_with("postgresql://");
    if is_postgres { Ok(text.into()) } else { Err("it must start with postgres://".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &'static [(&str, &str)]) -> Result<WorkerSettings, String> {
        let given =
            Given::from_env(|name| texts.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned()));
        WorkerSettings::load(&given).map_err(|wrong| wrong.to_string())
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let told = read(&[
            ("AMQP_URL", "http://x"),
            ("LANES", "0"),
            ("MERCHANT_WEBHOOK_URL", "shop"),
            ("MERCHANT_WEBHOOK_SECRETS", "whsec_hunter2"),
            ("DELIVERY_SCHEDULE", "5s,soon"),
            ("PUBLIC_URL", "hooks.example"),
            ("SOURCES_FILE", "there-is-no-such-file"),
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
        let settings = read(&[("DATABASE_URL", "postgres://u:p@h/d"), ("AMQP_URL", "amqp://u:p@h/%2f")]).unwrap().work;
        let delays = [5, 30, 120, 600, 3_600, 14_400, 43_200].into_iter().map(Duration::from_secs);
        assert_eq!(settings.limits.schedule, shared::schedule::Schedule::new(delays.collect()));
        assert_eq!(settings.http.listen.to_string(), "127.0.0.1:9090");
        assert!(settings.merchant_webhook.is_none() && settings.email.is_none());
    }

    #[test]
    fn a_lease_must_outlast_an_attempt() {
        let told = read(&[
            ("DATABASE_URL", "postgres://u:p@h/d"),
            ("AMQP_URL", "amqp://u:p@h/%2f"),
            ("MERCHANT_WEBHOOK_URL", "https://shop.example/hook"),
            ("MERCHANT_WEBHOOK_SECRETS", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"),
            ("DELIVERY_LEASE", "15s"),
        ])
        .unwrap_err();
        assert!(told.contains("DELIVERY_LEASE"), "{told}");
    }
}
