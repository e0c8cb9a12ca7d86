//! The pace that a provider's API allows is kept by all workers together, and so is the silence after its failures.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use harness::{Setup, System, tables};
use sqlx::PgPool;
use worker::store::api_limits::{Limit, Probe, Reserved};
use worker::store::{ApiLimits as _, postgres};

const SOURCE: &str = "esim-access";
const FAR: Duration = Duration::from_secs(3_600);

async fn database() -> System {
    Setup::default().without_ingest().start().await
}

fn limit(bucket: &str, spacing_ms: u64, burst: u32) -> Limit {
    let spacing = Duration::from_millis(spacing_ms);
    Limit { bucket: bucket.to_owned(), spacing, lead: spacing * (burst - 1) }
}

async fn reserve(pool: &PgPool, limits: &[Limit], max_wait: Duration) -> Reserved {
    pool.acquire().await.unwrap().reserve_slots(SOURCE, limits, max_wait).await.unwrap()
}

#[track_caller]
fn slot(reserved: Reserved) -> DateTime<Utc> {
    match reserved {
        Reserved::Slot { at, .. } => at,
        Reserved::Full { wait } => panic!("no slot for {wait:?}"),
    }
}

#[tokio::test]
async fn ten_workers_together_stay_under_the_limit() {
    let system = database().await;
    let limit = limit("requests", 125, 1);
    let mut workers = Vec::new();
    for _ in 0..10 {
        let pool = postgres::open(&system.database_url.clone().into(), 1).unwrap();
        let limit = limit.clone();
        workers.push(tokio::spawn(async move {
            let mut slots = Vec::new();
            for _ in 0..8 {
                slots.push(slot(reserve(&pool, std::slice::from_ref(&limit), FAR).await));
            }
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
    system.finish().await;
}

#[tokio::test]
async fn a_burst_is_as_long_as_it_may_be() {
    let system = database().await;
    let limits = [limit("token", 40_000, 2)];
    let now = Duration::from_secs(1);
    slot(reserve(&system.pool, &limits, now).await);
    slot(reserve(&system.pool, &limits, now).await);
    let Reserved::Full { wait } = reserve(&system.pool, &limits, now).await else { panic!("a third of two") };
    assert!((Duration::from_secs(30)..=Duration::from_secs(40)).contains(&wait), "{wait:?}");
    system.finish().await;
}

#[tokio::test]
async fn what_would_wait_too_long_takes_no_slot_of_any_limit() {
    let system = database().await;
    let (company, esim) = (limit("usage", 1_000, 1), limit("usage:8910", 60_000, 1));
    slot(reserve(&system.pool, &[company.clone(), esim.clone()], Duration::ZERO).await);
    let before = tables::rows(&system.pool, "api_limits").await;
    for _ in 0..3 {
        let refused = reserve(&system.pool, &[company.clone(), esim.clone()], Duration::from_secs(2)).await;
        assert!(matches!(refused, Reserved::Full { wait } if wait > Duration::from_secs(30)), "{refused:?}");
    }
    assert_eq!(tables::rows(&system.pool, "api_limits").await, before);
    slot(reserve(&system.pool, &[company, limit("usage:8911", 60_000, 1)], Duration::from_secs(2)).await);
    system.finish().await;
}

#[tokio::test]
async fn a_pause_that_the_provider_asks_for_is_everybodys() {
    let system = database().await;
    let limits = [limit("token", 20_000, 3)];
    let mut db = system.pool.acquire().await.unwrap();
    db.block_slots(SOURCE, &limits, Duration::from_secs(120)).await.unwrap();
    db.block_slots(SOURCE, &limits, Duration::from_secs(1)).await.unwrap();
    drop(db);
    let blocked = reserve(&system.pool, &limits, Duration::from_secs(60)).await;
    assert!(matches!(blocked, Reserved::Full { wait } if wait > Duration::from_secs(100)), "{blocked:?}");
    system.finish().await;
}

#[tokio::test]
async fn what_is_past_is_forgotten_and_nothing_else() {
    let system = database().await;
    reserve(&system.pool, &[limit("usage:past", 1, 1)], FAR).await;
    reserve(&system.pool, &[limit("usage:held", 600_000, 1)], FAR).await;
    let past = "UPDATE api_limits SET next_at = clock_timestamp() - INTERVAL '1 second' WHERE bucket = 'usage:past'";
    sqlx::query(past).execute(&system.pool).await.unwrap();
    let mut db = system.pool.acquire().await.unwrap();
    assert_eq!(db.forget_past_slots().await.unwrap(), 1);
    drop(db);
    let rows = tables::rows(&system.pool, "api_limits").await;
    assert_eq!((rows.len(), rows[0]["bucket"].as_str()), (1, Some("usage:held")));
    system.finish().await;
}

#[tokio::test]
async fn of_all_workers_one_probes() {
    let system = database().await;
    let pauses = [Duration::ZERO, FAR];
    let mut db = system.pool.acquire().await.unwrap();
    let first = db.note_failure(SOURCE, "500", &pauses, false).await.unwrap().unwrap();
    assert_eq!((first.failures, first.open_for), (1, Duration::ZERO));
    let second = db.note_failure(SOURCE, "500", &pauses, false).await.unwrap().unwrap();
    assert!(second.failures == 2 && second.open_for > Duration::from_secs(3_000), "{second:?}");
    let late = db.note_failure(SOURCE, "500", &pauses, false).await.unwrap();
    assert_eq!(late, None, "what was under way when it opened does not prolong the pause");
    assert_eq!(db.claim_probe(SOURCE, FAR).await.unwrap(), Probe::Taken);
    sqlx::query("UPDATE api_breakers SET open_until = clock_timestamp()").execute(&mut *db).await.unwrap();
    assert_eq!(db.claim_probe(SOURCE, FAR).await.unwrap(), Probe::Mine);
    assert_eq!(db.claim_probe(SOURCE, FAR).await.unwrap(), Probe::Taken);
    let probed = db.note_failure(SOURCE, "500", &pauses, true).await.unwrap();
    assert_eq!(probed.map(|breaker| breaker.failures), Some(3));
    db.close_breaker(SOURCE).await.unwrap();
    assert_eq!(db.find_breaker(SOURCE).await.unwrap(), None);
    drop(db);
    system.finish().await;
}
