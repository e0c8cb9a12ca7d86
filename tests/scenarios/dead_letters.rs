//! Dead letters: what can't become an event is kept whole with its reason, costs nobody else anything, and comes back.

use chrono::{TimeDelta, Utc};
use harness::eventually::holds;
use harness::posting::envelope;
use harness::programs::binary;
use harness::tables::refuse_events_with;
use harness::{Setup, System, eventually};
use samples::{Source, named, renewed};
use serde_json::{Value, json};
use shared::envelope::{EXCHANGE, Envelope, QUEUE};
use uuid::Uuid;
use worker::commands::{self, Which};

fn yoni(order: &str) -> Vec<u8> {
    json!({ "orderNo": order, "iccid": format!("89{order}"), "lpa": "LPA:1$rsp.demo$CODE", "result": "COMPLETED" })
        .to_string()
        .into_bytes()
}

async fn reason_of(system: &System, id: Uuid) -> (String, Vec<u8>) {
    sqlx::query_as("SELECT reason, body FROM dead_letters WHERE id = $1")
        .bind(id)
        .fetch_one(&system.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn what_is_no_event_is_accepted_and_kept_byte_for_byte() {
    let system = System::start().await;
    let cases: [(&str, &[u8], &str); 6] = [
        ("not JSON", b"hello", "unparseable"),
        ("empty", b"", "unparseable"),
        ("not UTF-8", b"{\"orderNo\": \"\xff\xfe\"}", "unparseable"),
        ("cut off", b"{\"orderNo\": \"1\"", "unparseable"),
        ("no object", b"[1, 2]", "unidentified"),
        ("nameless", b"{\"result\": \"COMPLETED\"}", "unidentified"),
    ];
    for (case, body, expected) in cases {
        let id = system.accept(Source::Yoni, body).await;
        system.applied().await;
        assert_eq!(reason_of(&system, id).await, (expected.to_owned(), body.to_vec()), "{case}");
    }
    assert!(system.actions().await.is_empty());
    let mut expected: Vec<_> = cases.iter().map(|(_, _, reason)| *reason).collect();
    expected.sort_unstable();
    system.finish_with_dead_letters(&expected).await;
}

#[tokio::test]
async fn a_replay_from_outside_the_window_is_not_applied() {
    let system = System::start().await;
    let sample = named("simplifytrip/esim_order_success_live").unwrap();
    let old = renewed(sample, "old", Utc::now() - TimeDelta::hours(25));
    let id = system.accept(Source::SimplifyTrip, old).await;
    system.settled().await;
    assert_eq!(reason_of(&system, id).await.0, "stale_replay");
    assert!(system.actions().await.is_empty());
    system.finish_with_dead_letters(&["stale_replay"]).await;
}

#[tokio::test]
async fn poison_costs_its_neighbours_nothing() {
    let mut system = Setup::default().workers(0).worker(|settings| settings.limits.lanes = 1).start().await;
    refuse_events_with(&system.pool, "poison").await;
    // All of them wait before anybody takes them, so that they come in one batch.
    for number in 0..20 {
        system.accept(Source::Yoni, yoni(&format!("before-{number}"))).await;
    }
    system.accept(Source::Yoni, yoni("poison")).await;
    for number in 0..20 {
        system.accept(Source::Yoni, yoni(&format!("after-{number}"))).await;
    }
    system.start_worker().await;
    system.settled().await;
    let orders: i64 = sqlx::query_scalar("SELECT count(*) FROM orders").fetch_one(&system.pool).await.unwrap();
    assert_eq!(orders, 40);
    assert_eq!(system.actions().await.len(), 40, "each neighbour is told");
    system.finish_with_dead_letters(&["store_rejected"]).await;
}

#[tokio::test]
async fn a_foreign_message_is_kept_and_the_queue_goes_on() {
    let system = System::start().await;
    system.host.publish(EXCHANGE, json!({ "content_type": "text/plain" }), "not ours").await;
    let headers = json!({ "source": "yoni", "received_at": "yesterday" });
    system.host.publish(EXCHANGE, json!({ "message_id": "not-a-uuid", "headers": headers }), "{}").await;
    system.accept(Source::Yoni, yoni("1")).await;
    eventually("both are kept", async || {
        let dead = system.dead_letters().await;
        holds(dead == ["not_an_envelope"; 2], || format!("{dead:?}"))
    })
    .await;
    system.settled().await;
    assert_eq!(system.order(Source::Yoni, "1").await["status"], "completed");
    system.finish_with_dead_letters(&["not_an_envelope"; 2]).await;
}

#[tokio::test]
async fn a_message_that_the_broker_gave_up_on_is_kept() {
    let mut system = Setup::default().workers(0).start().await;
    let id = system.accept(Source::Yoni, yoni("1")).await;
    eventually("the broker gives up", async || {
        system.host.hand_back(QUEUE, 1).await;
        let dead = system.host.queue("webhooks.dead").await?.unwrap_or_default();
        holds(dead["messages"] == json!(1), || format!("{}", dead["messages"]))
    })
    .await;
    system.start_worker().await;
    system.settled().await;
    let (reason, body) = reason_of(&system, id).await;
    assert_eq!((reason.as_str(), body), ("delivery_limit", yoni("1")));
    let said = system.replay(Which::One(id)).await;
    assert_eq!(said, "1 dead letters replayed; what dies again is listed again\n");
    eventually("it is applied", async || {
        let events = harness::tables::event_count(&system.pool).await;
        holds(events == 1, || format!("{events} events"))
    })
    .await;
    system.settled().await;
    assert_eq!(system.order(Source::Yoni, "1").await["status"], "completed");
    system.finish().await;
}

#[tokio::test]
async fn a_dead_letter_is_listed_shown_and_replayed() {
    let system = System::start().await;
    let sample = named("simplifytrip/esim_order_success_live").unwrap();
    let stale = system.accept(Source::SimplifyTrip, renewed(sample, "old", Utc::now() - TimeDelta::days(3))).await;
    let broken = system.accept(Source::Yoni, "hello").await;
    system.applied().await;
    let mut listed = Vec::new();
    commands::list_dead_letters(&system.pool, Some("stale_replay"), false, 10, &mut listed).await.unwrap();
    let listed = String::from_utf8(listed).unwrap();
    assert!(listed.contains(&stale.to_string()) && !listed.contains(&broken.to_string()), "{listed}");
    let mut shown = Vec::new();
    commands::show_dead_letter(&system.pool, broken, &mut shown).await.unwrap();
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains("unparseable") && shown.ends_with("hello\n"), "{shown}");
    let which = Which::Reason("stale_replay");
    system.replay(which).await;
    eventually("the replay is applied", async || {
        let events = harness::tables::event_count(&system.pool).await;
        holds(events == 1, || format!("{events} events"))
    })
    .await;
    let origin: String = sqlx::query_scalar("SELECT origin FROM events").fetch_one(&system.pool).await.unwrap();
    assert_eq!(origin, "replay");
    assert_eq!(system.actions().await, ["esim_ready"]);
    system.finish_with_dead_letters(&["unparseable"]).await;
}

#[tokio::test]
async fn what_dies_again_waits_again() {
    let system = System::start().await;
    let id = system.accept(Source::Yoni, "hello").await;
    system.applied().await;
    let which = Which::One(id);
    system.replay(which).await;
    eventually("it died again", async || {
        let dead = system.worker_metric("worker_dead_letters_total", &[]).await;
        holds(dead >= 2.0, || format!("{dead} died"))
    })
    .await;
    eventually("it waits again", async || {
        let dead = system.dead_letters().await;
        holds(dead == ["unparseable"], || format!("{dead:?}"))
    })
    .await;
    system.finish_with_dead_letters(&["unparseable"]).await;
}

#[tokio::test]
async fn the_program_lists_and_replays() {
    let system = System::start().await;
    let id = system.accept(Source::Yoni, "hello").await;
    system.applied().await;
    let run = async |arguments: &[&str]| {
        let output = tokio::process::Command::new(binary("worker"))
            .args(arguments)
            .env_clear()
            .envs(system.setup().worker_environment(&system, system.host.amqp_port(), &[]))
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let id = id.to_string();
    let listed = run(&["dead-letters", "list"]).await;
    assert!(listed.contains(&id) && listed.contains("unparseable"), "{listed}");
    assert!(run(&["dead-letters", "show", &id]).await.contains("hello"));
    assert!(run(&["dead-letters", "replay", &id]).await.starts_with("1 dead letters replayed"));
    eventually("it waits again", async || {
        let dead = system.dead_letters().await;
        holds(dead == ["unparseable"], || format!("{dead:?}"))
    })
    .await;
    system.finish_with_dead_letters(&["unparseable"]).await;
}

#[tokio::test]
async fn an_envelope_from_before_keeps_its_meaning() {
    let system = Setup::default().without_ingest().start().await;
    // Fields that this version does not know, and none of the optional ones.
    let sent =
        Envelope { headers: [("x-new".to_owned(), "1".to_owned())].into(), ..envelope(Source::Yoni, &yoni("7")) };
    system.publish(&sent).await;
    system.settled().await;
    let kept: Value = sqlx::query_scalar("SELECT headers FROM events").fetch_one(&system.pool).await.unwrap();
    assert_eq!(kept["x-new"], "1");
    system.finish().await;
}
