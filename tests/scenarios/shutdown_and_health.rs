//! Shutdown and health: a stop loses nothing and ends well, and what the programs say of themselves is true.

use chrono::Utc;
use harness::eventually::holds;
use harness::programs::{Process, metric};
use harness::{Setup, System, eventually, tables};
use samples::{Source, named, renewed};

fn order(number: usize) -> Vec<u8> {
    renewed(named("yoni/completed").unwrap(), &number.to_string(), Utc::now())
}

#[tokio::test]
async fn a_worker_that_is_asked_to_stop_finishes_and_loses_nothing() {
    let mut system = Setup::default().workers(0).start().await;
    let worker = system.worker_process(system.host.amqp_port()).await;
    for number in 0..100 {
        system.accept(Source::Yoni, order(number)).await;
    }
    assert!(worker.terminate().await.success());
    system.start_worker().await;
    system.settled().await;
    assert_eq!(tables::event_count(&system.pool).await, 100);
    assert_eq!(system.actions().await.len(), 100);
    system.finish().await;
}

#[tokio::test]
async fn ingest_that_is_asked_to_stop_loses_nothing_that_it_answered() {
    let mut system = Setup::default().without_ingest().start().await;
    let ingest = system.ingest_process(&[]).ready().await;
    let posts: Vec<_> = (0..200)
        .map(|number| {
            let body = order(number);
            let posting = system.post(Source::Yoni, body.clone()).signed().at(ingest.address);
            tokio::spawn(async move { posting.try_send().await.ok().map(|answer| (answer, body)) })
        })
        .collect();
    assert!(ingest.terminate().await.success());
    let mut answered = 0;
    for post in posts {
        if let Some((answer, body)) = post.await.unwrap() {
            assert_eq!(answer.status, 200, "who is heard is answered well");
            system.remember(answer.id(), Source::Yoni, &body);
            answered += 1;
        }
    }
    system.start_ingest().await;
    system.counts_no_more();
    system.settled().await;
    assert!(tables::event_count(&system.pool).await >= answered);
    system.finish().await;
}

#[tokio::test]
async fn wrong_settings_are_told_all_at_once_and_nothing_starts() {
    for (program, names) in [("worker", ["DATABASE_URL", "AMQP_URL"]), ("ingest", ["SOURCES_FILE", "SPOOL_DIR"])] {
        let (status, said) = Process::start(program, &[]).last_words().await;
        assert!(!status.success(), "{program}");
        for name in names {
            assert!(said.contains(name), "{program} does not name {name}: {said}");
        }
    }
}

#[tokio::test]
async fn the_metrics_have_their_names_and_count() {
    let system = System::start().await;
    for number in 0..5 {
        system.accept(Source::Yoni, order(number)).await;
    }
    system.accept(Source::Yoni, order(0)).await;
    system.accept(Source::Yoni, "hello").await;
    system.settled().await;
    let worker = [
        ("worker_events_total", &["fresh"][..], 5.0),
        ("worker_events_total", &["duplicate"], 1.0),
        ("worker_dead_letters_total", &["unparseable"], 1.0),
        ("worker_actions_total", &["esim_ready"], 5.0),
        ("worker_deliveries_total", &["esim_ready", "log", "sent"], 5.0),
        ("worker_receipt_to_commit_seconds_count", &[], 5.0),
        ("worker_oldest_unapplied_event_age_seconds", &[], 0.0),
    ];
    for (name, labels, expected) in worker {
        let value = system.worker_metric(name, labels).await;
        assert!((value - expected).abs() < 0.5, "{name} {labels:?} is {value}, not {expected}");
    }
    let ingest = [
        ("ingest_webhooks_accepted_total", &["yoni", "queue"][..], 7.0),
        ("ingest_broker_connected", &[], 1.0),
        ("ingest_spool_events", &[], 0.0),
        ("ingest_request_duration_seconds_count", &[], 7.0),
    ];
    for (name, labels, expected) in ingest {
        let value = system.ingest_metric(name, labels).await;
        assert!((value - expected).abs() < 0.5, "{name} {labels:?} is {value}, not {expected}");
    }
    for name in ["worker_queue_messages", "worker_batch_events_count"] {
        let text = system.client.get(format!("http://{}/metrics", system.workers[0].address)).send().await.unwrap();
        assert!(text.text().await.unwrap().contains(name), "{name}");
    }
    system.finish_with_dead_letters(&["unparseable"]).await;
}

#[tokio::test]
async fn both_programs_agree_on_the_queue_without_being_told() {
    let mut system = Setup::default().workers(0).without_ingest().start().await;
    let port = system.host.amqp_port();
    let without = |environment: Vec<(String, String)>| {
        environment.into_iter().filter(|(name, _)| name != "QUEUE_MAX_LENGTH").collect::<Vec<_>>()
    };
    let worker =
        Process::start("worker", &without(system.setup().worker_environment(&system, port, &[]))).ready().await;
    let ingest = Process::start("ingest", &without(system.setup().ingest_environment(&system, &[]))).ready().await;
    eventually("ingest is connected", async || {
        let connected = metric(&system.client, ingest.address, "ingest_broker_connected", &[]).await?;
        holds(connected > 0.0, || "it is not".to_owned())
    })
    .await;
    let answer = system.post(Source::Yoni, order(1)).signed().at(ingest.address).send().await;
    assert_eq!(answer.status, 200);
    system.remember(answer.id(), Source::Yoni, &order(1));
    system.counts_no_more();
    system.settled().await;
    assert_eq!(metric(&system.client, ingest.address, "ingest_spooled_total", &[]).await.unwrap(), 0.0);
    assert!(worker.terminate().await.success() && ingest.terminate().await.success());
    system.finish().await;
}
