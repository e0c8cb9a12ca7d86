//! The task that owns the spool's file. It takes all commands that wait and writes the webhooks among them in one
//! transaction: under load, hundreds of webhooks cost one fsync.

use std::collections::{BTreeMap, btree_map};
use std::sync::{Arc, Weak};
use std::time::Duration;

use shared::envelope::DELIVERY_LIMIT;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::file::{Entry, Handed, SpoolFile, Spooled, Standing};
use super::holder::Holder;
use super::{NotSpooled, Stats};

/// Webhooks in one transaction.
const MAX_GROUP: usize = 256;
/// How often a spool that could not be written is tried, so that readiness returns by itself.
const TRY_INTERVAL: Duration = Duration::from_secs(2);

type Done<T> = oneshot::Sender<Result<T, NotSpooled>>;

#[derive(Debug)]
pub(super) enum Command {
    Keep(Entry, Done<()>),
    Oldest {
        after: i64,
        limit: u32,
        done: Done<Vec<Spooled>>,
    },
    Delete(Vec<i64>, Done<()>),
    /// Up to `limit` entries that nobody holds, for `holder`, as long as it lives.
    Take {
        standing: Standing,
        limit: u32,
        holder: Weak<Holder>,
        done: Done<Vec<Handed>>,
    },
    Depth(Standing, Done<u64>),
}

/// Runs until `stop`, then finishes what waits.
#[derive(Debug)]
pub struct Writer {
    file: SpoolFile,
    waiting: mpsc::Receiver<Command>,
    stats: Arc<Stats>,
    news: News,
    taken: Taken,
}

/// Tells lanes that there may be more, and when there never will be: who waits for it asks, and hears that it is closed.
#[derive(Debug)]
struct News(watch::Sender<()>);

impl Drop for News {
    fn drop(&mut self) {
        self.0.send_replace(());
    }
}

/// What lanes hold.
#[derive(Debug, Default)]
struct Taken {
    holders: BTreeMap<i64, Held>,
    /// Every entry up to here is held, or gone, or of the other standing.
    waiting_through: i64,
    given_up_through: i64,
}

/// An entry that a lane holds.
#[derive(Debug)]
struct Held {
    holder: Weak<Holder>,
    /// Whether it is given up, if it comes back.
    is_last: bool,
}

impl Taken {
    /// What was held by lanes that have ended is there for others.
    fn take_back(&mut self) {
        let mut first = i64::MAX;
        self.holders.retain(|number, held| {
            let lives = held.holder.upgrade().is_some_and(|holder| holder.lives());
            if !lives {
                first = first.min(*number);
            }
            lives
        });
        self.waiting_through = self.waiting_through.min(first - 1);
        self.given_up_through = self.given_up_through.min(first - 1);
    }

    fn through(&mut self, standing: Standing) -> &mut i64 {
        match standing {
            Standing::Waiting => &mut self.waiting_through,
            Standing::GivenUp => &mut self.given_up_through,
        }
    }
}

impl Writer {
    pub(super) fn new(
        file: SpoolFile,
        waiting: mpsc::Receiver<Command>,
        stats: Arc<Stats>,
        news: watch::Sender<()>,
    ) -> Self {
        Self { file, waiting, stats, news: News(news), taken: Taken::default() }
    }

    pub async fn run(mut self, stop: CancellationToken) -> Result<(), sqlx::Error> {
        let mut group = Vec::with_capacity(MAX_GROUP);
        loop {
            let wait = timeout(TRY_INTERVAL, self.waiting.recv_many(&mut group, MAX_GROUP));
            let received = tokio::select! {
                biased;
                received = wait => received,
                () = stop.cancelled() => {
                    self.waiting.close();
                    self.waiting.recv_many(&mut group, MAX_GROUP).await;
                    self.serve(&mut group).await;
                    return self.file.close().await;
                }
            };
            match received {
                Ok(0) => return self.file.close().await,
                Ok(_) => self.serve(&mut group).await,
                Err(_quiet) if self.stats.is_broken() => self.try_again().await,
                Err(_quiet) => {}
            }
        }
    }

