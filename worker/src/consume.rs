//! The loop from the queue to the database: gather, apply, settle. It is the only place that settles a delivery.
//!
//! Lanes work side by side, each a channel that gathers a batch, applies it, and then acknowledges all of it at once.
//! What can't be applied *now* stays in hand, and with it the lane, until it can; what can't be applied *ever* is
//! found by halving, and becomes a dead letter that costs its neighbours nothing.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::Utc;
use providers::decode;
use runtime::queue::{Lane, Message, Queue, QueueError, Session};
use runtime::retry::Retry;
use shared::envelope::{DEAD_QUEUE, Envelope, QUEUE};
use store::{DriverError, StoreError};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::apply::{Applied, ApplyContext, Arrival, apply};
use crate::context::Context;
use crate::dead_letter;
use crate::settings::Limits;

const RECONNECT_FIRST: Duration = Duration::from_millis(200);
const RECONNECT_MAX: Duration = Duration::from_secs(10);
const REAPPLY_FIRST: Duration = Duration::from_millis(100);
const REAPPLY_MAX: Duration = Duration::from_secs(5);
/// How often the depth of the queues is looked at.
const DEPTH_EVERY: Duration = Duration::from_secs(5);
/// On a connection that is breaking an answer may never come, and the loop must see that it broke.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Dead letters are few; a small prefetch leaves them to other workers, too.
const DEAD_PREFETCH: u16 = 20;

/// Consumes until told to stop. The queue may go away and come back; only a topology that differs ends it.
pub async fn run(context: Arc<Context>, queue: impl Queue, stop: CancellationToken) -> anyhow::Result<()> {
    let mut retry = Retry::forever(RECONNECT_FIRST, RECONNECT_MAX);
    while !stop.is_cancelled() {
        let connected = tokio::select! {
            () = stop.cancelled() => break,
            connected = queue.connect() => connected,
        };
        let ended = match connected {
            Ok(connection) => {
                retry.reset();
                consume(&context, connection, &stop).await?
            }
            Err(error) => Err(error),
        };
        context.health.set_queue(false);
        match ended {
            Ok(()) => break,
            Err(error) if error.is_fatal() => return Err(error).context("consuming from the queue"),
            Err(error) => {
                let delay = retry.next_delay();
                tracing::warn!(error = &error as &dyn std::error::Error, ?delay, "not consuming; connecting again");
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = sleep(delay) => {}
                }
            }
        }
    }
    Ok(())
}

/// Runs the lanes of one connection until told to stop, or one of them can't go on. The outer error is a panic.
async fn consume(
    context: &Arc<Context>,
    connection: impl Session,
    stop: &CancellationToken,
) -> anyhow::Result<Result<(), QueueError>> {
    let session = stop.child_token();
    let mut lanes = JoinSet::new();
    let opened = timeout(ANSWER_TIMEOUT, open_lanes(context, &connection, &session, &mut lanes)).await;
    let no_answer = |_| Err(QueueError::NoAnswer { address: connection.address().to_owned(), after: ANSWER_TIMEOUT });
    if let Err(error) = opened.unwrap_or_else(no_answer) {
        return Ok(Err(error));
    }
    context.health.set_queue(true);
    tracing::info!(queue = connection.address(), lanes = context.limits.lanes, "consuming");
    let mut depth = tokio::time::interval(DEPTH_EVERY);
    let mut ended = Ok(());
    loop {
        tokio::select! {
            lane = lanes.join_next() => match lane {
                None => break,
                Some(result) => {
                    // One lane that ended ends the session: its messages wait for the connection to be made anew.
                    session.cancel();
                    let result = result.context("a lane broke down")?;
                    if ended.is_ok() { ended = result; }
                }
            },
            _ = depth.tick(), if !session.is_cancelled() => observe_depth(context, &connection).await,
        }
    }
    connection.close().await;
    Ok(ended)
}

async fn open_lanes(
    context: &Arc<Context>,
    connection: &impl Session,
    session: &CancellationToken,
    lanes: &mut JoinSet<Result<(), QueueError>>,
) -> Result<(), QueueError> {
    for _ in 0..context.limits.lanes {
        let lane = connection.lane(QUEUE, context.limits.prefetch()).await?;
        lanes.spawn(run_lane(Arc::clone(context), lane, session.clone()));
    }
    let lane = connection.lane(DEAD_QUEUE, DEAD_PREFETCH).await?;
    lanes.spawn(run_lane(Arc::clone(context), lane, session.clone()));
    Ok(())
}

async fn observe_depth(context: &Context, connection: &impl Session) {
    for queue in [QUEUE, DEAD_QUEUE] {
        match timeout(ANSWER_TIMEOUT, connection.depth(queue)).await {
            Ok(Ok(messages)) => context.metrics.queue_depth(queue, messages),
            Ok(Err(error)) => tracing::debug!(queue, error = &error as &dyn std::error::Error, "can't see the queue"),
            Err(_elapsed) => return tracing::debug!(queue, "the broker does not say how deep the queue is"),
        }
    }
}

