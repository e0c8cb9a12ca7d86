//! A queue that is full refuses, and takes again when there is room.

use harness::eventually;
use harness::queues::{BrokerQueue, Room, SpoolQueue, TestQueue};
use runtime::queue::{Lane as _, Publish as _, Session as _};
use shared::envelope::QUEUE;

use super::{envelope, numbers, session, stays_quiet, take_many};

/// Publishes until it is refused: the numbers that were taken.
async fn fill<Q: TestQueue>(queue: &Q) -> Vec<u128> {
    let mut taken = Vec::new();
    for number in 1..=500 {
        match queue.publisher().publish(&envelope(number)).await {
            Ok(()) => taken.push(number),
            Err(refusal) => {
                assert!(["nacked", "not_stored"].contains(&refusal.reason()), "{refusal}");
                return taken;
            }
        }
    }
    panic!("it takes {} and never refuses", taken.len());
}

async fn is_bounded<Q: TestQueue>() {
    let queue = Q::create(Room::Scarce).await;
    let taken = fill(&queue).await;
    assert!((2..100).contains(&taken.len()), "{}", taken.len());
    // The bound is not that of this process.
    let queue = queue.reopen().await;
    queue.publisher().publish(&envelope(1_000)).await.unwrap_err();
    let session = session(&queue).await;
    let mut lane = session.lane(QUEUE, 1_000).await.unwrap();
    let held = take_many(&mut lane, taken.len()).await;
    assert_eq!(numbers(&held), taken, "all that was taken is there, and nothing that was refused");
    stays_quiet(&mut lane).await;
    lane.acknowledge_through(held[held.len() - 1].0).await.unwrap();
    eventually("there is room again", async || {
        queue.publisher().publish(&envelope(2_000)).await.map_err(|refusal| refusal.to_string())
    })
    .await;
    assert_eq!(numbers(&take_many(&mut lane, 1).await), [2_000]);
    queue.remove().await;
}

mod a_full_queue_refuses_until_something_is_settled {
    use super::*;

    #[tokio::test]
    async fn broker() {
        is_bounded::<BrokerQueue>().await;
    }

    #[tokio::test]
    async fn spool() {
        is_bounded::<SpoolQueue>().await;
    }
}
