//! The broker goes away, hangs, or is not the one we know: no webhook is lost, and who can't go on says why.

use chrono::Utc;
use harness::eventually::holds;
use harness::programs::Program;
use harness::proxy::Proxy;
use harness::{Setup, System, eventually, tables};
use samples::{Source, named, renewed};
use serde_json::json;
use shared::envelope::QUEUE;

fn order(number: usize) -> Vec<u8> {
    renewed(named("yoni/completed").unwrap(), &number.to_string(), Utc::now())
}

/// Sends so many webhooks at once; each must be answered 200.
async fn accept_at_once(system: &System, numbers: std::ops::Range<usize>) {
    let posts: Vec<_> = numbers
        .map(|number| {
            let body = order(number);
            let posting = system.post(Source::Yoni, body.clone()).signed();
            tokio::spawn(async move { (posting.send().await, body) })
        })
        .collect();
    for post in posts {
        let (answer, body) = post.await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        system.remember(answer.id(), Source::Yoni, &body);
    }
}

async fn readiness(system: &System, address: std::net::SocketAddr) -> Result<(u16, String), String> {
    let answer = system.client.get(format!("http://{address}/readyz")).send().await.map_err(|e| e.to_string())?;
    let status = answer.status().as_u16();
    Ok((status, answer.text().await.unwrap_or_default()))
}

#[tokio::test]
async fn webhooks_that_come_while_the_broker_is_stopped_are_applied_after() {
    let mut system = Setup::default().own_broker().start().await;
    system.counts_no_more();
    accept_at_once(&system, 0..20).await;
    let (ingest, worker) = (system.ingest.as_ref().unwrap().address, system.workers[0].address);
    // Some arrive while it goes down.
    tokio::join!(system.rabbitmq.container.stop(), accept_at_once(&system, 20..60));
    accept_at_once(&system, 60..80).await;
    eventually("the worker says that the queue is away", async || {
        let (status, body) = readiness(&system, worker).await?;
        holds(status == 503 && body.contains("queue"), || format!("{status} {body}"))
    })
    .await;
    assert_eq!(readiness(&system, ingest).await.unwrap().0, 200, "the spool is durable, too");
    assert!(system.ingest_metric("ingest_spool_events", &[]).await >= 20.0);
    assert_eq!(system.ingest_metric("ingest_broker_connected", &[]).await, 0.0);
    system.rabbitmq.container.start_again().await;
    system.settled().await;
    assert_eq!(tables::event_count(&system.pool).await, 80);
    assert_eq!(system.actions().await.len(), 80);
    accept_at_once(&system, 80..90).await;
    system.settled().await;
    assert_eq!(tables::event_count(&system.pool).await, 90);
    system.finish().await;
}

#[tokio::test]
async fn webhooks_that_come_while_the_broker_hangs_are_applied_after() {
    let mut system = Setup::default().own_broker().start().await;
    system.counts_no_more();
    accept_at_once(&system, 0..10).await;
    system.rabbitmq.container.pause().await;
    accept_at_once(&system, 10..40).await;
    assert!(system.ingest_metric("ingest_spooled_total", &[]).await >= 30.0);
    system.rabbitmq.container.unpause().await;
    system.settled().await;
    assert_eq!(tables::event_count(&system.pool).await, 40);
    assert_eq!(system.actions().await.len(), 40);
    system.finish().await;
}

#[tokio::test]
async fn a_connection_that_breaks_again_and_again_loses_and_doubles_nothing() {
    let mut system = Setup::default().workers(0).merchant().start().await;
    let proxy = Proxy::to(system.host.amqp_port()).await;
    let worker = system.worker_process(proxy.port).await;
    for round in 0..5 {
        accept_at_once(&system, round * 20..(round + 1) * 20).await;
        proxy.cut();
    }
    system.settled().await;
    assert_eq!(tables::event_count(&system.pool).await, 100);
    assert_eq!(system.actions().await.len(), 100);
    let times = system.merchant().times_by_id().await;
    assert!(times.len() == 100 && times.values().all(|times| *times == 1), "{times:?}");
    assert!(worker.terminate().await.success());
    system.finish().await;
}

#[tokio::test]
async fn a_topology_that_differs_ends_the_programs_and_names_what_differs() {
    let system = Setup::default().workers(0).without_ingest().start().await;
    system.host.declare_queue(QUEUE, json!({ "x-queue-type": "quorum", "x-max-length": 17 })).await;
    let worker = Program::worker(system.setup().worker_settings(&system)).await;
    let ingest = Program::ingest(system.setup().ingest_settings(&system)).await;
    for (program, ended) in [("worker", worker.ended().await), ("ingest", ingest.ended().await)] {
        let said = format!("{:#}", ended.unwrap_err());
        let names = said.contains(QUEUE) && said.contains("x-");
        assert!(names, "{program} does not name the queue and its argument: {said}");
    }
    system.finish().await;
}
