//! The pace that a provider's API allows is kept by all workers together, and so is the silence after its failures.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use harness::databases::TestDatabase;
use shared::rate_limit::RateLimit;
use store::Store;
use store::api_limits::{Breaker, Probe, Reserved};

use super::given::{SOURCE, now, seconds_ago};

on_both! {
    ten_workers_together_stay_under_the_limit
    a_burst_is_as_long_as_it_may_be
    what_would_wait_too_long_takes_no_slot_of_any_limit
    a_slot_of_several_limits_is_that_of_the_tightest
    a_pause_that_the_provider_asks_for_is_everybodys
    what_is_past_is_forgotten_and_nothing_else
    of_all_workers_one_probes
    pauses_grow_until_the_last_and_every_source_has_its_own
}

const FAR: Duration = Duration::from_secs(3_600);

fn limit(bucket: &str, spacing_ms: u64, burst: u32) -> RateLimit {
    let spacing = Duration::from_millis(spacing_ms);
    RateLimit { bucket: bucket.to_owned(), spacing, lead: spacing * (burst - 1) }
}

async fn reserve(store: &dyn Store, limits: &[RateLimit], max_wait: Duration) -> Reserved {
    let mut db = store.connect().await.unwrap();
    db.reserve_slots(SOURCE, limits, max_wait).await.unwrap()
}

#[track_caller]
fn slot(reserved: Reserved) -> DateTime<Utc> {
    match reserved {
        Reserved::Slot { at, .. } => at,
        Reserved::Full { wait } => panic!("no slot for {wait:?}"),
    }
}

/// What is held of the limits, as it is stored.
async fn held<D: TestDatabase>(database: &D) -> Vec<Option<String>> {
    let columns = "bucket || ' ' || CAST(next_at AS text) || ' ' || CAST(spacing AS text) || ' ' || CAST(lead AS text)";
    database.texts(&format!("SELECT {columns} FROM api_limits ORDER BY bucket")).await
}

async fn ten_workers_together_stay_under_the_limit<D: TestDatabase>(database: &D) {
    let limit = limit("requests", 125, 1);
    let mut workers = Vec::new();
    for _ in 0..10 {
        let (store, limit) = (database.open(), limit.clone());
        workers.push(tokio::spawn(async move {
            let mut slots = Vec::new();
            for _ in 0..8 {
                slots.push(slot(reserve(&*store, std::slice::from_ref(&limit), FAR).await));
            }
            store.close().await;
            slots
        }));
    }
    let mut slots = Vec::new();
    for worker in workers {
        slots.extend(worker.await.unwrap());
    }
    slots.sort();
    assert_eq!(slots.len(), 80);
    // The first slot is read off the clock a moment after it was given.
    let least = TimeDelta::milliseconds(124);
    for pair in slots.windows(2) {
        assert!(pair[1] - pair[0] >= least, "{} and {} are too close", pair[0], pair[1]);
    }
}

async fn a_burst_is_as_long_as_it_may_be<D: TestDatabase>(database: &D) {
    let limits = [limit("token", 40_000, 2)];
    let soon = Duration::from_secs(1);
    for _ in 0..2 {
        let Reserved::Slot { at, wait } = reserve(database.store(), &limits, soon).await else { panic!("of two") };
        assert!(wait < Duration::from_secs(1) && (at - now()).abs() < TimeDelta::seconds(30), "{at}, {wait:?}");
    }
    let Reserved::Full { wait } = reserve(database.store(), &limits, soon).await else { panic!("a third of two") };
    assert!((Duration::from_secs(30)..=Duration::from_secs(40)).contains(&wait), "{wait:?}");
    let Reserved::Slot { at, wait } = reserve(database.store(), &limits, FAR).await else { panic!("who waits") };
    assert!((Duration::from_secs(30)..=Duration::from_secs(40)).contains(&wait), "{wait:?}");
    assert!((at - now()).to_std().unwrap_or_default() > Duration::from_secs(25), "{at}");
}

async fn what_would_wait_too_long_takes_no_slot_of_any_limit<D: TestDatabase>(database: &D) {
    let store = database.store();
    let (company, esim) = (limit("usage", 1_000, 1), limit("usage:8910", 60_000, 1));
    slot(reserve(store, &[company.clone(), esim.clone()], Duration::ZERO).await);
    let before = held(database).await;
    assert_eq!(before.len(), 2);
    for _ in 0..3 {
        let refused = reserve(store, &[company.clone(), esim.clone()], Duration::from_secs(2)).await;
        assert!(matches!(refused, Reserved::Full { wait } if wait > Duration::from_secs(30)), "{refused:?}");
    }
    assert_eq!(held(database).await, before);
    slot(reserve(store, &[company, limit("usage:8911", 60_000, 1)], Duration::from_secs(2)).await);
}

async fn a_slot_of_several_limits_is_that_of_the_tightest<D: TestDatabase>(database: &D) {
    let store = database.store();
    let (loose, tight) = (limit("loose", 1, 1), limit("tight", 100_000, 1));
    slot(reserve(store, std::slice::from_ref(&tight), FAR).await);
    let at = slot(reserve(store, &[loose, tight], FAR).await);
    assert!(at > now() + TimeDelta::seconds(60), "{at}");
    // Another source's limits are its own.
    let mut db = store.connect().await.unwrap();
    let reserved = db.reserve_slots("another", &[limit("tight", 100_000, 1)], Duration::ZERO).await.unwrap();
    assert!(matches!(reserved, Reserved::Slot { .. }), "{reserved:?}");
}

