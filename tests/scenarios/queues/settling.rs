//! What is acknowledged never comes again, and what is not does, to whoever is there.

use harness::queues::TestQueue;
use runtime::queue::{Lane as _, Session as _};
use shared::envelope::QUEUE;
use tokio::time::timeout;

use super::{PATIENCE, has_depth, number, numbers, publish, session, stays_quiet, take, take_many};

on_both! {
    what_a_lane_held_goes_to_another_that_waits
    what_a_lane_was_handed_and_never_took_goes_to_another
    what_is_held_is_nobody_elses
    what_is_acknowledged_never_comes_again
    an_acknowledgement_settles_that_message_and_the_earlier_ones
    an_acknowledgement_is_of_the_lanes_own
    what_a_session_held_is_handed_out_when_it_is_closed
    what_was_held_when_the_process_was_killed_comes_again
}

async fn what_a_lane_held_goes_to_another_that_waits<Q: TestQueue>(queue: Q) {
    let session = session(&queue).await;
    let mut first = session.lane(QUEUE, 10).await.unwrap();
    publish(&queue, 1..=3).await;
    assert_eq!(numbers(&take_many(&mut first, 3).await), [1, 2, 3]);
    let mut second = session.lane(QUEUE, 10).await.unwrap();
    let waiting = tokio::spawn(async move { take_many(&mut second, 3).await });
    tokio::task::yield_now().await;
    drop(first);
    assert_eq!(numbers(&timeout(PATIENCE, waiting).await.unwrap().unwrap()), [1, 2, 3]);
    queue.remove().await;
}

async fn what_a_lane_was_handed_and_never_took_goes_to_another<Q: TestQueue>(queue: Q) {
    let session = session(&queue).await;
    publish(&queue, 1..=5).await;
    let mut first = session.lane(QUEUE, 10).await.unwrap();
    // One is taken; the others are on their way, or here already.
    take(&mut first).await;
    let mut second = session.lane(QUEUE, 10).await.unwrap();
    let waiting = tokio::spawn(async move { take_many(&mut second, 5).await });
    tokio::task::yield_now().await;
    drop(first);
    assert_eq!(numbers(&timeout(PATIENCE, waiting).await.unwrap().unwrap()), [1, 2, 3, 4, 5]);
    queue.remove().await;
}

async fn what_is_held_is_nobody_elses<Q: TestQueue>(queue: Q) {
    let session = session(&queue).await;
    publish(&queue, 1..=2).await;
    let mut first = session.lane(QUEUE, 10).await.unwrap();
    take_many(&mut first, 2).await;
    let mut second = session.lane(QUEUE, 10).await.unwrap();
    stays_quiet(&mut second).await;
    // Not even after something else came.
    publish(&queue, 3..=3).await;
    let (third, mut lanes) = tokio::select! {
        message = take(&mut second) => (message, [&mut first, &mut second]),
        message = take(&mut first) => (message, [&mut second, &mut first]),
    };
    assert_eq!(number(&third), 3);
    for lane in &mut lanes {
        stays_quiet(*lane).await;
    }
    queue.remove().await;
}

async fn what_is_acknowledged_never_comes_again<Q: TestQueue>(queue: Q) {
    publish(&queue, 1..=4).await;
    let opened = session(&queue).await;
    let mut lane = opened.lane(QUEUE, 10).await.unwrap();
    let taken = take_many(&mut lane, 4).await;
    lane.acknowledge_through(taken[3].0).await.unwrap();
    // Nor does one that comes in the same lane after.
    publish(&queue, 5..=5).await;
    let fifth = take(&mut lane).await;
    lane.acknowledge_through(fifth.tag).await.unwrap();
    drop(lane);
    has_depth(&opened, QUEUE, 0).await;
    let mut lane = opened.lane(QUEUE, 10).await.unwrap();
    stays_quiet(&mut lane).await;
    drop(lane);
    opened.close().await;
    let queue = queue.reopen().await;
    let reopened = session(&queue).await;
    let mut lane = reopened.lane(QUEUE, 10).await.unwrap();
    publish(&queue, 6..=6).await;
    assert_eq!(number(&take(&mut lane).await), 6);
    stays_quiet(&mut lane).await;
    queue.remove().await;
}

