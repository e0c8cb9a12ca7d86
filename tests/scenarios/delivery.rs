//! Delivery: the shop is told at least once, under one id, by a signature it can verify, and never of what is over.

use std::time::Duration;

use chrono::Utc;
use harness::eventually::holds;
use harness::system::{esim_access, seconds_from_now};
use harness::{Setup, System, eventually, tables};
use samples::{Source, named, renewed};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;
use worker::commands;

/// Enough attempts for anything here, a moment apart.
const SOON: &[u64] = &[50; 200];

async fn with_shop(schedule: &'static [u64]) -> System {
    Setup::default().merchant().schedule(schedule).start().await
}

async fn accept_order(system: &System, run: &str) -> Value {
    let body = renewed(named("yoni/completed").unwrap(), run, Utc::now());
    system.accept(Source::Yoni, body.clone()).await;
    serde_json::from_slice(&body).unwrap()
}

async fn received(system: &System, at_least: usize) {
    eventually("the shop has heard", async || {
        let received = system.merchant().received().await.len();
        holds(received >= at_least, || format!("{received} requests"))
    })
    .await;
}

async fn delivery_is(system: &System, expected: &str) {
    eventually("the delivery has come to its end", async || {
        let deliveries = system.deliveries().await;
        holds(deliveries.iter().all(|(_, status, _)| status == expected), || format!("{deliveries:?}"))
    })
    .await;
}

#[tokio::test]
async fn the_shop_can_verify_what_it_is_told_and_trace_it() {
    let system = with_shop(SOON).await;
    let body = renewed(named("yoni/completed").unwrap(), "1", Utc::now());
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let posting = system.post(Source::Yoni, body.clone()).signed();
    let answer = posting.header("traceparent", &format!("00-{trace}-00f067aa0ba902b7-01")).send().await;
    assert_eq!(answer.status, 200);
    system.remember(answer.id(), Source::Yoni, &body);
    system.settled().await;
    let received = system.merchant().received().await;
    let [told] = received.as_slice() else { panic!("{received:?}") };
    assert!(told.is_authentic(Utc::now().timestamp()));
    assert!(told.traceparent.as_ref().unwrap().starts_with(&format!("00-{trace}-")), "{:?}", told.traceparent);
    let sent: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(told.kind(), "esim_ready");
    assert_eq!(told.body["data"]["order_ref"], sent["orderNo"]);
    assert_eq!(told.body["data"]["mode"], "live");
    assert_eq!(told.body["data"]["install"]["activation_code"], sent["lpa"]);
    assert!(told.id.starts_with(told.body["data"]["action_id"].as_str().unwrap()));
    system.finish().await;
}

#[tokio::test]
async fn a_shop_that_was_down_is_told_under_the_same_id() {
    let system = with_shop(SOON).await;
    system.merchant().answers(ResponseTemplate::new(503));
    accept_order(&system, "1").await;
    received(&system, 3).await;
    assert_eq!(system.deliveries().await.len(), 1);
    system.merchant().answers(ResponseTemplate::new(204));
    system.settled().await;
    let times = system.merchant().times_by_id().await;
    assert_eq!(times.len(), 1, "{times:?}");
    assert_eq!(system.deliveries().await[0].1, "sent");
    system.finish().await;
}

#[tokio::test]
async fn a_shop_that_is_too_slow_is_told_again() {
    let setup = Setup::default().merchant().worker(|settings| {
        settings.limits.schedule = shared::schedule::Schedule::new(vec![Duration::from_millis(50); 200]);
        if let Some(shop) = &mut settings.merchant_webhook {
            shop.timeout = Duration::from_millis(200);
        }
    });
    let system = setup.start().await;
    system.merchant().answers(ResponseTemplate::new(200).set_delay(Duration::from_secs(30)));
    accept_order(&system, "1").await;
    received(&system, 2).await;
    eventually("it says why", async || {
        let deliveries = system.deliveries().await;
        let said = deliveries.iter().any(|(_, _, error)| error.as_deref().is_some_and(|e| e.contains("in time")));
        holds(said, || format!("{deliveries:?}"))
    })
    .await;
    system.merchant().answers(ResponseTemplate::new(200));
    system.settled().await;
    assert_eq!(system.merchant().times_by_id().await.len(), 1);
    system.finish().await;
}

#[tokio::test]
async fn a_shop_that_is_gone_is_left_alone_until_it_is_enabled_again() {
    let system = with_shop(SOON).await;
    system.merchant().answers(ResponseTemplate::new(410));
    accept_order(&system, "1").await;
    delivery_is(&system, "failed").await;
    system.applied().await;
    accept_order(&system, "2").await;
    system.settled().await;
    assert_eq!(system.merchant().received().await.len(), 1, "nothing is sent to who wants no more");
    let failed = system.deliveries().await;
    assert!(failed.iter().all(|(_, status, error)| status == "failed" && error.is_some()), "{failed:?}");
    system.merchant().answers(ResponseTemplate::new(200));
    let mut out = Vec::new();
    commands::enable_endpoints(&system.pool, "merchant_webhook", &mut out).await.unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "1 endpoints enabled, 2 failed deliveries due again\n");
    system.settled().await;
    delivery_is(&system, "sent").await;
    assert_eq!(system.merchant().times_by_id().await.len(), 2);
    system.finish().await;
}

