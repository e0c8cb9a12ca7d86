//! What the queue promises, whichever side of the seam keeps it: each promise is written once and kept by RabbitMQ and by
//! the spool.

use std::collections::BTreeMap;
use std::time::Duration;

use harness::eventually;
use harness::eventually::holds;
use harness::queues::{BrokerQueue, Room, SpoolQueue, TestQueue};
use runtime::queue::{Lane, Message, Publish as _, Queue as _, Session};
use shared::envelope::{Envelope, Mode, Origin};
use shared::origin::Provider;
use tokio::time::timeout;
use uuid::Uuid;

/// Makes of each promise a test on RabbitMQ and one on a spool.
macro_rules! on_both {
    ($($promise:ident)*) => { $(
        mod $promise {
            use super::super::{BrokerQueue, Room, SpoolQueue, TestQueue as _};

            #[tokio::test]
            async fn broker() {
                Box::pin(super::$promise(BrokerQueue::create(Room::Ample).await)).await;
            }

            #[tokio::test]
            async fn spool() {
                Box::pin(super::$promise(SpoolQueue::create(Room::Ample).await)).await;
            }
        }
    )* };
}

mod bounds;
mod dead;
mod lanes;
mod passage;
mod settling;

/// Longer than a right queue needs to do what it should not; to wait for it makes a test sharp, and never fails a right
/// queue.
const QUIET: Duration = Duration::from_millis(300);
/// Longer than a right queue needs to do what it should.
const PATIENCE: Duration = Duration::from_secs(30);

fn envelope(number: u128) -> Envelope {
    Envelope {
        id: Uuid::from_u128(number),
        source: "yoni".to_owned(),
        provider: Provider::Yoni,
        mode: Mode::Live,
        origin: Origin::Webhook,
        received_at: "2026-05-31T10:00:00Z".parse().unwrap(),
        content_type: None,
        traceparent: None,
        headers: BTreeMap::new(),
        body: format!("body {number}").into_bytes(),
    }
}

async fn publish<Q: TestQueue>(queue: &Q, numbers: std::ops::RangeInclusive<u128>) {
    for number in numbers {
        queue.publisher().publish(&envelope(number)).await.unwrap();
    }
}

async fn session<Q: TestQueue>(queue: &Q) -> <Q::Queue as runtime::queue::Queue>::Session {
    queue.queue().connect().await.unwrap()
}

async fn take(lane: &mut impl Lane) -> Message {
    timeout(PATIENCE, lane.next()).await.expect("a message comes").unwrap()
}

/// The number of a message's envelope.
fn number(message: &Message) -> u128 {
    message.content.as_ref().unwrap().id.as_u128()
}

/// So many messages: their tags and numbers.
async fn take_many(lane: &mut impl Lane, count: usize) -> Vec<(u64, u128)> {
    let mut taken = Vec::new();
    while taken.len() < count {
        let message = take(lane).await;
        taken.push((message.tag, number(&message)));
    }
    assert!(taken.is_sorted_by(|left, right| left.0 < right.0), "tags rise: {taken:?}");
    taken
}

fn numbers(taken: &[(u64, u128)]) -> Vec<u128> {
    let mut numbers: Vec<_> = taken.iter().map(|(_, number)| *number).collect();
    numbers.sort_unstable();
    numbers
}

/// Nothing comes to this lane.
async fn stays_quiet(lane: &mut impl Lane) {
    let came = timeout(QUIET, lane.next()).await;
    assert!(came.is_err(), "something came: {came:?}");
}

async fn has_depth(session: &impl Session, queue: &str, expected: u64) {
    eventually(&format!("{queue} holds {expected}"), async || {
        let depth = session.depth(queue).await.map_err(|error| error.to_string())?;
        holds(depth == expected, || format!("it holds {depth}"))
    })
    .await;
}
