//! The spool: a durable local queue in a file. Beside a broker it keeps the webhooks that the broker did not take;
//! alone, it is the queue of the process that owns it. One task owns the file and commits all that waits at once, so
//! that many webhooks share one fsync.

mod file;
mod holder;
mod lane;
mod stats;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use shared::envelope::Envelope;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};

pub use file::{OpenFailed, Spooled};
pub use lane::{SpoolLane, SpoolSession};
pub use stats::Stats;
pub use writer::Writer;

use crate::queue::{NotPublished, Publish};
use crate::settings::{count, default};
use file::{Entry, SpoolFile};
use writer::Command;

/// Commands that wait for the writer; beyond it, senders wait.
const MAX_WAITING: usize = 1_024;

crate::settings! {
    /// The bound of the spool.
    pub struct SpoolSettings under "Spool" {
        /// Bytes of webhooks that the spool holds at most (1 GiB by default); when it is full, webhooks are answered 503
        SPOOL_MAX_BYTES => max_bytes: u64 = default("1073741824", count(i64::MAX.unsigned_abs())),
    }
}

/// Why the spool can't take a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotSpooled {
    #[error("the spool is full (SPOOL_MAX_BYTES)")]
    Full,
    #[error("the spool can't be written: {0}")]
    Broken(String),
    #[error("the spool is closed")]
    Closed,
}

/// Cheap to clone; all clones share the file.
#[derive(Debug, Clone)]
pub struct Spool {
    commands: mpsc::Sender<Command>,
    stats: Arc<Stats>,
    /// Told whenever there may be more to take.
    news: watch::Sender<()>,
    directory: Arc<str>,
}

impl Spool {
    /// Opens the spool in `directory`, or makes it. It holds at most `max_bytes`, counted as the webhooks' own bytes with
    /// a little for each; the file may be somewhat larger. The writer must be run.
    pub async fn open(directory: &Path, max_bytes: u64) -> Result<(Self, Writer), OpenFailed> {
        let mut file = SpoolFile::open(directory).await?;
        let stats = Arc::new(Stats::new(max_bytes));
        stats.set(&file.contents().await.map_err(|error| file.damaged(error))?);
        let (commands, waiting) = mpsc::channel(MAX_WAITING);
        let news = watch::Sender::new(());
        let writer = Writer::new(file, waiting, stats.clone(), news.clone());
        Ok((Self { commands, stats, news, directory: directory.to_string_lossy().into() }, writer))
    }

    /// Returns once the webhook is on disk.
    pub async fn keep(&self, envelope: &Envelope) -> Result<(), NotSpooled> {
        let entry = Entry::of(envelope).map_err(|error| NotSpooled::Broken(error.to_string()))?;
        if !self.stats.reserve(entry.bytes) {
            return Err(NotSpooled::Full);
        }
        // From here the writer gives the reservation back if it can't write.
        self.ask(|done| Command::Keep(entry, done)).await
    }

    /// The oldest webhooks with a number above `after`, at most `limit`.
    pub async fn oldest(&self, after: i64, limit: u32) -> Result<Vec<Spooled>, NotSpooled> {
        self.ask(|done| Command::Oldest { after, limit, done }).await
    }

    /// Forgets webhooks that are durable elsewhere.
    pub async fn delete(&self, numbers: Vec<i64>) -> Result<(), NotSpooled> {
        self.ask(|done| Command::Delete(numbers, done)).await
    }

    /// Whether it takes webhooks now.
    pub fn check(&self) -> Result<(), NotSpooled> {
        if self.stats.is_broken() {
            Err(NotSpooled::Broken("the last attempt failed".to_owned()))
        } else if self.stats.is_full() {
            Err(NotSpooled::Full)
        } else {
            Ok(())
        }
    }

    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, NotSpooled>>) -> Command,
    ) -> Result<T, NotSpooled> {
        let (done, answer) = oneshot::channel();
        self.commands.send(command(done)).await.map_err(|_closed| NotSpooled::Closed)?;
        answer.await.map_err(|_closed| NotSpooled::Closed)?
    }
}

impl Publish for Spool {
    async fn publish(&self, envelope: &Envelope) -> Result<(), NotPublished> {
        self.keep(envelope).await.map_err(|error| NotPublished::NotStored(error.to_string()))
    }

    fn is_ready(&self) -> bool {
        self.check().is_ok()
    }
}

/// What the spool holds, as read from the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Contents {
    pub events: u64,
    pub bytes: u64,
    pub oldest_at: Option<SystemTime>,
}

#[cfg(test)]
mod tests;
