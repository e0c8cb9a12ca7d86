//! The edition of one process: the same promises with nothing installed, killed at any moment, and moved up.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::Utc;
use futures_util::TryStreamExt as _;
use harness::eventually::holds;
use harness::programs::Process;
use harness::{Setup, Standalone, eventually};
use samples::{ALL, Source, named, renewed};
use serde_json::Value;
use store::Store;
use store::catalogue::TABLES;
use tokio::time::{Instant, timeout_at};
use worker::verify::{VerifyArgs, verify};

fn order(number: u32) -> Vec<u8> {
    renewed(named("yoni/completed").unwrap(), &number.to_string(), Utc::now())
}

#[tokio::test]
async fn every_sample_ends_in_rows_and_promises() {
    let standalone = Standalone::start(&[]).await;
    for sample in ALL {
        standalone.accept(sample.source, renewed(sample, "standalone", Utc::now())).await;
    }
    standalone.settled().await;
    let counts = async |table: &str| standalone.rows(table).await.len();
    assert_eq!(counts("events").await, ALL.len());
    assert!(counts("orders").await >= 10 && counts("esims").await >= 6);
    assert!(counts("payments").await >= 5 && counts("returns").await >= 2);
    let kinds: BTreeSet<_> =
        standalone.rows("actions").await.iter().map(|row| row["kind"].as_str().unwrap().to_owned()).collect();
    for kind in ["esim_ready", "order_failed", "low_data", "expiring_soon", "payment_succeeded", "return_approved"] {
        assert!(kinds.contains(kind), "{kind} is missing in {kinds:?}");
    }
    let sent = standalone.rows("deliveries").await.iter().all(|row| row["status"] == "sent");
    assert!(sent, "everything is told to the log");
    standalone.finish(&[]).await;
}

#[tokio::test]
async fn with_no_settings_at_all_the_sources_for_trying_out_are_there() {
    let data = tempfile::TempDir::new().unwrap();
    let standalone = Standalone::stopped(&[]);
    let (ingest, worker) = (standalone.post(Source::Yoni, order(0)), standalone.worker_address());
    let listen = ingest.address();
    let environment = [
        ("DATA_DIR", data.path().join("made").display().to_string()),
        ("INGEST_LISTEN", listen.to_string()),
        ("WORKER_LISTEN", worker.to_string()),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value));
    let process = Process::start_at("standalone", &environment, listen).ready().await;
    let token = samples::Credential::Token("demo-yoni-token-0123456789".to_owned());
    assert_eq!(ingest.signed_with(&token).send().await.status, 200);
    let introduced = process.log();
    for told in [listen.to_string(), worker.to_string(), data.path().display().to_string(), "curl".to_owned()] {
        assert!(introduced.contains(&told), "{told} is missing in: {introduced}");
    }
    assert!(process.terminate().await.success());
}

