//! What nobody can apply: a message that is handed out in vain too often, and one that is none of ours.

use harness::queues::{Room, SpoolQueue, TestQueue};
use runtime::queue::{DeathNote, Lane as _, Session as _};
use shared::envelope::{DEAD_QUEUE, DELIVERY_LIMIT, QUEUE};

use super::{envelope, has_depth, number, numbers, publish, session, stays_quiet, take, take_many};

on_both! {
    what_is_handed_out_in_vain_too_often_is_given_up
    what_is_given_up_waits_until_it_is_acknowledged
    what_is_acknowledged_in_the_end_is_not_given_up
    what_is_no_envelope_is_handed_out_as_that
}

fn given_up() -> DeathNote {
    DeathNote { reason: "delivery_limit".to_owned(), count: 1 }
}

async fn give_up<Q: TestQueue>(queue: &Q) {
    for _ in 0..=DELIVERY_LIMIT {
        queue.hand_out_in_vain().await;
    }
}

async fn what_is_handed_out_in_vain_too_often_is_given_up<Q: TestQueue>(queue: Q) {
    let session = session(&queue).await;
    publish(&queue, 1..=1).await;
    for _ in 0..DELIVERY_LIMIT {
        queue.hand_out_in_vain().await;
    }
    has_depth(&session, QUEUE, 1).await;
    has_depth(&session, DEAD_QUEUE, 0).await;
    publish(&queue, 2..=3).await;
    queue.hand_out_in_vain().await;
    has_depth(&session, DEAD_QUEUE, 1).await;
    has_depth(&session, QUEUE, 2).await;
    let mut lane = session.lane(QUEUE, 10).await.unwrap();
    assert_eq!(numbers(&take_many(&mut lane, 2).await), [2, 3], "its neighbours are fine");
    stays_quiet(&mut lane).await;
    let mut dead = session.lane(DEAD_QUEUE, 10).await.unwrap();
    let message = take(&mut dead).await;
    assert_eq!(message.dead, Some(given_up()));
    assert_eq!(message.content.unwrap(), envelope(1), "all of it is there");
    stays_quiet(&mut dead).await;
    has_depth(&session, DEAD_QUEUE, 0).await;
    queue.remove().await;
}

async fn what_is_given_up_waits_until_it_is_acknowledged<Q: TestQueue>(queue: Q) {
    publish(&queue, 1..=1).await;
    give_up(&queue).await;
    let opened = session(&queue).await;
    has_depth(&opened, DEAD_QUEUE, 1).await;
    // Nothing stands behind this queue, so nothing leaves it.
    for _ in 0..DELIVERY_LIMIT + 3 {
        let mut dead = opened.lane(DEAD_QUEUE, 10).await.unwrap();
        let message = take(&mut dead).await;
        assert_eq!((number(&message), message.dead), (1, Some(given_up())));
    }
    opened.close().await;
    let queue = queue.reopen().await;
    let session = session(&queue).await;
    let mut lane = session.lane(QUEUE, 10).await.unwrap();
    let mut dead = session.lane(DEAD_QUEUE, 10).await.unwrap();
    let message = take(&mut dead).await;
    assert_eq!((number(&message), message.dead), (1, Some(given_up())));
    dead.acknowledge_through(message.tag).await.unwrap();
    drop(dead);
    has_depth(&session, DEAD_QUEUE, 0).await;
    let mut dead = session.lane(DEAD_QUEUE, 10).await.unwrap();
    stays_quiet(&mut dead).await;
    stays_quiet(&mut lane).await;
    queue.remove().await;
}

async fn what_is_acknowledged_in_the_end_is_not_given_up<Q: TestQueue>(queue: Q) {
    publish(&queue, 1..=1).await;
    for _ in 0..DELIVERY_LIMIT {
        queue.hand_out_in_vain().await;
    }
    let session = session(&queue).await;
    let mut lane = session.lane(QUEUE, 10).await.unwrap();
    let last = take(&mut lane).await;
    assert_eq!((number(&last), last.dead), (1, None));
    // While it is in hand, it is not dead.
    has_depth(&session, DEAD_QUEUE, 0).await;
    has_depth(&session, QUEUE, 0).await;
    let mut dead = session.lane(DEAD_QUEUE, 10).await.unwrap();
    stays_quiet(&mut dead).await;
    lane.acknowledge_through(last.tag).await.unwrap();
    drop(lane);
    stays_quiet(&mut dead).await;
    has_depth(&session, QUEUE, 0).await;
    queue.remove().await;
}

async fn what_is_no_envelope_is_handed_out_as_that<Q: TestQueue>(queue: Q) {
    publish(&queue, 1..=1).await;
    let queue = queue.put_foreign("not ours \u{1f4f6}").await;
    publish(&queue, 2..=2).await;
    let session = session(&queue).await;
    has_depth(&session, QUEUE, 3).await;
    let mut lane = session.lane(QUEUE, 10).await.unwrap();
    let mut ours = Vec::new();
    let mut last = 0;
    for _ in 0..3 {
        let message = take(&mut lane).await;
        last = message.tag;
        match message.content {
            Ok(envelope) => ours.push(envelope.id.as_u128()),
            Err(foreign) => {
                assert_eq!(foreign.body, "not ours \u{1f4f6}".as_bytes());
                assert!(!foreign.detail.is_empty() && !foreign.headers.is_null(), "{foreign:?}");
                assert_eq!((foreign.source, foreign.provider, foreign.message_id), (None, None, None));
                assert_eq!(message.dead, None);
            }
        }
    }
    ours.sort_unstable();
    assert_eq!(ours, [1, 2]);
    lane.acknowledge_through(last).await.unwrap();
    drop(lane);
    has_depth(&session, QUEUE, 0).await;
    queue.remove().await;
}

/// Where a message kills the process, nothing is closed, and it is counted all the same.
#[tokio::test]
async fn a_spool_counts_what_was_in_hand_when_it_was_killed() {
    let mut queue = SpoolQueue::create(Room::Ample).await;
    publish(&queue, 1..=1).await;
    for _ in 0..=DELIVERY_LIMIT {
        let session = session(&queue).await;
        let mut lane = session.lane(QUEUE, 10).await.unwrap();
        let message = take(&mut lane).await;
        assert_eq!((number(&message), message.dead), (1, None));
        queue = queue.kill().await;
    }
    publish(&queue, 2..=2).await;
    let session = session(&queue).await;
    let mut lane = session.lane(QUEUE, 10).await.unwrap();
    assert_eq!(number(&take(&mut lane).await), 2);
    stays_quiet(&mut lane).await;
    let mut dead = session.lane(DEAD_QUEUE, 10).await.unwrap();
    let message = take(&mut dead).await;
    assert_eq!((number(&message), message.dead), (1, Some(given_up())));
    queue.remove().await;
}
