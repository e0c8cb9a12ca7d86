//! Lanes side by side: each message is one lane's, no lane holds more than it asked for, and a wait that is broken off
//! loses nothing.

use std::time::Duration;

use harness::queues::{BrokerQueue, Room, SpoolQueue, TestQueue};
use runtime::queue::{Lane as _, QueueError, Session as _};
use shared::envelope::QUEUE;
use tokio::time::timeout;

use super::{PATIENCE, number, numbers, publish, session, stays_quiet, take, take_many};

on_both! {
    a_lane_holds_no_more_than_it_asked_for
    a_lane_may_hold_as_many_as_can_be_asked_for
    each_message_goes_to_one_of_several_lanes
    a_wait_that_is_broken_off_loses_nothing
    a_wait_that_is_broken_off_misses_nothing_that_comes_after
    a_wait_that_was_broken_off_is_nobodys_when_its_lane_ends
}

async fn a_lane_holds_no_more_than_it_asked_for<Q: TestQueue>(queue: Q) {
    publish(&queue, 1..=5).await;
    let session = session(&queue).await;
    let mut lane = session.lane(QUEUE, 2).await.unwrap();
    let first = take_many(&mut lane, 2).await;
    stays_quiet(&mut lane).await;
    assert!(lane.next_ready().is_none());
    lane.acknowledge_through(first[0].0).await.unwrap();
    let second = take_many(&mut lane, 1).await;
    stays_quiet(&mut lane).await;
    lane.acknowledge_through(second[0].0).await.unwrap();
    let third = take_many(&mut lane, 2).await;
    let all = [first, second, third].concat();
    assert_eq!(numbers(&all), [1, 2, 3, 4, 5]);
    queue.remove().await;
}

async fn a_lane_may_hold_as_many_as_can_be_asked_for<Q: TestQueue>(queue: Q) {
    // More than fit into one statement with a parameter for each, if that is how somebody counts them.
    const MANY: u128 = 2_000;
    let mut publishing = tokio::task::JoinSet::new();
    for from in (1..=MANY).step_by(100) {
        let publisher = queue.publisher().clone();
        publishing.spawn(async move {
            for number in from..from + 100 {
                runtime::queue::Publish::publish(&publisher, &super::envelope(number)).await.unwrap();
            }
        });
    }
    publishing.join_all().await;
    let session = session(&queue).await;
    let mut lane = session.lane(QUEUE, u16::MAX).await.unwrap();
    let taken = take_many(&mut lane, usize::try_from(MANY).unwrap()).await;
    assert_eq!(numbers(&taken), (1..=MANY).collect::<Vec<_>>());
    lane.acknowledge_through(taken[taken.len() - 2].0).await.unwrap();
    drop(lane);
    let mut lane = session.lane(QUEUE, u16::MAX).await.unwrap();
    assert_eq!(number(&take(&mut lane).await), taken[taken.len() - 1].1);
    stays_quiet(&mut lane).await;
    queue.remove().await;
}

async fn each_message_goes_to_one_of_several_lanes<Q: TestQueue>(queue: Q) {
    const COUNT: u128 = 120;
    let session = session(&queue).await;
    let (sender, mut received) = tokio::sync::mpsc::unbounded_channel();
    let mut consuming = tokio::task::JoinSet::new();
    for name in 0..3 {
        let mut lane = session.lane(QUEUE, 7).await.unwrap();
        let sender = sender.clone();
        consuming.spawn(async move {
            loop {
                let message = lane.next().await.unwrap();
                lane.acknowledge_through(message.tag).await.unwrap();
                sender.send((name, number(&message))).unwrap();
            }
        });
    }
    publish(&queue, 1..=COUNT).await;
    let mut all = Vec::new();
    while all.len() < usize::try_from(COUNT).unwrap() {
        all.push(timeout(PATIENCE, received.recv()).await.expect("all of them come").unwrap());
    }
    // One more would be the second copy of another.
    assert!(timeout(super::QUIET, received.recv()).await.is_err());
    let mut seen: Vec<_> = all.iter().map(|(_, number)| *number).collect();
    seen.sort_unstable();
    assert_eq!(seen, (1..=COUNT).collect::<Vec<_>>());
    consuming.shutdown().await;
    queue.remove().await;
}

