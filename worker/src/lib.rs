//! The worker: turns webhooks into state and promises in one transaction, and keeps the promises.
//!
//! 1. [`consume`] takes batches from the queue and settles them; [`apply`] is what happens to one.
//! 2. [`relay`] delivers what was promised, over each [`channel`].
//! 3. [`fetch`] asks the providers' APIs for what a webhook only announces or never said, over [`provider_api`];
//!    [`subscriptions`] says there where webhooks go.
//! 4. [`mail`] writes what a customer reads; [`preview`] shows it to whoever changes it.
//! 5. [`store`] holds every SQL statement, and no rule. [`verify`] checks that the tables are what the events say.

mod api;
pub mod apply;
pub mod channel;
pub mod clock;
pub mod commands;
pub mod consume;
pub mod dead_letter;
pub mod fetch;
pub mod mail;
pub mod metrics;
mod own_event;
pub mod preview;
pub mod provider_api;
pub mod relay;
pub mod routing;
pub mod settings;
pub mod sources;
pub mod store;
pub mod subscriptions;
pub mod verify;
mod view;
pub mod why;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use channel::Channel;
use channel::email::Email;
use channel::merchant_webhook::MerchantWebhook;
use metrics::Metrics;
use prometheus_client::registry::Registry;
use provider_api::Apis;
use routing::Routing;
use runtime::broker::{Broker, Publisher};
use runtime::http::{Status, serve};
use runtime::queue::{Publish, Queue};
use runtime::retry::Retry;
use runtime::shutdown::Tasks;
use settings::{Limits, Settings, WorkSettings};
use sources::Sources;
use store::{Store, may_pass};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How often the database is asked whether it is there, so that readiness is true without traffic, too.
const PING_EVERY: Duration = Duration::from_secs(2);

/// What the parts of a worker share.
#[derive(Debug)]
pub struct Context<S> {
    pub store: S,
    /// The names of the channels that every promise is delivered over.
    pub channels: Vec<&'static str>,
    pub limits: Limits,
    pub routing: Routing,
    pub sources: Sources,
    /// Where providers reach ingest, if that is known.
    pub public_url: Option<String>,
    pub metrics: Metrics,
    pub health: Health,
    /// The APIs that can be asked.
    pub apis: Apis<S>,
    /// The sources where what is of value waits for the API to confirm an unsigned webhook.
    pub waiting: Vec<String>,
    /// Told when a question to one of them was noted here.
    pub wanted: Notify,
    /// Told when promises were made here, so that the relay need not wait for its next look.
    pub promised: Notify,
}

/// What the worker needs to do its work.
#[derive(Debug, Default)]
pub struct Health {
    queue: AtomicBool,
    store: AtomicBool,
}

impl Health {
    fn set_queue(&self, is_there: bool) {
        self.queue.store(is_there, Ordering::Relaxed);
    }

    fn set_store(&self, is_there: bool) {
        self.store.store(is_there, Ordering::Relaxed);
    }

    fn ready(&self, needs_queue: bool) -> Result<(), Vec<String>> {
        let mut missing = Vec::new();
        if needs_queue && !self.queue.load(Ordering::Relaxed) {
            missing.push("the queue is away".to_owned());
        }
        if !self.store.load(Ordering::Relaxed) {
            missing.push("the database is away".to_owned());
        }
        if missing.is_empty() { Ok(()) } else { Err(missing) }
    }
}

/// Works until `stop`, with RabbitMQ and PostgreSQL; `listener` serves health and metrics. Waits for a database that is
/// away, and ends with an error if a part of it can't go on.
pub async fn run(settings: Settings, listener: TcpListener, stop: CancellationToken) -> anyhow::Result<()> {
    let Settings { work, database_url, database_connections, broker } = settings;
    let store = store::postgres::open(&database_url, database_connections).context("reading DATABASE_URL")?;
    let broker = Broker::new(broker);
    let mut tasks = Tasks::new(stop.clone());
    let publisher = (work.roles.clock || work.roles.fetch).then(|| {
        let (publisher, publishing) = Publisher::start(broker.clone(), stop.clone());
        tasks.spawn("publisher", async move { anyhow::Ok(publishing.await??) });
        publisher
    });
    let deadline = work.shutdown_deadline;
    tasks.spawn("worker", run_on(work, store, broker, publisher, listener, stop));
    Ok(tasks.finish(deadline).await?)
}

