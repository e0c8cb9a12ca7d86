//! The providers, played by an outside observer: lives of all of them, with all that goes wrong on the way, while programs
//! are killed and the broker goes away. It knows what must have become of them, and finds whatever has not.

use std::sync::Arc;
use std::time::Duration;

use chrono::{SubsecRound as _, Utc};
use harness::eventually::holds;
use harness::programs::Process;
use harness::sources::credential;
use harness::{Setup, System, eventually};
use simulator::chaos::Chaos;
use simulator::journal::{Cast, Journal, Writer};
use simulator::progress::Progress;
use simulator::report;
use simulator::sender::{Pace, Target, send};
use simulator::tables::Database;
use simulator::verify::{Patience, Verdict, verify};
use sqlx::AssertSqlSafe;
use tokio::task::JoinHandle;

const PATIENCE: Patience = Patience {
    quiet: Duration::from_secs(1),
    clock_interval: Duration::from_secs(1),
    at_most: Duration::from_secs(60),
};
const CLOCK_INTERVAL: (&str, &str) = ("CLOCK_INTERVAL", "500ms");

fn cast(seed: u64, esims: u64, chaos: Chaos) -> Cast {
    Cast { seed, run: "scenario".to_owned(), base: Utc::now().trunc_subsecs(0), esims, life: None, chaos }
}

/// Sends all of it to the system's ingest, beside whatever else happens.
fn play(system: &System, cast: &Cast, rate: f64, progress: &Arc<Progress>) -> JoinHandle<Journal> {
    let (address, progress) = (system.ingest.as_ref().unwrap().address, Arc::clone(progress));
    let (cast, journal) = (cast.clone(), system.spool.path().join("simulation.jsonl"));
    tokio::spawn(async move {
        let target = Target::new(&format!("http://{address}"), credential);
        target.check().await.unwrap();
        let pace = Pace { rate, concurrency: 16, time_scale: 900.0 };
        let writer = Writer::begin(&journal, &cast, Utc::now(), None).unwrap();
        let played = send(&cast, &target, pace, writer, &progress).await.unwrap();
        assert_eq!(Journal::read(&journal).unwrap(), played, "`verify` alone reads what was played");
        played
    })
}

async fn compared(system: &System, journal: &Journal) -> Verdict {
    let database = Database::open(&system.database_url).await.unwrap();
    verify(journal, &database, PATIENCE, false, |_| {}).await.unwrap()
}

/// Waits until so many % of the messages are sent.
async fn sent(progress: &Progress, percent: u64) {
    eventually("enough is sent", async || {
        let (begun, all) = (progress.begun.get(), progress.all.get());
        holds(all > 0 && begun * 100 >= all * percent, || format!("{begun} of {all}"))
    })
    .await;
}

