//! What a scenario may wish for before it starts, and the settings that follow from it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use runtime::broker::BrokerSettings;
use samples::Source;
use shared::schedule::Schedule;
use worker::routing::Routing;
use worker::settings::{Limits, Roles, Settings as WorkerSettings, WorkSettings};
use worker::sources::Sources;

use crate::mailbox::{FROM, Mailbox, Security};
use crate::sources;
use crate::system::System;

/// Small enough that a queue can be made by hand with the same.
pub const API_TOKEN: &str = "a token for the tests only";
pub const QUEUE_MAX_LENGTH: u64 = 100_000;

/// A routing file: when the tests run is nobody's night.
const NO_NIGHT: &str = "quiet_hours = { from = \"00:00\", to = \"00:00\" }";

type Change<S> = Box<dyn Fn(&mut S) + Send + Sync>;

/// Wishes. By default: shared containers, one ingest, one worker, no shop.
pub struct Setup {
    pub(crate) own_broker: bool,
    pub(crate) own_database: bool,
    pub(crate) empty_database: bool,
    pub(crate) workers: usize,
    database_connections: u32,
    heartbeat_s: u16,
    pub(crate) ingests: bool,
    pub(crate) merchant: bool,
    pub(crate) mail: Option<Security>,
    sources: String,
    /// By the source's name, the table `api` of its entry, without a head.
    apis: BTreeMap<&'static str, String>,
    before_confirmation: &'static str,
    change_ingest: Change<ingest::WebhookSettings>,
    change_worker: Vec<Change<WorkSettings>>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            own_broker: false,
            own_database: false,
            empty_database: false,
            workers: 1,
            database_connections: 8,
            heartbeat_s: 10,
            ingests: true,
            merchant: false,
            mail: None,
            sources: sources::file(),
            apis: BTreeMap::new(),
            before_confirmation: "wait",
            change_ingest: Box::new(|_| {}),
            change_worker: Vec::new(),
        }
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("workers", &self.workers).finish_non_exhaustive()
    }
}

impl Setup {
    /// A RabbitMQ that may be stopped.
    #[must_use]
    pub fn own_broker(self) -> Self {
        Self { own_broker: true, ..self }
    }

    /// A PostgreSQL that may be stopped.
    #[must_use]
    pub fn own_database(self) -> Self {
        Self { own_database: true, ..self }
    }

    /// Without any table.
    #[must_use]
    pub fn empty_database(self) -> Self {
        Self { empty_database: true, ..self }
    }

    #[must_use]
    pub fn workers(self, workers: usize) -> Self {
        Self { workers, ..self }
    }

    /// Connections to the database that each worker may have.
    #[must_use]
    pub fn database_connections(self, database_connections: u32) -> Self {
        Self { database_connections, ..self }
    }

    /// After twice this long without a word, worker and broker take each other as gone.
    #[must_use]
    pub fn heartbeat_s(self, heartbeat_s: u16) -> Self {
        Self { heartbeat_s, ..self }
    }

    #[must_use]
    pub fn without_ingest(self) -> Self {
        Self { ingests: false, ..self }
    }

    /// With a shop that wants to be told.
    #[must_use]
    pub fn merchant(self) -> Self {
        Self { merchant: true, ..self }
    }

    /// With a mail server, and customers who may be told at any hour.
    #[must_use]
    pub fn mail(self) -> Self {
        self.mail_over(Security::None)
    }

    #[must_use]
    pub fn mail_over(self, security: Security) -> Self {
        Self { mail: Some(security), ..self }
    }

    /// More sources, in the file's own form.
    #[must_use]
    pub fn sources(self, more: &str) -> Self {
        Self { sources: format!("{}\n{more}", self.sources), ..self }
    }

    /// With the API of a source's provider, which the worker may ask. A secret stands where its variable's name would.
    #[must_use]
    pub fn api(mut self, source: Source, table: String) -> Self {
        self.apis.insert(source.name(), table);
        self
    }

    /// What sources whose API can be asked do before it has confirmed an unsigned webhook: "wait" or "act".
    #[must_use]
    pub fn before_confirmation(self, before_confirmation: &'static str) -> Self {
        Self { before_confirmation, ..self }
    }

    #[must_use]
    pub fn ingest(self, change: impl Fn(&mut ingest::WebhookSettings) + Send + Sync + 'static) -> Self {
        Self { change_ingest: Box::new(change), ..self }
    }

    #[must_use]
    pub fn worker(mut self, change: impl Fn(&mut WorkSettings) + Send + Sync + 'static) -> Self {
        self.change_worker.push(Box::new(change));
        self
    }

    /// Attempts to deliver so many ms apart.
    #[must_use]
    pub fn schedule(self, delays_ms: &'static [u64]) -> Self {
        let delays = || delays_ms.iter().copied().map(Duration::from_millis).collect();
        self.worker(move |settings| settings.limits.schedule = Schedule::new(delays()))
    }

    pub async fn start(self) -> System {
        if let Ok(filter) = std::env::var("RUST_LOG") {
            runtime::telemetry::start(runtime::telemetry::LogFormat::Pretty, &filter);
        }
        Box::pin(System::from(self)).await
    }