/// The same with any store and queue. `publisher` may be missing where no role publishes.
pub async fn run_on<S: Store>(
    settings: WorkSettings,
    store: S,
    queue: impl Queue,
    publisher: Option<impl Publish>,
    listener: TcpListener,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut registry = Registry::with_prefix("worker");
    let channels = open_channels(&settings)?;
    let context = Arc::new(Context {
        apis: Apis::open(&settings.sources, &store)?,
        waiting: settings.sources.waiting(),
        store,
        channels: channels.iter().map(Channel::name).collect(),
        limits: settings.limits.clone(),
        routing: settings.routing.clone(),
        sources: settings.sources.clone(),
        public_url: settings.public_url.clone(),
        metrics: Metrics::new(&mut registry),
        health: Health::default(),
        promised: Notify::new(),
        wanted: Notify::new(),
    });
    let mut tasks = Tasks::new(stop.clone());
    let health = Arc::clone(&context);
    let status = Status::new(Arc::new(registry), move || health.health.ready(settings.roles.consume));
    let router = match settings.api_token.clone() {
        Some(token) => status.router().merge(api::router(Arc::clone(&context), token)),
        None => status.router(),
    };
    let deadline = settings.shutdown_deadline;
    tasks.spawn("http", serve(listener, router, stop.clone(), Duration::from_secs(1)));
    tasks.spawn("work", work(settings, context, queue, publisher, channels, stop));
    tasks.finish(deadline).await?;
    tracing::info!("stopped");
    Ok(())
}

async fn work<S: Store>(
    settings: WorkSettings,
    context: Arc<Context<S>>,
    queue: impl Queue,
    publisher: Option<impl Publish>,
    channels: Vec<Channel>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    if !migrate_when_possible(&context, &stop).await? {
        return Ok(());
    }
    let mut tasks = Tasks::new(stop.clone());
    tasks.spawn("ping", ping(Arc::clone(&context), stop.clone()));
    if settings.roles.consume {
        tasks.spawn("consume", consume::run(Arc::clone(&context), queue, stop.clone()));
    }
    if let Some(publisher) = publisher {
        if settings.roles.clock {
            let every = settings.limits.clock_interval;
            tasks.spawn("clock", clock::run(Arc::clone(&context), publisher.clone(), every, stop.clone()));
        }
        if settings.roles.fetch {
            tasks.spawn("fetch", fetch::run(Arc::clone(&context), publisher, stop.clone()));
        }
    }
    if settings.roles.relay {
        for channel in channels {
            tasks.spawn("relay", relay::run(Arc::clone(&context), channel, stop.clone()));
        }
    }
    tasks.finish(settings.shutdown_deadline).await?;
    context.store.close().await;
    Ok(())
}

fn open_channels(settings: &WorkSettings) -> anyhow::Result<Vec<Channel>> {
    let mut channels = vec![Channel::Log];
    if let Some(merchant_webhook) = &settings.merchant_webhook {
        channels.push(Channel::MerchantWebhook(MerchantWebhook::new(merchant_webhook.clone())?));
    }
    if let Some(email) = &settings.email {
        channels.push(Channel::Email(Email::new(email.clone())?));
    }
    Ok(channels)
}

/// Brings the tables up to date, waiting for the database as long as it takes; `false` if told to stop meanwhile. What
/// the database refuses is an error.
async fn migrate_when_possible(context: &Context<impl Store>, stop: &CancellationToken) -> anyhow::Result<bool> {
    let mut retry = Retry::forever(Duration::from_millis(200), Duration::from_secs(5));
    loop {
        let error = match context.store.migrate().await {
            Ok(()) => {
                context.health.set_store(true);
                return Ok(true);
            }
            Err(error) => error,
        };
        if !may_pass(&error) {
            return Err(error).context("bringing the tables up to date");
        }
        let delay = retry.next_delay();
        tracing::warn!(error = &error as &dyn std::error::Error, ?delay, "waiting for the database");
        tokio::select! {
            () = stop.cancelled() => return Ok(false),
            () = sleep(delay) => {}
        }
    }
}

async fn ping(context: Arc<Context<impl Store>>, stop: CancellationToken) -> anyhow::Result<()> {
    while !stop.is_cancelled() {
        context.health.set_store(context.store.ping().await.is_ok());
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(PING_EVERY) => {}
        }
    }
    Ok(())
}
