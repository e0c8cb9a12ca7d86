//! One channel in confirm mode, owned by one task: publishes jobs as they come and answers each when the broker has.
//!
//! Why a task owns the channel: lapin numbers a publish and queues its frames in two steps, so two tasks that publish on
//! one channel can swap, and each would then get the other's confirm. And lapin hands a returned message to whichever
//! confirm completes next, not to its own, so a return has to be matched by message id before anyone is told "durable".

use std::collections::HashMap;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use lapin::message::BasicReturnMessage;
use lapin::options::BasicPublishOptions;
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation};
use shared::envelope::EXCHANGE;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::queue::NotPublished;

/// Unconfirmed messages on one channel. More only adds latency: RabbitMQ's throughput is flat from here.
const MAX_IN_FLIGHT: usize = 256;
/// Without a single confirm for this many confirm timeouts, the connection is suspect.
const STALLED_AFTER_TIMEOUTS: u32 = 2;

/// One message to publish.
#[derive(Debug)]
pub(super) struct Job {
    pub id: Uuid,
    pub routing_key: ShortString,
    pub properties: BasicProperties,
    pub body: Vec<u8>,
    pub answer: oneshot::Sender<Result<(), NotPublished>>,
}

/// Why the channel is of no further use.
#[derive(Debug, Error)]
pub(super) enum End {
    #[error("nobody publishes any more")]
    Finished,
    #[error("the broker is connected and confirms nothing")]
    Stalled,
    /// Connecting again declares the topology again.
    #[error("the broker returned a message: a queue or a binding is missing")]
    Unroutable,
    #[error("the channel is closed")]
    Closed(#[source] lapin::Error),
}

struct Outcome {
    id: Uuid,
    answer: oneshot::Sender<Result<(), NotPublished>>,
    confirmation: lapin::Result<Confirmation>,
}

/// Publishes until the jobs or the channel end. `blocked` tells whether the broker asked publishers to pause.
pub(super) async fn run(
    channel: Channel,
    mut jobs: mpsc::Receiver<Job>,
    confirm_timeout: Duration,
    blocked: impl Fn() -> bool,
) -> End {
    let patience = confirm_timeout * STALLED_AFTER_TIMEOUTS;
    let mut in_flight = FuturesUnordered::new();
    let mut returned = HashMap::new();
    let mut progress_at = Instant::now();
    loop {
        tokio::select! {
            job = jobs.recv(), if in_flight.len() < MAX_IN_FLIGHT => {
                let Some(job) = job else { return End::Finished };
                if in_flight.is_empty() {
                    progress_at = Instant::now();
                }
                // Who stopped waiting has spooled the bytes already.
                if !job.answer.is_closed() {
                    in_flight.push(publish(&channel, job));
                }
            }
            Some(first) = in_flight.next() => {
                progress_at = Instant::now();
                let batch = gather(&channel, first, &mut in_flight);
                if let Some(end) = settle(batch, &mut returned) {
                    return end;
                }
            }
            () = sleep_until(progress_at + patience), if !in_flight.is_empty() => {
                if !blocked() {
                    return End::Stalled;
                }
                progress_at = Instant::now();
            }
        }
    }
}

async fn publish(channel: &Channel, job: Job) -> Outcome {
    let Job { id, routing_key, properties, body, answer } = job;
    let mandatory = BasicPublishOptions { mandatory: true, immediate: false };
    let confirmation = match channel.basic_publish(EXCHANGE.into(), routing_key, mandatory, &body, properties).await {
        Ok(confirm) => confirm.await,
        Err(error) => Err(error),
    };
    Outcome { id, answer, confirmation }
}

/// All that is decided by now. lapin completes the confirms of one acknowledgement in any order and under a lock, so
/// after waiting for that lock, the one that carries a returned message can't be missing any more while the message's
/// own confirm is here.
fn gather(channel: &Channel, first: Outcome, in_flight: &mut (impl Stream<Item = Outcome> + Unpin)) -> Vec<Outcome> {
    let mut batch = vec![first];
    take_ready(in_flight, &mut batch);
    drop(channel.wait_for_confirms().now_or_never());
    take_ready(in_flight, &mut batch);
    batch
}

fn take_ready(in_flight: &mut (impl Stream<Item = Outcome> + Unpin), batch: &mut Vec<Outcome>) {
    while let Some(Some(outcome)) = in_flight.next().now_or_never() {
        batch.push(outcome);
    }
}

/// Answers everyone in the batch. `returned` keeps what came back ahead of its own confirm.
fn settle(batch: Vec<Outcome>, returned: &mut HashMap<Uuid, String>) -> Option<End> {
    let mut end = None;
    for outcome in &batch {
        if let Ok(Confirmation::Ack(Some(message)) | Confirmation::Nack(Some(message))) = &outcome.confirmation {
            // One that does not name itself can only be the one that carries it.
            returned.insert(id_of(message).unwrap_or(outcome.id), message.reply_text.to_string());
            end = Some(End::Unroutable);
        }
    }
    for Outcome { id, answer, confirmation } in batch {
        let result = match (returned.remove(&id), confirmation) {
            (Some(reason), _) => Err(NotPublished::Returned(reason)),
            (None, Ok(Confirmation::Ack(_))) => Ok(()),
            (None, Ok(Confirmation::Nack(_) | Confirmation::NotRequested)) => Err(NotPublished::Nacked),
            (None, Err(error)) => {
                end = Some(End::Closed(error));
                Err(NotPublished::Disconnected)
            }
        };
        // Who asked may have stopped waiting: a copy in the spool and one here is harmless.
        drop(answer.send(result));
    }
    end
}

fn id_of(message: &BasicReturnMessage) -> Option<Uuid> {
    let id = message.delivery.properties.message_id().as_ref()?;
    Uuid::try_parse(id.as_str()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Answer = oneshot::Receiver<Result<(), NotPublished>>;

    fn outcome(id: u128, confirmation: lapin::Result<Confirmation>) -> (Outcome, Answer) {
        let (answer, answered) = oneshot::channel();
        (Outcome { id: Uuid::from_u128(id), answer, confirmation }, answered)
    }

    #[test]
    fn an_acknowledgement_is_a_promise_and_a_nack_is_not() {
        let (acked, mut ack) = outcome(1, Ok(Confirmation::Ack(None)));
        let (nacked, mut nack) = outcome(2, Ok(Confirmation::Nack(None)));
        let (unasked, mut none) = outcome(3, Ok(Confirmation::NotRequested));
        assert!(settle(vec![acked, nacked, unasked], &mut HashMap::new()).is_none());
        assert_eq!(ack.try_recv().unwrap(), Ok(()));
        assert_eq!(nack.try_recv().unwrap(), Err(NotPublished::Nacked));
        assert_eq!(none.try_recv().unwrap(), Err(NotPublished::Nacked));
    }

    #[test]
    fn what_came_back_is_not_published_whoever_carried_it() {
        let mut returned = HashMap::from([(Uuid::from_u128(2), "NO_ROUTE".to_owned())]);
        let (first, mut first_answer) = outcome(1, Ok(Confirmation::Ack(None)));
        let (second, mut second_answer) = outcome(2, Ok(Confirmation::Ack(None)));
        settle(vec![first, second], &mut returned);
        assert_eq!(first_answer.try_recv().unwrap(), Ok(()));
        assert_eq!(second_answer.try_recv().unwrap(), Err(NotPublished::Returned("NO_ROUTE".to_owned())));
        assert!(returned.is_empty());
    }
}
