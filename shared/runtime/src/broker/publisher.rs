//! Publishing with confirms, on a connection that is kept up for ever by a task of its own.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::options::ConfirmSelectOptions;
use lapin::types::ShortString;
use lapin::{ConnectionStatus, Event};
use shared::envelope::{Envelope, routing_key};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::confirms::{self, End, Job};
use super::{Broker, BrokerConnection, message};
use crate::queue::{NotPublished, Publish, Queue as _, QueueError, Session as _};
use crate::retry::Retry;
use crate::telemetry;

/// Channels on the one connection: enough that one slow confirm does not hold up all.
const CHANNELS: usize = 2;
/// Messages that wait for a place in flight, a channel; beyond it the answer is `Busy`.
const MAX_WAITING: usize = 1_024;
const RETRY_INITIAL: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(10);
/// A connection that lasted this long was a good one: the next failure starts with the initial delay again.
const STEADY_AFTER: Duration = Duration::from_secs(10);
/// How often the connection is looked at, in case that its end brings no event.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// Publishes envelopes. Cheap to clone; all clones share one connection.
#[derive(Clone)]
pub struct Publisher(Arc<Inner>);

struct Inner {
    link: RwLock<Option<Arc<Link>>>,
    confirm_timeout: Duration,
}

/// A connection that works, as far as is known.
struct Link {
    channels: Vec<mpsc::Sender<Job>>,
    turn: AtomicUsize,
    status: ConnectionStatus,
}

impl Publisher {
    /// Connects in the background, again and again, until `stop`. The task ends with an error only where trying again
    /// is useless (`QueueError::is_fatal`).
    pub fn start(broker: Broker, stop: CancellationToken) -> (Self, JoinHandle<Result<(), QueueError>>) {
        let confirm_timeout = broker.settings().confirm_timeout;
        let publisher = Self(Arc::new(Inner { link: RwLock::new(None), confirm_timeout }));
        let task = tokio::spawn(keep_connected(broker, publisher.clone(), stop));
        (publisher, task)
    }

    fn usable_link(&self) -> Result<Arc<Link>, NotPublished> {
        let link = self.0.link.read().unwrap_or_else(PoisonError::into_inner).clone();
        match link {
            Some(link) if link.status.blocked() => Err(NotPublished::Blocked),
            Some(link) if link.status.connected() => Ok(link),
            _ => Err(NotPublished::Disconnected),
        }
    }

    fn set_link(&self, link: Option<Link>) {
        *self.0.link.write().unwrap_or_else(PoisonError::into_inner) = link.map(Arc::new);
    }
}

impl Publish for Publisher {
    /// Publishes persistent and mandatory. `Ok` only when the broker has acknowledged the message and not returned it.
    /// Never waits longer than the confirm timeout, and not at all while disconnected or blocked.
    async fn publish(&self, envelope: &Envelope) -> Result<(), NotPublished> {
        let link = self.usable_link()?;
        let (answer, answered) = oneshot::channel();
        let routing_key = ShortString::try_new(routing_key(envelope.provider, &envelope.source))
            .map_err(|error| NotPublished::Returned(error.to_string()))?;
        let job = Job {
            id: envelope.id,
            routing_key,
            properties: message::properties(envelope),
            body: envelope.body.clone(),
            answer,
        };
        link.next_channel().try_send(job).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => NotPublished::Busy,
            mpsc::error::TrySendError::Closed(_) => NotPublished::Disconnected,
        })?;
        match timeout(self.0.confirm_timeout, answered).await {
            Ok(Ok(result)) => result,
            Ok(Err(_dropped)) => Err(NotPublished::Disconnected),
            Err(_elapsed) => Err(if link.status.blocked() { NotPublished::Blocked } else { NotPublished::TimedOut }),
        }
    }

    /// Connected and not blocked.
    fn is_ready(&self) -> bool {
        self.usable_link().is_ok()
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("ready", &self.is_ready()).finish_non_exhaustive()
    }
}

impl Link {
    /// Channels take turns.
    fn next_channel(&self) -> &mpsc::Sender<Job> {
        &self.channels[self.turn.fetch_add(1, Ordering::Relaxed) % self.channels.len()]
    }
}

async fn keep_connected(broker: Broker, publisher: Publisher, stop: CancellationToken) -> Result<(), QueueError> {
    let mut retry = Retry::forever(RETRY_INITIAL, RETRY_MAX);
    loop {
        let attempt = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            attempt = broker.connect() => attempt,
        };
        match attempt {
            Ok(connection) => {
                let since = Instant::now();
                serve(connection, &publisher, &stop).await;
                if since.elapsed() >= STEADY_AFTER {
                    retry.reset();
                }
            }
            Err(error) if error.is_fatal() => return Err(error),
            Err(error) => {
                tracing::warn!(error = %telemetry::chain(&error), "no connection for publishing; trying again");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = sleep(retry.next_delay()) => {}
        }
    }
}

/// Offers the connection to publishers until it ends or is suspect.
async fn serve(connection: BrokerConnection, publisher: &Publisher, stop: &CancellationToken) {
    let mut tasks = JoinSet::new();
    let events = connection.connection.events_listener();
    match open_channels(&connection, publisher.0.confirm_timeout, &mut tasks).await {
        Ok(link) => publisher.set_link(Some(link)),
        Err(error) => {
            tracing::warn!(error = %telemetry::chain(&error), "no channel for publishing; connecting again");
            return;
        }
    }
    tracing::info!(broker.address = connection.address(), "publishing to the broker");
    tokio::select! {
        () = stop.cancelled() => {}
        Some(end) = tasks.join_next() => tell(end),
        () = connection_ends(&connection, events) => tracing::warn!("the broker is gone; connecting again"),
    }
    publisher.set_link(None);
    tasks.abort_all();
    if stop.is_cancelled() {
        connection.close().await;
    }
}

fn tell(end: Result<End, JoinError>) {
    let reason = end.map_or_else(|error| telemetry::chain(&error), |end| telemetry::chain(&end));
    tracing::warn!(reason, "publishing was interrupted; connecting again");
}

async fn open_channels(
    connection: &BrokerConnection,
    confirm_timeout: Duration,
    tasks: &mut JoinSet<End>,
) -> Result<Link, QueueError> {
    let connection = &connection.connection;
    let mut channels = Vec::with_capacity(CHANNELS);
    for _ in 0..CHANNELS {
        let channel = connection.create_channel().await.map_err(QueueError::closed)?;
        channel.confirm_select(ConfirmSelectOptions::default()).await.map_err(QueueError::closed)?;
        let (sender, jobs) = mpsc::channel(MAX_WAITING);
        let status = connection.status().clone();
        tasks.spawn(confirms::run(channel, jobs, confirm_timeout, move || status.blocked()));
        channels.push(sender);
    }
    Ok(Link { channels, turn: AtomicUsize::new(0), status: connection.status().clone() })
}

async fn connection_ends(connection: &BrokerConnection, events: impl futures_util::Stream<Item = Event>) {
    let mut events = std::pin::pin!(events);
    loop {
        match timeout(LOOK_INTERVAL, events.next()).await {
            Ok(Some(Event::ConnectionBlocked(reason))) => tracing::warn!(reason, "the broker has paused publishers"),
            Ok(Some(Event::ConnectionUnblocked)) => tracing::info!("the broker lets publishers go on"),
            Ok(Some(Event::Error(error))) => {
                tracing::debug!(%error, "the connection ended");
                return;
            }
            Ok(None) => return,
            Ok(Some(_)) | Err(_) => {}
        }
        if !connection.is_open() {
            return;
        }
    }
}