    pub fn broker_settings(&self, system: &System) -> BrokerSettings {
        BrokerSettings {
            url: system.host.amqp_url().into(),
            connection_name: "integration".to_owned(),
            confirm_timeout: Duration::from_secs(5),
            queue_max_length: QUEUE_MAX_LENGTH,
        }
    }

    pub fn worker_settings(&self, system: &System) -> WorkerSettings {
        let mut work = WorkSettings {
            // The clock would end plans whose dates are past, in the middle of a test about something else.
            roles: Roles { clock: false, ..Roles::ALL },
            limits: Limits { lanes: 2, ..Limits::default() },
            merchant_webhook: system.merchant.as_ref().map(crate::merchant::Merchant::settings),
            email: system.mailbox.as_ref().map(Mailbox::settings),
            routing: Routing::load(written(system, "routing.toml", NO_NIGHT).as_ref()).unwrap(),
            sources: self.worker_sources(),
            public_url: None,
            api_token: Some(API_TOKEN.into()),
            shutdown_deadline: Duration::from_secs(20),
        };
        self.change_worker.iter().for_each(|change| change(&mut work));
        WorkerSettings {
            work,
            database_url: system.database_url.clone().into(),
            database_connections: self.database_connections,
            broker: BrokerSettings {
                url: format!("{}?heartbeat={}", system.host.amqp_url(), self.heartbeat_s).into(),
                ..self.broker_settings(system)
            },
        }
    }

    /// Without an API the worker is not told of any source.
    fn worker_sources(&self) -> Sources {
        let entry = |source: &Source| {
            let (name, provider) = (source.name(), source.provider());
            let api = self.apis.get(name).map(|table| format!("[source.api]\n{table}\n")).unwrap_or_default();
            let before = format!("before_confirmation = \"{}\"", self.before_confirmation);
            format!("[[source]]\nname = \"{name}\"\nprovider = \"{provider}\"\n{before}\n{api}")
        };
        if self.apis.is_empty() {
            return Sources::default();
        }
        let file: String = Source::ALL.iter().map(entry).collect();
        Sources::parse(&file, |secret| Some(secret.to_owned())).unwrap()
    }

    pub fn ingest_settings(&self, system: &System) -> ingest::Settings {
        let environment = sources::environment();
        let find = |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, secret)| secret.clone());
        let mut webhooks = ingest::WebhookSettings {
            sources: ingest::sources::Sources::parse(&self.sources, &find).unwrap(),
            listen: ([127, 0, 0, 1], 0).into(),
            body_limit_bytes: 256 * 1024,
            body_timeout: Duration::from_secs(10),
            trusted_proxies: Vec::new(),
            shutdown_deadline: Duration::from_secs(7),
        };
        (self.change_ingest)(&mut webhooks);
        ingest::Settings {
            webhooks,
            broker: BrokerSettings { confirm_timeout: Duration::from_secs(1), ..self.broker_settings(system) },
            spool_dir: spool_dir(system),
            spool_max_bytes: 64 * 1024 * 1024,
        }
    }

    /// The same as environment variables, for the binary.
    pub fn worker_environment(
        &self,
        system: &System,
        amqp_port: u16,
        more: &[(&'static str, &str)],
    ) -> Vec<(String, String)> {
        let mut environment = vec![
            ("DATABASE_URL", system.database_url.clone()),
            ("AMQP_URL", system.host.amqp_url_through(amqp_port)),
            ("QUEUE_MAX_LENGTH", QUEUE_MAX_LENGTH.to_string()),
            ("API_TOKEN", API_TOKEN.to_owned()),
            // What a killed worker was sending is taken over soon.
            ("MERCHANT_WEBHOOK_TIMEOUT", "2s".to_owned()),
            ("DELIVERY_LEASE", "4s".to_owned()),
        ];
        if let Some(merchant) = &system.merchant {
            environment.push(("MERCHANT_WEBHOOK_URL", merchant.url()));
            environment.push(("MERCHANT_WEBHOOK_SECRETS", merchant.secret()));
        }
        if let Some(mailbox) = &system.mailbox {
            environment.push(("SMTP_URL", mailbox.url()));
            environment.push(("MAIL_FROM", FROM.to_owned()));
            environment.push(("MAIL_TIMEOUT", "3s".to_owned()));
            environment.push(("SMTP_CA_FILE", written(system, "authority.pem", mailbox.authority())));
            environment.push(("ROUTING_FILE", written(system, "routing.toml", NO_NIGHT)));
        }
        environment.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    pub fn ingest_environment(&self, system: &System, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let file = system.spool.path().join("sources.toml");
        std::fs::write(&file, &self.sources).unwrap();
        let mut environment = sources::environment();
        environment.extend([
            ("AMQP_URL".to_owned(), system.host.amqp_url()),
            ("SOURCES_FILE".to_owned(), file.display().to_string()),
            ("SPOOL_DIR".to_owned(), spool_dir(system).display().to_string()),
            ("QUEUE_MAX_LENGTH".to_owned(), QUEUE_MAX_LENGTH.to_string()),
        ]);
        environment.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        environment
    }
}

/// A file of the test's own; its path.
fn written(system: &System, name: &str, text: &str) -> String {
    let file = system.spool.path().join(name);
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

fn spool_dir(system: &System) -> PathBuf {
    system.spool.path().join("spool")
}
