//! Programs are killed, at the worst moment: what was answered with 200 is applied, and told under one id.

use std::thread;

use chrono::Utc;
use harness::broker::VirtualHost;
use harness::eventually::holds;
use harness::posting::{Answer, Posting, envelope};
use harness::programs::{metric, ready};
use harness::proxy::Proxy;
use harness::{Setup, System, eventually, tables};
use samples::{Source, named, renewed};
use shared::envelope::QUEUE;

/// A broker that is not there: nobody listens on this port.
const NO_BROKER: (&str, &str) = ("AMQP_URL", "amqp://guest:guest@127.0.0.1:1/nowhere");

fn order(number: usize) -> Vec<u8> {
    renewed(named("yoni/completed").unwrap(), &number.to_string(), Utc::now())
}

async fn events_are(system: &System, expected: i64) {
    eventually("all is committed", async || {
        let events = tables::event_count(&system.pool).await;
        holds(events == expected, || format!("{events} of {expected}"))
    })
    .await;
}

#[tokio::test]
async fn a_worker_killed_between_commit_and_acknowledgement_doubles_nothing() {
    let mut system = Setup::default().workers(0).merchant().start().await;
    let proxy = Proxy::to(system.host.amqp_port()).await;
    let first = system.worker_process(proxy.port).await;
    proxy.swallow_what_the_client_says();
    for number in 0..20 {
        system.accept(Source::Yoni, order(number)).await;
    }
    events_are(&system, 20).await;
    eventually("the broker has no acknowledgement", async || {
        let queue = system.host.queue(QUEUE).await?.unwrap_or_default();
        holds(queue["messages_unacknowledged"] == 20, || format!("{}", queue["messages_unacknowledged"]))
    })
    .await;
    first.kill().await;
    let second = system.worker_process(system.host.amqp_port()).await;
    eventually("the second worker has seen them all again", async || {
        let again = metric(&system.client, second.address, "worker_events_total", &["duplicate"]).await?;
        holds(again >= 20.0, || format!("{again} copies"))
    })
    .await;
    system.settled().await;
    assert_eq!(tables::event_count(&system.pool).await, 20);
    assert_eq!(system.actions().await.len(), 20);
    assert_eq!(system.merchant().times_by_id().await.len(), 20, "one id for each promise");
    assert!(second.terminate().await.success());
    system.finish().await;
}

#[tokio::test]
async fn one_of_three_workers_killed_loses_and_doubles_nothing() {
    let mut system = Setup::default().workers(0).merchant().start().await;
    let port = system.host.amqp_port();
    let (one, two, three) =
        (system.worker_process(port).await, system.worker_process(port).await, system.worker_process(port).await);
    for number in 0..150 {
        system.accept(Source::Yoni, order(number)).await;
    }
    one.kill().await;
    for number in 150..300 {
        system.accept(Source::Yoni, order(number)).await;
    }
    system.settled().await;
    assert_eq!(tables::event_count(&system.pool).await, 300);
    assert_eq!(system.actions().await.len(), 300);
    assert_eq!(system.merchant().times_by_id().await.len(), 300, "one id for each promise");
    assert!(two.terminate().await.success() && three.terminate().await.success());
    system.finish().await;
}

/// A laptop that sleeps, a machine that is moved: the broker gives up on the connection, and the worker must notice.
#[tokio::test(flavor = "current_thread")]
async fn a_worker_that_was_frozen_goes_on() {
    let mut system = Setup::default().without_ingest().heartbeat_s(2).start().await;
    system.counts_no_more();
    // Everything here runs on this one thread, which stands still as long as the other one looks.
    thread::scope(|scope| scope.spawn(|| block_on(given_up(&system))).join()).unwrap();
    for number in 0..10 {
        system.publish(&envelope(Source::Yoni, &order(number))).await;
    }
    system.settled().await;
    assert_eq!(tables::event_count(&system.pool).await, 10);
    system.finish().await;
}

