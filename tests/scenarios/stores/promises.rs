//! The outbox, on its way in: promises made once by their keys, and deliveries due at once.

use std::time::Duration;

use chrono::TimeDelta;
use harness::databases::TestDatabase;
use serde_json::json;
use shared::action::{ActionKind, Audience};
use shared::envelope::Mode;
use shared::fact::EntityKey;
use shared::premise::{Allowance, Premise, Rule};
use store::Store;
use store::outbox::ActionRow;
use uuid::Uuid;

use super::given::{CHANNEL, SOURCE, check, make, now, promise, row, rows, time};

on_both! {
    a_promise_is_made_once_by_its_key
    the_same_promise_twice_in_one_batch_is_made_once
    of_two_workers_with_the_same_promises_one_makes_each
    a_promise_is_kept_as_it_was_made
    a_delivery_is_due_at_once
    a_claim_says_all_that_was_promised
}

const LEASE: Duration = Duration::from_secs(60);

async fn made(store: &dyn Store, promises: &[ActionRow<'_>]) -> Vec<Uuid> {
    let mut tx = store.begin().await.unwrap();
    let made = tx.make_promises(promises).await.unwrap();
    tx.commit().await.unwrap();
    made
}

async fn a_promise_is_made_once_by_its_key<D: TestDatabase>(database: &D) {
    let store = database.store();
    assert_eq!(made(store, &[]).await, Vec::<Uuid>::new());
    let mut first = made(store, &[promise("b"), promise("a")]).await;
    first.sort();
    let mut expected = vec![promise("a").id, promise("b").id];
    expected.sort();
    assert_eq!(first, expected);
    let again = ActionRow { payload: json!({ "said": "again" }), ..promise("a") };
    assert_eq!(made(store, &[again, promise("c"), promise("b")]).await, [promise("c").id]);
    check(&row(store, "actions", "action_key", "a").await, &json!({ "payload": {} }));
    // The key is the source's own.
    let elsewhere = ActionRow { source: "another", id: Uuid::from_u128(7), ..promise("a") };
    assert_eq!(made(store, &[elsewhere]).await, [Uuid::from_u128(7)]);
    assert_eq!(rows(store, "actions").await.len(), 4);
}

async fn the_same_promise_twice_in_one_batch_is_made_once<D: TestDatabase>(database: &D) {
    let store = database.store();
    assert_eq!(made(store, &[promise("a"), promise("a"), promise("b")]).await.len(), 2);
    // The same key under another id, too.
    let other = ActionRow { id: Uuid::from_u128(7), ..promise("c") };
    let answered = made(store, &[promise("c"), other]).await;
    assert_eq!(answered.len(), 1, "{answered:?}");
    row(store, "actions", "id", &answered[0].to_string()).await;
    assert_eq!(rows(store, "actions").await.len(), 3);
}

async fn of_two_workers_with_the_same_promises_one_makes_each<D: TestDatabase>(database: &D) {
    let stores = [database.open(), database.open()];
    for round in 0..15 {
        let named = |number| promise(&format!("{round}:{number}"));
        let batch: Vec<_> = (0..8).map(named).collect();
        let backwards = (0..8).rev().map(named).collect();
        let tasks = stores.clone().into_iter().zip([batch, backwards]);
        let tasks: Vec<_> =
            tasks.map(|(store, batch)| tokio::spawn(async move { made(&*store, &batch).await })).collect();
        let mut all = Vec::new();
        for task in tasks {
            all.extend(task.await.unwrap());
        }
        assert_eq!(all.len(), 8, "round {round}");
    }
    assert_eq!(rows(database.store(), "actions").await.len(), 8 * 15);
    for store in stores {
        store.close().await;
    }
}

/// With every field filled.
fn full() -> ActionRow<'static> {
    ActionRow {
        id: Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef),
        source: SOURCE,
        action_key: "low_data:1:80:it's \"B1\" \\ \u{1f4f6}".to_owned(),
        kind: ActionKind::LowData,
        audience: Audience::Customer,
        mode: Mode::Test,
        order_ref: Some("B1".to_owned()),
        esim_ref: Some("B1/8901".to_owned()),
        payload: json!({ "text": "it's \"ü\" \\ \n\u{1f4f6}", "number": 18_446_744_073_709_551_615_u64, "none": null }),
        premise: Premise::About {
            subject: EntityKey::Esim("B1/8901".to_owned()),
            rule: Rule::LowData { percent: 80, about: Allowance::TotalBytes(53_687_091_200) },
        },
        caused_by: Uuid::from_u128(9),
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    }
}