async fn run_lane(context: Arc<Context>, mut lane: impl Lane, session: CancellationToken) -> Result<(), QueueError> {
    loop {
        let first = tokio::select! {
            biased;
            () = session.cancelled() => return Ok(()),
            first = lane.next() => first?,
        };
        let messages = gather(&context.limits, &mut lane, first).await?;
        let Some(last) = messages.last().map(|message| message.tag) else { continue };
        let batch: Vec<Arrival> = messages.into_iter().map(read).collect();
        let _in_hand = context.metrics.in_hand(batch.iter().filter_map(Arrival::received_at).min());
        match apply_all(&context, batch, &session).await {
            Ok(()) => lane.acknowledge_through(last).await?,
            // Unsettled, so the broker hands them out again.
            Err(Abandoned) => return Ok(()),
        }
    }
}

/// The first message, and what comes within a few ms, up to a full batch.
async fn gather(limits: &Limits, lane: &mut impl Lane, first: Message) -> Result<Vec<Message>, QueueError> {
    let until = Instant::now() + limits.batch_linger;
    let mut messages = vec![first];
    while messages.len() < limits.batch_max {
        match lane.next_ready() {
            Some(message) => messages.push(message?),
            None => match timeout_at(until, lane.next()).await {
                Ok(message) => messages.push(message?),
                Err(_elapsed) => break,
            },
        }
    }
    Ok(messages)
}

fn read(message: Message) -> Arrival {
    match (message.content, message.dead) {
        (Err(foreign), _) => Arrival::Dead(dead_letter::foreign(foreign)),
        (Ok(envelope), Some(note)) => {
            let detail = format!("the queue gave up: {} after {} deaths", note.reason, note.count);
            Arrival::Dead(dead_letter::given_up(&envelope, detail))
        }
        (Ok(envelope), None) => read_envelope(envelope),
    }
}

fn read_envelope(envelope: Envelope) -> Arrival {
    match decode(&envelope) {
        Ok(event) => {
            if let Some(claimed) = event.disbelieved_at {
                tracing::warn!(
                    event.id = %envelope.id, source = envelope.source, %claimed,
                    "the provider's time lies in the future; the event counts as untimed"
                );
            }
            Arrival::Event { envelope, event }
        }
        Err(why) => {
            tracing::warn!(event.id = %envelope.id, source = envelope.source, %why, "dead letter");
            Arrival::Dead(dead_letter::malformed(&envelope, &why))
        }
    }
}

/// The session ended before the database took the batch.
struct Abandoned;

/// Applies all of the batch; what the database refuses is halved until the one event is alone.
async fn apply_all(context: &Context, batch: Vec<Arrival>, session: &CancellationToken) -> Result<(), Abandoned> {
    let mut parts = vec![batch];
    while let Some(mut part) = parts.pop() {
        match apply_when_possible(context, &part, session).await? {
            Ok(applied) => record(context, part.len(), &applied),
            Err(error) if part.len() == 1 => parts.extend(part.pop().map(|arrival| vec![refused(arrival, &error)])),
            Err(_) => {
                let rest = part.split_off(part.len() / 2);
                parts.push(rest);
                parts.push(part);
            }
        }
    }
    Ok(())
}

fn refused(arrival: Arrival, error: &DriverError) -> Arrival {
    match arrival {
        Arrival::Event { envelope, .. } => {
            tracing::warn!(event.id = %envelope.id, source = envelope.source, %error, "dead letter");
            Arrival::Dead(dead_letter::rejected(&envelope, error))
        }
        dead @ Arrival::Dead(_) => dead,
    }
}

/// Tries until the database takes the batch or refuses it for good.
async fn apply_when_possible(
    context: &Context,
    batch: &[Arrival],
    session: &CancellationToken,
) -> Result<Result<Applied, DriverError>, Abandoned> {
    let mut retry = Retry::forever(REAPPLY_FIRST, REAPPLY_MAX);
    let Context { store, routing, channels, askable, waiting, .. } = context;
    let apply_context = ApplyContext { routing, channels, askable, waiting };
    loop {
        match apply(&**store, batch, apply_context).await {
            Ok(applied) => {
                context.health.set_store(true);
                return Ok(Ok(applied));
            }
            Err(StoreError::Rejected(error)) if !is_last_resort(batch) => return Ok(Err(error)),
            Err(error) => {
                context.health.set_store(false);
                let delay = retry.next_delay();
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    ?delay,
                    events = batch.len(),
                    "the batch stays in hand; trying again"
                );
                tokio::select! {
                    () = session.cancelled() => return Err(Abandoned),
                    () = sleep(delay) => {}
                }
            }
        }
    }
}

/// A lone dead letter has nowhere further to go: it is tried until it is kept.
fn is_last_resort(batch: &[Arrival]) -> bool {
    matches!(batch, [Arrival::Dead(_)])
}

fn record(context: &Context, arrivals: usize, applied: &Applied) {
    let now = Utc::now();
    context.metrics.batch(arrivals, applied, now);
    if !applied.promised.is_empty() || applied.released > 0 {
        context.actions_added.notify_waiters();
    }
    if applied.wanted > 0 {
        context.lookups_added.notify_waiters();
    }
    tracing::debug!(
        events = arrivals,
        fresh = applied.fresh.len(),
        duplicates = applied.duplicates,
        actions = applied.promised.len(),
        dead = applied.buried.len(),
        "batch applied"
    );
}
