//! The whole of esim-events in one process: ingest, the spool as the queue, the worker, and SQLite as the database. It
//! holds no rule and no statement; it is where the parts of this edition are put together.
//!
//! 1. [`settings`], [`try_out`]: those of the distributed edition, but for where things are; and sources to begin with.
//! 2. [`data_dir`]: everything that is kept, and the lock on it.
//! 3. [`run`]: the process.
//! 4. [`export`]: the way to the distributed edition.

pub mod data_dir;
pub mod export;
pub mod settings;
pub mod try_out;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use runtime::shutdown::Tasks;
use runtime::spool::Spool;
use store::{Store as _, sqlite};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use data_dir::DataDir;
use settings::StandaloneSettings;

/// What remains to be done after both programs have ended: closing the queue.
const CLOSING_TIME: Duration = Duration::from_secs(3);

/// Where each program listens.
#[derive(Debug)]
pub struct Listeners {
    pub ingest: TcpListener,
    pub worker: TcpListener,
}

/// Runs until `stop`. Killed at any moment, it goes on from there when it is started again on the same data.
pub async fn run(
    settings: StandaloneSettings,
    data: &DataDir,
    listeners: Listeners,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let store = sqlite::open(&data.database());
    store.migrate().await.context("bringing the tables up to date")?;
    // What a process before this one was sending when it died need not wait until its lease ends.
    store.take_over().await.context("taking over what was under way")?;
    let (queue, writer) = Spool::open(&data.queue(), settings.spool.max_bytes).await.context("opening the queue")?;
    tracing::info!(data = %data.path().display(), waiting = queue.stats().events(), "standalone starts");
    // The queue outlives those who use it, and they don't go on without it.
    let unused = CancellationToken::new();
    let deadline = settings.webhooks.shutdown_deadline.max(settings.work.shutdown_deadline);
    let mut tasks = Tasks::new(unused.clone());
    tasks.spawn("queue", writer.run(unused.clone()));
    tasks.spawn("programs", async move {
        let mut programs = Tasks::new(stop.clone());
        programs
            .spawn("ingest", ingest::run_on_spool(settings.webhooks, queue.clone(), listeners.ingest, stop.clone()));
        let (way_in, way_out) = (Some(queue.clone()), queue.clone());
        programs.spawn(
            "worker",
            worker::run_on(settings.work, Arc::new(store), way_out, way_in, listeners.worker, stop.clone()),
        );
        let ended = tokio::select! {
            ended = programs.finish(deadline) => ended,
            () = unused.cancelled() => Ok(()),
        };
        unused.cancel();
        // Until here: the queue ends by itself when nobody is left who could use it.
        drop(queue);
        ended
    });
    tasks.finish(CLOSING_TIME).await?;
    Ok(())
}