async fn an_acknowledgement_settles_that_message_and_the_earlier_ones<Q: TestQueue>(queue: Q) {
    publish(&queue, 1..=6).await;
    let session = session(&queue).await;
    let mut lane = session.lane(QUEUE, 10).await.unwrap();
    let taken = take_many(&mut lane, 6).await;
    lane.acknowledge_through(taken[1].0).await.unwrap();
    lane.acknowledge_through(taken[3].0).await.unwrap();
    drop(lane);
    let mut lane = session.lane(QUEUE, 10).await.unwrap();
    assert_eq!(numbers(&take_many(&mut lane, 2).await), numbers(&taken[4..]));
    stays_quiet(&mut lane).await;
    queue.remove().await;
}

async fn an_acknowledgement_is_of_the_lanes_own<Q: TestQueue>(queue: Q) {
    publish(&queue, 1..=6).await;
    let session = session(&queue).await;
    let mut first = session.lane(QUEUE, 3).await.unwrap();
    let theirs = take_many(&mut first, 3).await;
    let mut second = session.lane(QUEUE, 3).await.unwrap();
    let ours = take_many(&mut second, 3).await;
    second.acknowledge_through(ours[2].0).await.unwrap();
    // What was on its way when the broker said that it is settled is settled.
    has_depth(&session, QUEUE, 0).await;
    drop(first);
    drop(second);
    let mut lane = session.lane(QUEUE, 10).await.unwrap();
    assert_eq!(numbers(&take_many(&mut lane, 3).await), numbers(&theirs));
    stays_quiet(&mut lane).await;
    queue.remove().await;
}

async fn what_a_session_held_is_handed_out_when_it_is_closed<Q: TestQueue>(queue: Q) {
    publish(&queue, 1..=3).await;
    let first = session(&queue).await;
    let mut held = first.lane(QUEUE, 10).await.unwrap();
    let taken = take_many(&mut held, 3).await;
    let second = session(&queue).await;
    let mut lane = second.lane(QUEUE, 10).await.unwrap();
    let waiting = tokio::spawn(async move {
        let taken = take_many(&mut lane, 3).await;
        lane.acknowledge_through(taken[2].0).await.unwrap();
        (lane, numbers(&taken))
    });
    tokio::task::yield_now().await;
    first.close().await;
    let (mut lane, taken_again) = timeout(PATIENCE, waiting).await.unwrap().unwrap();
    assert_eq!(taken_again, numbers(&taken));
    // The lane has ended with its session, and settles nothing any more.
    let told = timeout(PATIENCE, held.next()).await.expect("it is told");
    assert!(told.is_err(), "{told:?}");
    held.acknowledge_through(taken[2].0).await.unwrap_err();
    drop(held);
    publish(&queue, 4..=4).await;
    assert_eq!(number(&take(&mut lane).await), 4);
    stays_quiet(&mut lane).await;
    queue.remove().await;
}

async fn what_was_held_when_the_process_was_killed_comes_again<Q: TestQueue>(queue: Q) {
    publish(&queue, 1..=4).await;
    let killed = session(&queue).await;
    let mut lane = killed.lane(QUEUE, 10).await.unwrap();
    let taken = take_many(&mut lane, 4).await;
    lane.acknowledge_through(taken[0].0).await.unwrap();
    let queue = queue.kill().await;
    drop((lane, killed));
    let session = session(&queue).await;
    let mut lane = session.lane(QUEUE, 10).await.unwrap();
    assert_eq!(numbers(&take_many(&mut lane, 3).await), numbers(&taken[1..]));
    stays_quiet(&mut lane).await;
    queue.remove().await;
}
