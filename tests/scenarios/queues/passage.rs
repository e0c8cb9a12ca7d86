//! What goes in comes out as it was, whenever it is taken, and whatever happened in between.

use std::collections::BTreeMap;

use harness::queues::TestQueue;
use runtime::queue::{Publish as _, Session as _};
use shared::envelope::{DEAD_QUEUE, Envelope, Mode, Origin, QUEUE};
use shared::origin::Provider;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{envelope, has_depth, number, numbers, publish, session, stays_quiet, take, take_many};

on_both! {
    an_envelope_comes_out_as_it_went_in
    an_envelope_with_nothing_in_it_comes_out_as_it_went_in
    what_comes_is_handed_to_who_waits
    what_many_publish_at_once_comes_out_once
    what_waits_is_counted
    what_was_published_is_there_after_a_restart
    what_was_published_is_there_after_a_kill
    a_queue_that_is_closed_takes_nothing_more
}

async fn passes<Q: TestQueue>(queue: Q, sent: Envelope) {
    queue.publisher().publish(&sent).await.unwrap();
    let session = session(&queue).await;
    let mut lane = session.lane(QUEUE, 10).await.unwrap();
    let message = take(&mut lane).await;
    assert_eq!(message.content.unwrap(), sent);
    assert_eq!(message.dead, None);
    queue.remove().await;
}

async fn an_envelope_comes_out_as_it_went_in<Q: TestQueue>(queue: Q) {
    let sent = Envelope {
        id: Uuid::now_v7(),
        source: "eSIM-access \u{1f4f6}".to_owned(),
        provider: Provider::EsimAccess,
        mode: Mode::Test,
        origin: Origin::Replay,
        received_at: "2026-05-31T10:00:00.000001Z".parse().unwrap(),
        content_type: Some("application/json; charset=\"utf-8\"".to_owned()),
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
        headers: BTreeMap::from([
            ("x-empty".to_owned(), String::new()),
            ("x-long".to_owned(), "ü\"'\\\u{1f4f6}".repeat(500)),
            // What we call something of our own by.
            ("source".to_owned(), "a header".to_owned()),
            ("http-x".to_owned(), "another".to_owned()),
        ]),
        body: (0..256 * 1024_u32).map(|number| u8::try_from(number % 256).unwrap()).collect(),
    };
    passes(queue, sent).await;
}

async fn an_envelope_with_nothing_in_it_comes_out_as_it_went_in<Q: TestQueue>(queue: Q) {
    let sent = Envelope { origin: Origin::Fetch, body: Vec::new(), ..envelope(1) };
    passes(queue, sent).await;
}

async fn what_comes_is_handed_to_who_waits<Q: TestQueue>(queue: Q) {
    let session = session(&queue).await;
    let mut lane = session.lane(QUEUE, 10).await.unwrap();
    assert!(lane_is_empty(&mut lane));
    for round in 1..=3 {
        let publishing = async { publish(&queue, round..=round).await };
        let (message, ()) = tokio::join!(take(&mut lane), publishing);
        assert_eq!(number(&message), round);
    }
    stays_quiet(&mut lane).await;
    queue.remove().await;
}

fn lane_is_empty(lane: &mut impl runtime::queue::Lane) -> bool {
    lane.next_ready().is_none()
}

async fn what_many_publish_at_once_comes_out_once<Q: TestQueue>(queue: Q) {
    let mut publishing = JoinSet::new();
    for number in 1..=300 {
        let publisher = queue.publisher().clone();
        publishing.spawn(async move { publisher.publish(&envelope(number)).await });
    }
    for published in publishing.join_all().await {
        published.unwrap();
    }
    let session = session(&queue).await;
    let mut lane = session.lane(QUEUE, 1_000).await.unwrap();
    let taken = take_many(&mut lane, 300).await;
    assert_eq!(numbers(&taken), (1..=300).collect::<Vec<_>>());
    stays_quiet(&mut lane).await;
    queue.remove().await;
}

async fn what_waits_is_counted<Q: TestQueue>(queue: Q) {
    let session = session(&queue).await;
    assert!(!session.address().is_empty());
    has_depth(&session, QUEUE, 0).await;
    publish(&queue, 1..=5).await;
    has_depth(&session, QUEUE, 5).await;
    let mut lane = session.lane(QUEUE, 2).await.unwrap();
    let taken = take_many(&mut lane, 2).await;
    has_depth(&session, QUEUE, 3).await;
    has_depth(&session, DEAD_QUEUE, 0).await;
    drop(lane);
    has_depth(&session, QUEUE, 5).await;
    let mut lane = session.lane(QUEUE, 2).await.unwrap();
    let again = take_many(&mut lane, taken.len()).await;
    runtime::queue::Lane::acknowledge_through(&mut lane, again[1].0).await.unwrap();
    drop(lane);
    has_depth(&session, QUEUE, 3).await;
    queue.remove().await;
}

async fn what_was_published_is_there_after_a_restart<Q: TestQueue>(queue: Q) {
    publish(&queue, 1..=3).await;
    let queue = queue.reopen().await;
    let session = session(&queue).await;
    let mut lane = session.lane(QUEUE, 10).await.unwrap();
    assert_eq!(numbers(&take_many(&mut lane, 3).await), [1, 2, 3]);
    queue.remove().await;
}

async fn what_was_published_is_there_after_a_kill<Q: TestQueue>(queue: Q) {
    publish(&queue, 1..=3).await;
    let queue = queue.kill().await;
    let session = session(&queue).await;
    let mut lane = session.lane(QUEUE, 10).await.unwrap();
    assert_eq!(numbers(&take_many(&mut lane, 3).await), [1, 2, 3]);
    stays_quiet(&mut lane).await;
    queue.remove().await;
}

async fn a_queue_that_is_closed_takes_nothing_more<Q: TestQueue>(queue: Q) {
    let publisher = queue.publisher().clone();
    assert!(publisher.is_ready());
    publisher.publish(&envelope(1)).await.unwrap();
    queue.remove().await;
    let refused = publisher.publish(&envelope(2)).await.unwrap_err();
    assert!(["disconnected", "not_stored"].contains(&refused.reason()), "{refused}");
}
