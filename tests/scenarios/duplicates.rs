//! Duplicates: the same event, however often and by whomever it is taken, changes the state and tells the customer once.

use chrono::{SubsecRound as _, TimeDelta, Utc};
use harness::posting::envelope;
use harness::{Setup, System, tables};
use samples::{Source, named, renewed};
use serde_json::json;
use shared::envelope::Envelope;

#[tokio::test]
async fn the_same_event_a_hundred_times_through_three_workers_is_one() {
    let system = Setup::default().workers(3).merchant().start().await;
    let sample = named("yoni/completed").unwrap();
    let body = renewed(sample, "hundred", Utc::now());
    let posting = system.post(Source::Yoni, body.clone()).signed();
    let posts: Vec<_> = (0..100)
        .map(|_| {
            let posting = posting.clone();
            tokio::spawn(async move { posting.send().await })
        })
        .collect();
    for post in posts {
        let answer = post.await.unwrap();
        assert_eq!(answer.status, 200);
        system.remember(answer.id(), Source::Yoni, &body);
    }
    system.settled().await;
    assert_eq!(tables::event_count(&system.pool).await, 1);
    assert_eq!(system.actions().await, ["esim_ready"]);
    assert_eq!(system.merchant().received().await.len(), 1, "the shop is told once");
    let duplicates = system.worker_metric("worker_events_total", &["duplicate"]).await;
    assert!(duplicates >= 99.0, "{duplicates} copies counted");
    system.finish().await;
}

#[tokio::test]
async fn spelling_and_the_time_of_the_attempt_make_no_new_event() {
    let system = System::start().await;
    let sample = named("simplifytrip/esim_order_success_live").unwrap();
    let first = renewed(sample, "again", Utc::now());
    let mut again: serde_json::Value = serde_json::from_slice(&first).unwrap();
    again["sentDate"] = json!((Utc::now() + TimeDelta::minutes(9)).to_rfc3339());
    system.accept(Source::SimplifyTrip, first).await;
    system.accept(Source::SimplifyTrip, format!("{again:#}")).await;
    system.settled().await;
    assert_eq!(tables::event_count(&system.pool).await, 1);
    assert_eq!(system.actions().await, ["esim_ready"]);
    system.finish().await;
}

#[tokio::test]
async fn two_events_of_one_provider_id_are_both_kept() {
    let system = System::start().await;
    let event = |status: &str| {
        json!({ "notifyType": "ESIM_STATUS", "notifyId": "the same", "content": {
            "orderNo": "B1", "iccid": "8900", "esimStatus": status, "smdpStatus": "ENABLED",
        }})
        .to_string()
    };
    system.accept(Source::EsimAccess, event("IN_USE")).await;
    system.accept(Source::EsimAccess, event("USED_UP")).await;
    system.settled().await;
    assert_eq!(tables::event_count(&system.pool).await, 2);
    assert_eq!(system.esim(Source::EsimAccess, "B1/8900").await["plan_status"], "depleted");
    system.finish().await;
}

/// Airalo's warnings have no id and no time: after a top-up is used up, the same bytes come again and mean it.
#[tokio::test]
async fn a_warning_is_a_copy_within_a_day_and_another_one_after_it() {
    let system = Setup::default().workers(3).without_ingest().start().await;
    let body = json!({ "level": "75%", "package_name": "p", "remaining_percentage": 25, "iccid": "8901" }).to_string();
    let now = Utc::now().trunc_subsecs(6);
    let at = |hours: i64| Envelope {
        received_at: now - TimeDelta::hours(hours),
        ..envelope(Source::Airalo, body.as_bytes())
    };
    for hours in [50, 49, 40] {
        system.publish(&at(hours)).await;
    }
    system.applied().await;
    assert_eq!(tables::event_count(&system.pool).await, 1, "within a day");
    for hours in [20, 1, 0] {
        system.publish(&at(hours)).await;
    }
    system.settled().await;
    assert_eq!(tables::event_count(&system.pool).await, 2, "a day later");
    assert_eq!(system.actions().await, ["low_data", "low_data"]);
    system.finish().await;
}
