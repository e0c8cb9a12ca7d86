//! What a scenario may wish for before it starts, and the settings that follow from it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use ingest::settings::{EndpointSettings, IngestSettings};
use runtime::broker::BrokerSettings;
use runtime::settings::{Given, SettingsGroup};
use samples::Source;
use shared::schedule::Schedule;
use worker::settings::{Roles, WorkSettings, WorkerSettings};
use worker::sources::Sources;

use crate::mailbox::{FROM, Security};
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
    change_ingest: Change<EndpointSettings>,
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
    pub fn ingest(self, change: impl Fn(&mut EndpointSettings) + Send + Sync + 'static) -> Self {
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
        let environment = [
            ("AMQP_URL", system.host.amqp_url()),
            ("CONFIRM_TIMEOUT", "5s".to_owned()),
            ("QUEUE_MAX_LENGTH", QUEUE_MAX_LENGTH.to_string()),
        ];
        load(owned(environment))
    }

    /// The settings of a worker in this process: its environment, and the changes that the test wants.
    pub fn worker_settings(&self, system: &System) -> WorkerSettings {
        let mut environment = self.worker_basis(system);
        environment.extend(owned([
            ("AMQP_URL", format!("{}?heartbeat={}", system.host.amqp_url(), self.heartbeat_s)),
            ("CONFIRM_TIMEOUT", "5s".to_owned()),
            ("DATABASE_CONNECTIONS", self.database_connections.to_string()),
            ("LANES", "2".to_owned()),
        ]));
        let mut settings: WorkerSettings = load(environment);
        // The clock would end plans whose dates are past, in the middle of a test about something else.
        settings.work.roles = Roles { clock: false, ..Roles::ALL };
        settings.work.sources = self.worker_sources();
        self.change_worker.iter().for_each(|change| change(&mut settings.work));
        settings
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

    /// The settings of an ingest in this process.
    pub fn ingest_settings(&self, system: &System) -> IngestSettings {
        let mut settings: IngestSettings = load(self.ingest_environment(system, &[]));
        (self.change_ingest)(&mut settings.webhooks.endpoint);
        settings
    }

    /// The environment of a worker in a process of its own.
    pub fn worker_environment(
        &self,
        system: &System,
        amqp_port: u16,
        more: &[(&'static str, &str)],
    ) -> Vec<(String, String)> {
        let mut environment = self.worker_basis(system);
        environment.extend(owned([
            ("AMQP_URL", system.host.amqp_url_through(amqp_port)),
            // What a killed worker was sending is taken over soon.
            ("DELIVERY_LEASE", "4s".to_owned()),
        ]));
        environment.extend(owned(more.iter().map(|(name, value)| (*name, (*value).to_owned()))));
        environment
    }

    fn worker_basis(&self, system: &System) -> Vec<(String, String)> {
        let mut environment = owned([
            ("DATABASE_URL", system.database_url.clone()),
            ("QUEUE_MAX_LENGTH", QUEUE_MAX_LENGTH.to_string()),
            ("API_TOKEN", API_TOKEN.to_owned()),
            ("ROUTING_FILE", written(system, "routing.toml", NO_NIGHT)),
        ]);
        if let Some(merchant) = &system.merchant {
            environment.extend(owned([
                ("MERCHANT_WEBHOOK_URL", merchant.url()),
                ("MERCHANT_WEBHOOK_SECRETS", merchant.secret()),
                ("MERCHANT_WEBHOOK_TIMEOUT", "2s".to_owned()),
            ]));
        }
        if let Some(mailbox) = &system.mailbox {
            environment.extend(owned([
                ("SMTP_URL", mailbox.url()),
                ("SMTP_CA_FILE", written(system, "authority.pem", mailbox.authority())),
                ("MAIL_FROM", FROM.to_owned()),
                ("MAIL_TIMEOUT", "2s".to_owned()),
                ("BRAND_NAME", "Shop".to_owned()),
            ]));
        }
        environment
    }

    /// The environment of an ingest in a process of its own.
    pub fn ingest_environment(&self, system: &System, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut environment = sources::environment();
        environment.extend(owned([
            ("AMQP_URL", system.host.amqp_url()),
            ("SOURCES_FILE", written(system, "sources.toml", &self.sources)),
            ("SPOOL_DIR", system.spool.path().join("spool").display().to_string()),
            ("QUEUE_MAX_LENGTH", QUEUE_MAX_LENGTH.to_string()),
        ]));
        environment.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        environment
    }
}

/// The settings that follow from an environment. Of two variables of one name the later counts, as in a process.
fn load<S: SettingsGroup>(environment: Vec<(String, String)>) -> S {
    let environment: BTreeMap<_, _> = environment.into_iter().collect();
    S::load(&Given::from_env(move |name| environment.get(name).cloned())).unwrap()
}

fn owned<'a>(variables: impl IntoIterator<Item = (&'a str, String)>) -> Vec<(String, String)> {
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A file of the test's own; its path.
fn written(system: &System, name: &str, text: &str) -> String {
    let file = system.spool.path().join(name);
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}