async fn a_wait_that_is_broken_off_loses_nothing<Q: TestQueue>(queue: Q) {
    const COUNT: u128 = 60;
    let session = session(&queue).await;
    let mut lane = session.lane(QUEUE, 5).await.unwrap();
    let mut seen = Vec::new();
    let consume = async {
        let mut impatience = 0;
        while seen.len() < usize::try_from(COUNT).unwrap() {
            impatience = (impatience + 37) % 900;
            if let Ok(message) = timeout(Duration::from_micros(impatience), lane.next()).await {
                let message = message.unwrap();
                seen.push(number(&message));
                lane.acknowledge_through(message.tag).await.unwrap();
            }
        }
    };
    let (_, consumed) = tokio::join!(publish(&queue, 1..=COUNT), timeout(2 * PATIENCE, consume));
    assert!(consumed.is_ok(), "{} of {COUNT} came", seen.len());
    seen.sort_unstable();
    assert_eq!(seen, (1..=COUNT).collect::<Vec<_>>());
    stays_quiet(&mut lane).await;
    queue.remove().await;
}

async fn a_wait_that_is_broken_off_misses_nothing_that_comes_after<Q: TestQueue>(queue: Q) {
    let session = session(&queue).await;
    let mut lane = session.lane(QUEUE, 100).await.unwrap();
    for round in 1..=20 {
        // Asked, and broken off before the answer, which is "nothing".
        assert!(timeout(Duration::ZERO, lane.next()).await.is_err());
        session.depth(QUEUE).await.unwrap();
        publish(&queue, round..=round).await;
        session.depth(QUEUE).await.unwrap();
        assert_eq!(number(&take(&mut lane).await), round);
    }
    queue.remove().await;
}

async fn a_wait_that_was_broken_off_is_nobodys_when_its_lane_ends<Q: TestQueue>(queue: Q) {
    let session = session(&queue).await;
    for round in 1..=20 {
        let mut first = session.lane(QUEUE, 5).await.unwrap();
        let mut second = session.lane(QUEUE, 5).await.unwrap();
        assert!(timeout(Duration::ZERO, second.next()).await.is_err());
        assert!(timeout(Duration::ZERO, first.next()).await.is_err());
        publish(&queue, round..=round).await;
        drop(first);
        let message = take(&mut second).await;
        assert_eq!(number(&message), round);
        second.acknowledge_through(message.tag).await.unwrap();
    }
    queue.remove().await;
}

/// Who waits for a queue that ends is told, and does not wait for ever.
async fn who_waits_is_told<Q: TestQueue>(queue: Q, end: impl AsyncFnOnce(Q)) {
    let opened = session(&queue).await;
    let mut lane = opened.lane(QUEUE, 5).await.unwrap();
    let waiting = tokio::spawn(async move { lane.next().await.map(|message| message.tag) });
    tokio::task::yield_now().await;
    // A broker is ended for us by the end of the connection.
    opened.close().await;
    let told = timeout(PATIENCE, waiting).await.expect("who waits is told").unwrap();
    assert!(matches!(told, Err(QueueError::Closed(_) | QueueError::Cancelled { .. })), "{told:?}");
    end(queue).await;
}

mod who_waits_for_a_session_that_ends_is_told {
    use super::*;

    #[tokio::test]
    async fn broker() {
        who_waits_is_told(BrokerQueue::create(Room::Ample).await, async |queue| queue.remove().await).await;
    }

    #[tokio::test]
    async fn spool() {
        who_waits_is_told(SpoolQueue::create(Room::Ample).await, async |queue| queue.remove().await).await;
    }
}

#[tokio::test]
async fn who_waits_for_a_spool_that_ends_is_told() {
    for is_killed in [false, true] {
        let queue = SpoolQueue::create(Room::Ample).await;
        let session = session(&queue).await;
        let mut lane = session.lane(QUEUE, 5).await.unwrap();
        let waiting = tokio::spawn(async move { lane.next().await.map(|message| message.tag) });
        tokio::task::yield_now().await;
        let queue = if is_killed { queue.kill().await } else { queue.reopen().await };
        let told = timeout(PATIENCE, waiting).await.expect("who waits is told").unwrap();
        assert!(matches!(told, Err(QueueError::Closed(_))), "{told:?}");
        queue.remove().await;
    }
}