/// Sends orders until `stop`, each as often as it takes, as a provider would.
async fn send_until(standalone: &Arc<Standalone>, numbers: &AtomicU32, stop: Instant) {
    loop {
        let body = order(numbers.fetch_add(1, Ordering::Relaxed));
        let posting = standalone.post(Source::Yoni, body.clone()).signed();
        match timeout_at(stop, posting.try_send()).await {
            Ok(Ok(answer)) => {
                assert_eq!(answer.status, 200, "{}", answer.body);
                standalone.remember(answer.id(), Source::Yoni, &body);
            }
            // The process is gone, or about to go.
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

#[tokio::test]
async fn killed_at_any_moment_it_loses_and_doubles_nothing() {
    let mut standalone = Standalone::start(&[]).await;
    let numbers = AtomicU32::new(0);
    for round in 0..8_u64 {
        let shared = Arc::new(standalone);
        // Each round dies at another moment after its first answer.
        let dies_at = Instant::now() + Duration::from_millis(150 + 97 * round);
        let senders = (0..8).map(|_| send_until(&shared, &numbers, dies_at));
        futures_util::future::join_all(senders).await;
        standalone = Arc::into_inner(shared).unwrap();
        standalone.kill().await;
        standalone.start_again().await;
    }
    standalone.settled().await;
    let (events, actions) = (standalone.rows("events").await.len(), standalone.rows("actions").await.len());
    assert!(standalone.accepted() > 50, "only {} were accepted", standalone.accepted());
    // What was durable when its answer was lost is there, too.
    assert!(events >= standalone.accepted() && actions == events, "{events} events, {actions} actions");
    standalone.finish(&[]).await;
}

#[tokio::test]
async fn a_second_instance_on_the_same_data_is_refused_and_the_first_goes_on() {
    let standalone = Standalone::start(&[]).await;
    let (status, _, told) = standalone.command(&["run"]).await;
    assert!(!status.success() && told.contains("in use") && told.contains("--data-dir"), "{told}");
    let (status, _, told) = standalone.command(&["export", "--database-url", "postgres://u:p@127.0.0.1:1/d"]).await;
    assert!(!status.success() && told.contains("in use"), "{told}");
    standalone.accept(Source::Yoni, order(1)).await;
    standalone.finish(&[]).await;
}

#[tokio::test]
async fn a_dead_letter_is_looked_at_while_it_runs_and_replayed_when_it_does_not() {
    let mut standalone = Standalone::start(&[]).await;
    let id = standalone.accept(Source::Yoni, b"no JSON".to_vec()).await;
    standalone.settled().await;
    let (_, listed, _) = standalone.command(&["dead-letters", "list"]).await;
    assert!(listed.contains(&id.to_string()) && listed.contains("unparseable"), "{listed}");
    let (status, _, told) = standalone.command(&["dead-letters", "replay", &id.to_string()]).await;
    assert!(!status.success() && told.contains("stop it first"), "{told}");
    standalone.stop().await;
    let (status, said, told) = standalone.command(&["dead-letters", "replay", &id.to_string()]).await;
    assert!(status.success() && said.starts_with("1 dead letters replayed"), "{said}{told}");
    standalone.start_again().await;
    eventually("it died again", async || {
        let rows = standalone.rows("dead_letters").await;
        holds(rows[0]["replayed_at"].is_null(), || format!("{:?}", rows[0]["replayed_at"]))
    })
    .await;
    standalone.finish(&["unparseable"]).await;
}

#[tokio::test]
async fn a_full_queue_is_answered_503_and_not_lost() {
    // Room for a few webhooks; more than is kept back for readiness.
    let standalone = Standalone::start(&[("SPOOL_MAX_BYTES", "70000")]).await;
    let answer = standalone.post(Source::Yoni, vec![b'x'; 100_000]).signed().send().await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(answer.header("retry-after").is_some());
    standalone.accept(Source::Yoni, order(1)).await;
    standalone.finish(&[]).await;
}

#[tokio::test]
async fn moving_up_is_a_command_and_the_distributed_edition_goes_on_from_there() {
    let mut standalone = Standalone::start(&[]).await;
    for sample in ALL {
        standalone.accept(sample.source, renewed(sample, "moving", Utc::now())).await;
    }
    standalone.accept(Source::Yoni, b"no JSON".to_vec()).await;
    standalone.settled().await;
    standalone.stop().await;
    let system = Setup::default().empty_database().workers(0).without_ingest().start().await;
    let (status, said, told) = standalone.command(&["export", "--database-url", &system.database_url]).await;
    assert!(status.success(), "{said}{told}");
    assert!(!said.contains("postgres:postgres"), "no password: {said}");
    let (here, mut there) = (standalone.store(), Store::snapshot(&system.pool).await.unwrap());
    for table in TABLES.iter() {
        let count = here.snapshot().await.unwrap().read_table(table).try_collect::<Vec<_>>().await.unwrap().len();
        let moved: Vec<_> = there.read_table(table).try_collect().await.unwrap();
        assert_eq!(moved.len(), count, "{}", table.name);
        assert!(said.contains(&format!("{:<20} {count:>9} rows", table.name)), "{said}");
    }
    drop(there);
    let (mut out, mut progress) = (Vec::new(), Vec::new());
    let checked = verify(&system.pool, &Default::default(), &VerifyArgs::default(), &mut out, &mut progress).await;
    assert_eq!(checked.unwrap().differences, 0, "{}", String::from_utf8_lossy(&out));
    let (status, _, told) = standalone.command(&["run"]).await;
    assert!(!status.success() && told.contains("was moved to"), "{told}");
    system.close().await;
}

#[tokio::test]
async fn what_waits_is_applied_before_it_moves_and_nothing_moves_onto_something() {
    let mut standalone = Standalone::start(&[]).await;
    standalone.accept(Source::Yoni, order(1)).await;
    standalone.settled().await;
    standalone.stop().await;
    // As a process that was killed right after its answer leaves it.
    let (queue, writer) = runtime::spool::Spool::open(&standalone.data_dir().join("queue"), 1 << 20).await.unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let writing = tokio::spawn(writer.run(stop.clone()));
    queue.keep(&harness::posting::envelope(Source::Yoni, &order(2))).await.unwrap();
    stop.cancel();
    writing.await.unwrap().unwrap();
    let system = Setup::default().empty_database().workers(0).without_ingest().start().await;
    let export = ["export", "--database-url", &system.database_url];
    let (status, said, told) = standalone.command(&export).await;
    assert!(status.success(), "{said}{told}");
    let orders: Vec<Value> = harness::tables::rows(&system.pool, "orders").await;
    assert_eq!(orders.len(), 2);

    let mut other = Standalone::start(&[]).await;
    other.accept(Source::Yoni, order(3)).await;
    other.settled().await;
    other.stop().await;
    let (status, _, told) = other.command(&export).await;
    assert!(!status.success() && told.contains("is not empty"), "{told}");
    assert_eq!(harness::tables::rows(&system.pool, "orders").await, orders);
    other.start_again().await;
    other.finish(&[]).await;
    system.close().await;
}