async fn a_promise_is_kept_as_it_was_made<D: TestDatabase>(database: &D) {
    let store = database.store();
    assert_eq!(made(store, &[full()]).await, [full().id]);
    let kept = rows(store, "actions").await.remove(0);
    let expected = json!({
        "id": "01234567-89ab-cdef-0123-456789abcdef", "source": SOURCE, "action_key": full().action_key,
        "kind": "low_data", "audience": "customer", "mode": "test", "order_ref": "B1", "esim_ref": "B1/8901",
        "payload": full().payload, "premise": full().premise, "caused_by": full().caused_by,
        "traceparent": full().traceparent,
    });
    check(&kept, &expected);
    let made_at = time(kept["created_at"].as_str().unwrap());
    assert!((now() - made_at).abs() < TimeDelta::seconds(60), "{made_at}");
    let operators = ActionRow { audience: Audience::Operator, ..promise("bare") };
    assert_eq!(made(store, &[operators]).await.len(), 1);
    let expected = json!({
        "audience": "operator", "mode": "live", "order_ref": null, "esim_ref": null, "premise": "always",
        "traceparent": null,
    });
    check(&row(store, "actions", "action_key", "bare").await, &expected);
}

async fn a_delivery_is_due_at_once<D: TestDatabase>(database: &D) {
    let store = database.store();
    make(store, &[promise("a")], &[CHANNEL, "log"]).await;
    let delivery = row(store, "deliveries", "channel", CHANNEL).await;
    let expected = json!({
        "action_id": promise("a").id, "status": "pending", "attempts": 0, "lease_until": null, "last_error": null,
        "sent_at": null,
    });
    check(&delivery, &expected);
    let mut db = store.connect().await.unwrap();
    for channel in [CHANNEL, "log"] {
        let claimed = db.claim_deliveries(channel, 10, LEASE).await.unwrap();
        assert_eq!((claimed.len(), claimed[0].action_id), (1, promise("a").id), "{channel}");
    }
    db.add_deliveries(&[]).await.unwrap();
}

async fn a_claim_says_all_that_was_promised<D: TestDatabase>(database: &D) {
    let store = database.store();
    make(store, &[full(), promise("bare")], &[CHANNEL]).await;
    let before = now();
    let mut db = store.connect().await.unwrap();
    let mut claimed = db.claim_deliveries(CHANNEL, 10, LEASE).await.unwrap();
    drop(db);
    claimed.sort_by_key(|claimed| claimed.kind.clone());
    let [bare, rich] = claimed.try_into().unwrap();
    let named = (rich.action_id, &*rich.channel, rich.attempts, &*rich.source, &*rich.kind);
    assert_eq!(named, (full().id, CHANNEL, 1, SOURCE, "low_data"));
    assert_eq!((&*rich.audience, &*rich.mode), ("customer", "test"));
    assert_eq!((rich.order_ref.as_deref(), rich.esim_ref.as_deref()), (Some("B1"), Some("B1/8901")));
    assert_eq!((&rich.payload, &rich.premise.0), (&full().payload, &full().premise));
    assert_eq!(rich.traceparent.as_deref(), full().traceparent);
    let kept = row(store, "actions", "id", &full().id.to_string()).await;
    assert_eq!(rich.created_at, time(kept["created_at"].as_str().unwrap()));
    let slack = TimeDelta::seconds(30);
    let lease = before + TimeDelta::from_std(LEASE).unwrap();
    assert!((rich.lease_until - lease).abs() < slack, "{} is not about {lease}", rich.lease_until);
    let nothing = (bare.order_ref, bare.esim_ref, bare.traceparent, bare.premise.0);
    assert_eq!(nothing, (None, None, None, Premise::Always));
}
