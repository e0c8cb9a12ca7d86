//! Makes a webhook durable before it answers: in the broker's queue, or in the spool while the broker is away. It does
//! not know what a webhook means, and it needs no database.
//!
//! In reading order:
//!
//! 1. [`settings`], [`sources`]: what the operator says; every mistake is told at once, and nothing starts.
//! 2. [`webhook`]: the handler: source, address, body, signature, rate; then [`intake`] and the answer.
//! 3. [`intake`]: queue or spool.
//! 4. [`drain`]: the way from the spool to the broker.

mod address;
mod drain;
mod intake;
mod metrics;
mod rejection;
pub mod settings;
pub mod sources;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use prometheus_client::registry::Registry;
use runtime::broker::{Broker, Publisher};
use runtime::http::{Status, serve};
use runtime::queue::Publish;
use runtime::shutdown::Tasks;
use runtime::spool::Spool;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::intake::Intake;
use crate::metrics::Metrics;
use crate::settings::{IngestSettings, WebhookSettings};
use crate::webhook::App;

/// What remains to be done after the last request: closing the broker's connection and the spool.
const CLOSING_TIME: Duration = Duration::from_secs(3);

/// Serves webhooks until `stop`, with a broker as the queue, and a spool beside it. The broker may be away at start and at
/// any time later.
pub async fn run(settings: IngestSettings, listener: TcpListener, stop: CancellationToken) -> anyhow::Result<()> {
    let (spool, spool_writer) =
        Spool::open(&settings.spool_dir, settings.spool.max_bytes).await.context("opening the spool")?;
    // The broker and the spool must outlive the requests in flight.
    let answered = CancellationToken::new();
    let broker = Broker::new(settings.broker, "ingest");
    tracing::info!(broker.address = broker.address(), spool.events = spool.stats().events(), "durable places");
    let (publisher, publishing) = Publisher::start(broker, answered.clone());
    let mut registry = Registry::with_prefix("ingest");
    let metrics = Metrics::register(&mut registry, spool.clone(), publisher.clone());
    let intake = Intake::new(publisher.clone(), Some(spool.clone()), metrics.clone());

    let mut tasks = Tasks::new(stop.clone());
    let deadline = settings.webhooks.shutdown_deadline + CLOSING_TIME;
    let (serving, finished) =
        (take_in(settings.webhooks, intake, registry, metrics.clone(), listener, stop), answered.clone());
    tasks.spawn("HTTP server", async move {
        let served = serving.await;
        finished.cancel();
        served
    });
    tasks
        .spawn("publisher", async move { publishing.await.map_err(anyhow::Error::from)?.map_err(anyhow::Error::from) });
    tasks.spawn("spool", spool_writer.run(answered.clone()));
    tasks.spawn("spool drain", async move {
        drain::run(spool, publisher, metrics, answered).await;
        Ok::<_, anyhow::Error>(())
    });
    tasks.finish(deadline).await.context("running ingest")?;
    tracing::info!("stopped");
    Ok(())
}

/// Serves webhooks until `stop`, with a spool as the queue. Whoever opened the spool runs its writer, and keeps it until
/// this has ended.
pub async fn run_on_spool(
    settings: WebhookSettings,
    spool: Spool,
    listener: TcpListener,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut registry = Registry::with_prefix("ingest");
    let metrics = Metrics::register(&mut registry, spool.clone(), spool.clone());
    let intake = Intake::new(spool, None, metrics.clone());
    take_in(settings, intake, registry, metrics, listener, stop).await
}

async fn take_in(
    settings: WebhookSettings,
    intake: Intake<impl Publish>,
    registry: Registry,
    metrics: Metrics,
    listener: TcpListener,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    tracing::info!(
        listen = %listener.local_addr().context("reading the listener's address")?,
        sources = settings.sources.names().collect::<Vec<_>>().join(", "),
        "accepting webhooks"
    );
    settings.sources.warn_of_risks();
    let ready = intake.clone();
    let status = Status::new(Arc::new(registry), move || ready.ready());
    let drain_time = settings.shutdown_deadline;
    let router = webhook::router(App::new(settings, intake, metrics)).merge(status.router());
    serve(listener, router, stop, drain_time).await.context("serving webhooks")
}