/// A worker is killed, and another one; the broker is stopped, and started again while it is still sent.
async fn make_trouble(system: &mut System, progress: &Progress) -> Process {
    let port = system.host.amqp_port();
    let first = system.worker_process_with(port, &[CLOCK_INTERVAL]).await;
    sent(progress, 20).await;
    first.kill().await;
    let second = system.worker_process_with(port, &[CLOCK_INTERVAL]).await;
    sent(progress, 40).await;
    second.kill().await;
    system.rabbitmq.container.stop().await;
    sent(progress, 80).await;
    let spooled = system.ingest_metric("ingest_spooled_total", &[]).await;
    assert!(spooled > 0.0, "what comes without a broker goes to the spool");
    system.rabbitmq.container.start_again().await;
    system.worker_process_with(port, &[CLOCK_INTERVAL]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lives_of_all_providers_end_as_they_must_whatever_goes_wrong() {
    let seed = rand::random_range(0..1_000_000);
    println!("seed {seed}");
    let mut system = Setup::default().own_broker().workers(0).start().await;
    system.counts_no_more();
    let (cast, progress) = (cast(seed, 60, Chaos { outages: 1, ..Chaos::SOME }), Arc::default());
    let sender = play(&system, &cast, 15.0, &progress);
    let worker = make_trouble(&mut system, &progress).await;
    let journal = sender.await.unwrap();
    let verdict = compared(&system, &journal).await;
    assert!(verdict.differences.is_empty(), "{}", report::verdict(&journal, &verdict));
    assert!(verdict.events > 90 && verdict.rows > 30 && verdict.promises > 30, "{verdict:?}");
    let dead = system.dead_letters().await;
    assert_eq!(dead.len(), verdict.dead_letters);
    assert!(worker.terminate().await.success());
    let dead: Vec<_> = dead.iter().map(String::as_str).collect();
    system.finish_with_dead_letters(&dead).await;
}

/// What somebody does by hand, and what is said of it.
const BY_HAND: [(&str, &str); 7] = [
    (
        "UPDATE esims SET plan_status = 'suspended' WHERE (source, esim_ref) IN (
             SELECT source, esim_ref FROM esims WHERE plan_status = 'allocated' ORDER BY source, esim_ref LIMIT 1)",
        "plan_status: expected \"allocated\", found \"suspended\"",
    ),
    (
        "DELETE FROM orders WHERE (source, order_ref) IN (SELECT source, order_ref FROM orders ORDER BY order_ref LIMIT 1)",
        "there is no row",
    ),
    (
        "INSERT INTO payments (source, payment_ref, provider, created_at) VALUES ('airtm', 'P1', 'airtm', now())",
        "payments airtm P1 · no provider of the simulation knows it, and there is a row",
    ),
    (
        "DELETE FROM actions WHERE id IN (SELECT id FROM actions WHERE kind = 'esim_ready' ORDER BY action_key LIMIT 1)",
        "expected 1, found 0",
    ),
    (
        "WITH copied AS (
             INSERT INTO actions
                 (id, source, action_key, kind, audience, mode, order_ref, esim_ref, payload, premise, caused_by)
             SELECT gen_random_uuid(), source, 'another', 'esim_revoked', audience, mode, order_ref, esim_ref, payload,
                    premise, caused_by
             FROM actions WHERE kind = 'esim_installed' ORDER BY action_key LIMIT 1
             RETURNING id)
         INSERT INTO deliveries (action_id, channel, status, sent_at) SELECT id, 'log', 'sent', now() FROM copied",
        "esim_revoked must not be promised",
    ),
    (
        "UPDATE deliveries SET status = 'pending', sent_at = NULL, next_attempt_at = now() + interval '1 day'
         WHERE status = 'sent' AND action_id IN (SELECT id FROM actions WHERE kind = 'payment_succeeded')",
        "it is still pending",
    ),
    (
        "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE source = 'yoni' ORDER BY id LIMIT 1)",
        "it was answered 200 and is not here",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_as_it_must_be_is_found_and_can_be_played_again() {
    let clock = |settings: &mut worker::settings::WorkSettings| {
        settings.roles.clock = true;
        settings.limits.clock_interval = Duration::from_millis(500);
    };
    let system = Setup::default().worker(clock).start().await;
    let cast = cast(4, 60, Chaos::NONE);
    let journal = play(&system, &cast, 400.0, &Arc::default()).await.unwrap();
    let verdict = compared(&system, &journal).await;
    assert!(verdict.differences.is_empty(), "{}", report::verdict(&journal, &verdict));
    for (change, expected) in BY_HAND {
        let mut tx = system.pool.begin().await.unwrap();
        let done = sqlx::query(AssertSqlSafe(change)).execute(&mut *tx).await.unwrap();
        assert!(done.rows_affected() > 0, "{change}");
        tx.commit().await.unwrap();
        let database = Database::open(&system.database_url).await.unwrap();
        let at_once = Patience { at_most: Duration::ZERO, ..PATIENCE };
        let verdict = verify(&journal, &database, at_once, false, |_| {}).await.unwrap();
        let found = verdict.differences.iter().any(|difference| difference.to_string().contains(expected));
        assert!(found, "{change}: {}", report::verdict(&journal, &verdict));
        let told = report::verdict(&journal, &verdict);
        assert!(told.contains("simulator run --seed 4 --base ") && told.contains(" --esims 60"), "{told}");
    }
    system.close().await;
}
