//! The worker: turns webhooks into state and actions in one transaction, and delivers the actions. This file starts and
//! stops the parts; none of them imports from it.
//!
//! In reading order:
//!
//! 1. [`settings`], [`sources`], [`routing`]: what the operator configures. [`context`]: what all tasks share.
//! 2. [`consume`] takes batches from the queue and settles them; [`apply`] applies one batch in one transaction;
//!    [`dead_letter`] describes what can't be applied.
//! 3. [`relay`] delivers actions over each [`channel`]; [`preview`] shows the mails that the crate `mail`
//!    writes with the shop's `templates`.
//! 4. [`clock`] notices deadlines; [`fetch`] asks the providers' APIs ([`provider_api`]), and [`subscriptions`] tells
//!    them where to send webhooks. What either finds becomes an `own_event` and enters the queue like a webhook.
//! 5. `api` is the shop's HTTP API, [`commands`] are the operator's commands: [`why`] tells what happened to one eSIM or
//!    order, [`verify`] compares the tables with the events. [`metrics`] counts.
//!
//! The crate `store` holds every SQL statement and no rule.

mod api;
pub mod apply;
pub mod channel;
pub mod clock;
pub mod commands;
pub mod consume;
pub mod context;
pub mod dead_letter;
pub mod fetch;
pub mod metrics;
mod own_event;
pub mod preview;
pub mod provider_api;
pub mod relay;
pub mod routing;
pub mod settings;
pub mod sources;
pub mod subscriptions;
mod templates;
pub mod verify;
pub mod why;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use channel::Channel;
use channel::email::Email;
use channel::merchant_webhook::MerchantWebhook;
use context::{Context, Health};
use metrics::Metrics;
use prometheus_client::registry::Registry;
use provider_api::Apis;
use runtime::broker::{Broker, Publisher};
use runtime::http::{Status, serve};
use runtime::queue::{Publish, Queue};
use runtime::retry::Retry;
use runtime::shutdown::Tasks;
use settings::{WorkSettings, WorkerSettings};
use store::{Store, may_pass};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How often the database is asked whether it is there, so that readiness is true without traffic, too.
const PING_EVERY: Duration = Duration::from_secs(2);

/// Works until `stop`, with RabbitMQ and PostgreSQL; `listener` serves health and metrics. Waits for a database that is
/// away, and ends with an error if a part of it can't go on.
pub async fn run(settings: WorkerSettings, listener: TcpListener, stop: CancellationToken) -> anyhow::Result<()> {
    let WorkerSettings { work, database, broker } = settings;
    let store = store::postgres::open(&database.url, database.connections).context("reading DATABASE_URL")?;
    let broker = Broker::new(broker, "worker");
    let mut tasks = Tasks::new(stop.clone());
    let publisher = (work.roles.clock || work.roles.fetch).then(|| {
        let (publisher, publishing) = Publisher::start(broker.clone(), stop.clone());
        tasks.spawn("publisher", async move { anyhow::Ok(publishing.await??) });
        publisher
    });
    let deadline = work.shutdown_deadline;
    tasks.spawn("worker", run_on(work, Arc::new(store), broker, publisher, listener, stop));
    Ok(tasks.finish(deadline).await?)
}

/// The same with any store and queue. `publisher` may be missing where no role publishes.
pub async fn run_on(
    settings: WorkSettings,
    store: Arc<dyn Store>,
    queue: impl Queue,
    publisher: Option<impl Publish>,
    listener: TcpListener,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut registry = Registry::with_prefix("worker");
    let channels = open_channels(&settings)?;
    let apis = Apis::open(&settings.sources, &store)?;
    let context = Arc::new(Context {
        askable: apis.sources(),
        apis,
        waiting: settings.sources.waiting(),
        store,
        channels: channels.iter().map(Channel::name).collect(),
        limits: settings.limits.clone(),
        routing: settings.routing.clone(),
        sources: settings.sources.clone(),
        public_url: settings.public_url.clone(),
        metrics: Metrics::new(&mut registry),
        health: Health::default(),
        actions_added: Notify::new(),
        lookups_added: Notify::new(),
    });
    let mut tasks = Tasks::new(stop.clone());
    let health = Arc::clone(&context);
    let status = Status::new(Arc::new(registry), move || health.health.ready(settings.roles.consume));
    let router = match settings.http.api_token.clone() {
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

async fn work(
    settings: WorkSettings,
    context: Arc<Context>,
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
async fn migrate_when_possible(context: &Context, stop: &CancellationToken) -> anyhow::Result<bool> {
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

async fn ping(context: Arc<Context>, stop: CancellationToken) -> anyhow::Result<()> {
    while !stop.is_cancelled() {
        context.health.set_store(context.store.ping().await.is_ok());
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(PING_EVERY) => {}
        }
    }
    Ok(())
}