    async fn serve(&mut self, group: &mut Vec<Command>) {
        let mut entries = Vec::with_capacity(group.len());
        let mut others = Vec::new();
        for command in group.drain(..) {
            match command {
                Command::Keep(entry, done) => entries.push((entry, done)),
                other => others.push(other),
            }
        }
        if !entries.is_empty() {
            self.keep(entries).await;
        }
        for command in others {
            match command {
                Command::Oldest { after, limit, done } => {
                    let read = self.file.oldest(after, limit).await;
                    answer(done, read.map_err(|error| self.broken(&error)));
                }
                Command::Delete(numbers, done) => answer(done, self.delete(&numbers).await),
                Command::Take { standing, limit, holder, done } => {
                    let taken = self.take(standing, limit, &holder).await;
                    answer(done, taken.map_err(|error| self.broken(&error)));
                }
                Command::Depth(standing, done) => {
                    let depth = self.depth(standing).await;
                    answer(done, depth.map_err(|error| self.broken(&error)));
                }
                // Taken out above.
                Command::Keep(..) => {}
            }
        }
    }

    async fn keep(&mut self, entries: Vec<(Entry, Done<()>)>) {
        let (entries, done): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        let oldest = entries.iter().map(|entry| entry.received_at_us).min();
        let bytes = entries.iter().map(|entry| entry.bytes).sum();
        let count = u64::try_from(entries.len()).unwrap_or_default();
        let written = self.file.insert(entries).await;
        let result = match written {
            Ok(()) => {
                self.stats.wrote(count, oldest.unwrap_or(i64::MAX));
                self.news.0.send_replace(());
                Ok(())
            }
            Err(error) => {
                self.stats.release(bytes);
                Err(self.broken(&error))
            }
        };
        done.into_iter().for_each(|done| answer(done, result.clone()));
    }

    async fn delete(&mut self, numbers: &[i64]) -> Result<(), NotSpooled> {
        let deleted = self.file.delete(numbers).await.map_err(|error| self.broken(&error))?;
        self.stats.deleted(deleted.events, deleted.bytes, deleted.oldest_at_us);
        for number in numbers {
            self.taken.holders.remove(number);
        }
        Ok(())
    }

    async fn take(
        &mut self,
        standing: Standing,
        limit: u32,
        holder: &Weak<Holder>,
    ) -> Result<Vec<Handed>, sqlx::Error> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.taken.take_back();
        let mut free = Vec::new();
        // Whose lane ended while it asked is handed nothing.
        while free.len() < limit && holder.strong_count() > 0 {
            let page = self.file.oldest_of(standing, *self.taken.through(standing), limit - free.len()).await?;
            let Some(last) = page.last() else { break };
            *self.taken.through(standing) = last.number;
            for entry in page {
                // What is handed out for the last time is held by a lane while its count says that it is given up.
                if let btree_map::Entry::Vacant(place) = self.taken.holders.entry(entry.number) {
                    let is_last = entry.times >= u64::from(DELIVERY_LIMIT);
                    place.insert(Held { holder: Weak::clone(holder), is_last });
                    free.push(entry);
                }
            }
        }
        if !free.is_empty() {
            let numbers: Vec<_> = free.iter().map(|entry| entry.number).collect();
            self.file.count_handed_out(&numbers).await?;
        }
        Ok(free)
    }

    /// What nobody holds.
    async fn depth(&mut self, standing: Standing) -> Result<u64, sqlx::Error> {
        self.taken.take_back();
        let held = u64::try_from(self.taken.holders.len()).unwrap_or_default();
        let held_last = self.taken.holders.values().filter(|held| held.is_last).count();
        let given_up = self.file.count_given_up().await?.saturating_sub(u64::try_from(held_last).unwrap_or_default());
        Ok(match standing {
            Standing::GivenUp => given_up,
            Standing::Waiting => self.stats.events().saturating_sub(given_up + held),
        })
    }

    async fn try_again(&mut self) {
        match self.file.probe().await {
            Ok(()) => {
                tracing::info!("the spool can be written again");
                self.stats.works(true);
            }
            Err(error) => tracing::debug!(%error, "the spool still can't be written"),
        }
    }

    fn broken(&self, error: &sqlx::Error) -> NotSpooled {
        tracing::error!(error = %crate::telemetry::chain(error), "the spool failed");
        self.stats.works(false);
        NotSpooled::Broken(error.to_string())
    }
}

/// Who asked may have gone.
fn answer<T>(done: Done<T>, result: Result<T, NotSpooled>) {
    drop(done.send(result));
}