#[tokio::test]
async fn a_shop_that_asks_for_a_pause_gets_it() {
    let system = with_shop(&[10, 10, 60_000]).await;
    system.merchant().answers(ResponseTemplate::new(429).insert_header("retry-after", "2"));
    accept_order(&system, "1").await;
    received(&system, 1).await;
    eventually("the next attempt is when the shop said", async || {
        let pause: Option<f64> = sqlx::query_scalar(
            "SELECT extract(epoch FROM next_attempt_at - now())::float8 FROM deliveries
             WHERE channel = 'merchant_webhook' AND status = 'pending' AND attempts = 1",
        )
        .fetch_optional(&system.pool)
        .await
        .map_err(|error| error.to_string())?;
        holds(pause.is_some_and(|pause| (0.5..=2.1).contains(&pause)), || format!("{pause:?} s"))
    })
    .await;
    assert_eq!(system.merchant().received().await.len(), 1, "the schedule alone would have been sooner");
    system.merchant().answers(ResponseTemplate::new(200));
    system.settled().await;
    assert_eq!(system.merchant().received().await.len(), 2);
    system.finish().await;
}

#[tokio::test]
async fn when_the_schedule_is_over_the_delivery_has_failed_and_says_why() {
    let system = with_shop(&[10, 10, 10]).await;
    system.merchant().answers(ResponseTemplate::new(500));
    accept_order(&system, "1").await;
    system.settled().await;
    let expected = ("esim_ready".to_owned(), "failed".to_owned(), Some("the endpoint answered 500".to_owned()));
    assert_eq!(system.deliveries().await, [expected]);
    assert_eq!(system.merchant().received().await.len(), 4);
    assert!(system.worker_metric("worker_deliveries_total", &["failed", "merchant_webhook"]).await > 0.0);
    system.finish().await;
}

#[tokio::test]
async fn what_is_over_is_not_told_any_more() {
    let system = with_shop(SOON).await;
    system.merchant().answers(ResponseTemplate::new(503));
    let usage = |used: u64, at: i64| {
        let content = json!({
            "iccid": "8900", "totalVolume": 1000, "orderUsage": used, "lastUpdateTime": seconds_from_now(at),
        });
        esim_access("DATA_USAGE", "B1", &seconds_from_now(at), content)
    };
    system.accept(Source::EsimAccess, usage(800, -60)).await;
    received(&system, 1).await;
    let used_up = json!({ "iccid": "8900", "esimStatus": "USED_UP" });
    system.accept(Source::EsimAccess, esim_access("ESIM_STATUS", "B1", &seconds_from_now(-30), used_up)).await;
    system.applied().await;
    eventually("the warning is superseded", async || {
        let deliveries = system.deliveries().await;
        let over = deliveries.iter().any(|(kind, status, _)| kind == "low_data" && status == "superseded");
        holds(over, || format!("{deliveries:?}"))
    })
    .await;
    let warned = |told: &[harness::merchant::Received]| told.iter().filter(|told| told.kind() == "low_data").count();
    let before = warned(&system.merchant().received().await);
    system.merchant().answers(ResponseTemplate::new(200));
    system.settled().await;
    let told = system.merchant().received().await;
    assert_eq!(warned(&told), before, "no warning after the end");
    assert_eq!(told.last().unwrap().kind(), "data_depleted");
    let low = system.deliveries().await.into_iter().find(|(kind, _, _)| kind == "low_data").unwrap();
    assert_eq!(low.2.as_deref(), Some("the data is used up"));
    system.finish().await;
}

#[tokio::test]
async fn two_relays_never_send_one_delivery_twice() {
    let system = Setup::default().workers(3).merchant().start().await;
    let bodies = (0..60).map(|run| renewed(named("yoni/completed").unwrap(), &run.to_string(), Utc::now()));
    for body in bodies {
        system.accept(Source::Yoni, body).await;
    }
    system.settled().await;
    let times = system.merchant().times_by_id().await;
    assert_eq!(times.len(), 60);
    assert!(times.values().all(|times| *times == 1), "{times:?}");
    system.finish().await;
}

#[tokio::test]
async fn a_test_never_looks_like_a_real_order() {
    let system = with_shop(SOON).await;
    let body = renewed(named("simplifytrip/esim_order_success").unwrap(), "1", Utc::now());
    system.accept(Source::SimplifyTrip, body).await;
    system.settled().await;
    let received = system.merchant().received().await;
    let [told] = received.as_slice() else { panic!("{received:?}") };
    assert_eq!(told.body["data"]["mode"], "test");
    let modes: Vec<String> = sqlx::query_scalar("SELECT mode FROM actions").fetch_all(&system.pool).await.unwrap();
    assert_eq!(modes, ["test"]);
    assert_eq!(tables::rows(&system.pool, "deliveries").await.len(), 2, "the log and the shop");
    system.finish().await;
}