async fn given_up(system: &System) {
    let host = VirtualHost::of(&system.rabbitmq, &system.host.name);
    eventually("the broker has given up", async || {
        let queue = host.queue(QUEUE).await?.unwrap_or_default();
        holds(queue["consumers"] == 0, || format!("{} consumers", queue["consumers"]))
    })
    .await;
}

fn block_on(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
}

/// Posts until the answer is not 200, at most `limit` times; the refusal, if there was one.
async fn fill(system: &System, posting: impl Fn(Vec<u8>) -> Posting, limit: usize) -> (i64, Option<Answer>) {
    let mut accepted = 0;
    for number in 0..limit {
        let body = order(number);
        let answer = posting(body.clone()).send().await;
        if answer.status != 200 {
            return (accepted, Some(answer));
        }
        system.remember(answer.id(), Source::Yoni, &body);
        accepted += 1;
    }
    (accepted, None)
}

#[tokio::test]
async fn ingest_killed_with_a_full_spool_keeps_what_it_accepted() {
    let mut system = Setup::default().without_ingest().start().await;
    let ingest = system.ingest_process(&[NO_BROKER, ("SPOOL_MAX_BYTES", "20000")]).ready().await;
    let address = ingest.address;
    let posting = |body| system.post(Source::Yoni, body).signed().at(address);
    let (accepted, refused) = fill(&system, posting, 1_000).await;
    let refused = refused.unwrap();
    assert!(accepted >= 10, "{accepted} fit into the spool");
    assert_eq!(refused.status, 503, "our own trouble is never a 4xx");
    assert!(refused.header("retry-after").is_some());
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    let readyz = system.client.get(format!("http://{address}/readyz")).send().await.unwrap();
    assert_eq!(readyz.status().as_u16(), 503, "nothing durable can hold a webhook");
    ingest.kill().await;
    system.start_ingest().await;
    system.settled().await;
    assert_eq!(tables::event_count(&system.pool).await, accepted);
    assert_eq!(i64::try_from(system.actions().await.len()).unwrap(), accepted);
    system.finish().await;
}

#[tokio::test]
async fn ingest_killed_amid_requests_keeps_what_it_answered() {
    let mut system = Setup::default().without_ingest().start().await;
    let ingest = system.ingest_process(&[NO_BROKER]).ready().await;
    let posts: Vec<_> = (0..400)
        .map(|number| {
            let body = order(number);
            let posting = system.post(Source::Yoni, body.clone()).signed().at(ingest.address);
            tokio::spawn(async move { posting.try_send().await.ok().map(|answer| (answer, body)) })
        })
        .collect();
    eventually("some are in the spool", async || {
        let spooled = metric(&system.client, ingest.address, "ingest_spooled_total", &[]).await?;
        holds(spooled >= 20.0, || format!("{spooled}"))
    })
    .await;
    ingest.kill().await;
    let mut answered = 0;
    for post in posts {
        if let Some((answer, body)) = post.await.unwrap().filter(|(answer, _)| answer.status == 200) {
            system.remember(answer.id(), Source::Yoni, &body);
            answered += 1;
        }
    }
    assert!(answered >= 20, "{answered} were answered");
    system.start_ingest().await;
    system.settled().await;
    // What was durable and not answered any more may be there, too.
    assert!(tables::event_count(&system.pool).await >= answered);
    system.finish().await;
}

#[tokio::test]
async fn the_spool_outlives_a_start_without_a_broker() {
    let mut system = Setup::default().without_ingest().start().await;
    let first = system.ingest_process(&[NO_BROKER]).ready().await;
    let address = first.address;
    let (accepted, refused) = fill(&system, |body| system.post(Source::Yoni, body).signed().at(address), 10).await;
    assert!(accepted == 10 && refused.is_none());
    assert!(first.terminate().await.success());
    let second = system.ingest_process(&[NO_BROKER]);
    ready(second.address).await;
    assert_eq!(metric(&system.client, second.address, "ingest_spool_events", &[]).await.unwrap(), 10.0);
    second.kill().await;
    system.start_ingest().await;
    system.settled().await;
    assert_eq!(tables::event_count(&system.pool).await, 10);
    system.finish().await;
}