async fn a_pause_that_the_provider_asks_for_is_everybodys<D: TestDatabase>(database: &D) {
    let store = database.store();
    let limits = [limit("token", 20_000, 3)];
    let mut db = store.connect().await.unwrap();
    db.block_slots(SOURCE, &limits, Duration::from_secs(120)).await.unwrap();
    // A shorter one does not end the longer one, and another source's is not ours.
    db.block_slots(SOURCE, &limits, Duration::from_secs(1)).await.unwrap();
    db.block_slots("another", &limits, Duration::from_secs(3_000)).await.unwrap();
    drop(db);
    let blocked = reserve(store, &limits, Duration::from_secs(60)).await;
    let least = Duration::from_secs(90);
    assert!(
        matches!(blocked, Reserved::Full { wait } if (least..=Duration::from_secs(120)).contains(&wait)),
        "{blocked:?}"
    );
}

async fn what_is_past_is_forgotten_and_nothing_else<D: TestDatabase>(database: &D) {
    let store = database.store();
    reserve(store, &[limit("usage:past", 1, 1)], FAR).await;
    reserve(store, &[limit("usage:held", 600_000, 1)], FAR).await;
    let past = D::moment(seconds_ago(1));
    let update = format!("UPDATE api_limits SET next_at = {past} WHERE bucket = 'usage:past'");
    assert_eq!(database.execute(&update).await, 1);
    let mut db = store.connect().await.unwrap();
    assert_eq!(db.forget_past_slots().await.unwrap(), 1);
    assert_eq!(db.forget_past_slots().await.unwrap(), 0);
    drop(db);
    let left = database.texts("SELECT bucket FROM api_limits").await;
    assert_eq!(left, [Some("usage:held".to_owned())]);
}

async fn of_all_workers_one_probes<D: TestDatabase>(database: &D) {
    let pauses = [Duration::ZERO, FAR];
    let mut db = database.store().connect().await.unwrap();
    assert_eq!(db.claim_probe(SOURCE, FAR).await.unwrap(), Probe::Taken, "there is nothing to probe");
    let first = db.note_failure(SOURCE, "500", &pauses, false).await.unwrap().unwrap();
    assert_eq!((first.failures, first.open_for), (1, Duration::ZERO));
    let second = db.note_failure(SOURCE, "500", &pauses, false).await.unwrap().unwrap();
    assert!(second.failures == 2 && second.open_for > Duration::from_secs(3_000), "{second:?}");
    let late = db.note_failure(SOURCE, "500", &pauses, false).await.unwrap();
    assert_eq!(late, None, "what was under way when it opened does not prolong the pause");
    assert_eq!(db.claim_probe(SOURCE, FAR).await.unwrap(), Probe::Taken);
    let over = format!("UPDATE api_breakers SET open_until = {}", D::moment(seconds_ago(1)));
    drop(db);
    assert_eq!(database.execute(&over).await, 1);
    let mut db = database.store().connect().await.unwrap();
    let found = db.find_breaker(SOURCE).await.unwrap();
    assert_eq!(found, Some(Breaker { failures: 2, open_for: Duration::ZERO }));
    assert_eq!(db.claim_probe(SOURCE, FAR).await.unwrap(), Probe::Mine);
    assert_eq!(db.claim_probe(SOURCE, FAR).await.unwrap(), Probe::Taken);
    let probed = db.note_failure(SOURCE, "500", &pauses, true).await.unwrap();
    assert_eq!(probed.map(|breaker| breaker.failures), Some(3));
    db.close_breaker(SOURCE).await.unwrap();
    assert_eq!(db.find_breaker(SOURCE).await.unwrap(), None);
}

async fn pauses_grow_until_the_last_and_every_source_has_its_own<D: TestDatabase>(database: &D) {
    let pauses = [100, 200, 300].map(Duration::from_secs);
    let mut open_for = Vec::new();
    let mut db = database.store().connect().await.unwrap();
    for _ in 0..5 {
        let noted = db.note_failure(SOURCE, "it's \"down\"", &pauses, true).await.unwrap().unwrap();
        assert_eq!(db.find_breaker(SOURCE).await.unwrap().map(|found| found.failures), Some(noted.failures));
        open_for.push((noted.failures, noted.open_for.as_secs_f64() / 100.0));
    }
    let rounded: Vec<_> = open_for.iter().map(|(failures, share)| (*failures, share.round())).collect();
    assert_eq!(rounded, [(1, 1.0), (2, 2.0), (3, 3.0), (4, 3.0), (5, 3.0)]);
    assert_eq!(db.find_breaker("another").await.unwrap(), None);
    let first = db.note_failure("another", "500", &pauses, false).await.unwrap().unwrap();
    assert_eq!(first.failures, 1);
    db.close_breaker("another").await.unwrap();
    assert_eq!(db.find_breaker(SOURCE).await.unwrap().map(|found| found.failures), Some(5));
    drop(db);
    let noted = database.texts("SELECT last_error FROM api_breakers").await;
    assert_eq!(noted, [Some("it's \"down\"".to_owned())]);
}
