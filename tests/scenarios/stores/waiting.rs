//! Deliveries that wait, for a contact or for a confirmation, and are released exactly when they need not any longer.

use std::collections::BTreeSet;
use std::time::Duration;

use harness::databases::{FUTURE, TestDatabase};
use serde_json::{Value, json};
use shared::contact::Contact;
use shared::esim::Install;
use shared::fold::EntityId;
use store::Store;
use store::outbox::ActionRow;

use super::given::{CHANNEL, SOURCE, check, esim, make, order, payment, promise, promise_about, row, save};

on_both! {
    what_waits_for_a_contact_is_released_when_there_is_one
    what_waits_for_confirmation_is_released_when_nothing_is_unconfirmed
    what_waits_for_confirmation_waits_in_the_sources_that_wait
}

/// Puts all deliveries aside.
async fn put_aside<D: TestDatabase>(database: &D, status: &str) {
    let aside = format!("UPDATE deliveries SET status = '{status}', lease_until = NULL, next_attempt_at = {FUTURE}");
    database.execute(&aside).await;
}

/// The action keys of what is due.
async fn due(store: &dyn Store) -> BTreeSet<uuid::Uuid> {
    let mut db = store.connect().await.unwrap();
    let claimed = db.claim_deliveries(CHANNEL, 100, Duration::from_secs(60)).await.unwrap();
    claimed.into_iter().map(|claimed| claimed.action_id).collect()
}

async fn what_waits_for_a_contact_is_released_when_there_is_one<D: TestDatabase>(database: &D) {
    let store = database.store();
    let late = promise_about(&esim("8901"));
    make(store, &[promise_about(&order("B1")), promise_about(&order("B2")), late], &[CHANNEL]).await;
    make(store, &[promise_about(&order("B3"))], &["log"]).await;
    put_aside(database, "waiting_contact").await;
    database.execute("UPDATE deliveries SET status = 'waiting_confirmation' WHERE channel = 'log'").await;
    let mut db = store.connect().await.unwrap();
    assert_eq!(db.release_waiting().await.unwrap(), 0);
    let contact = |name: &str| Contact {
        email: format!("{name}@example.com"),
        name: None,
        locale: None,
        time_zone: None,
        reference: None,
    };
    for order in ["B1", "B3", "B4"] {
        db.put_contact(SOURCE, order, &contact(order)).await.unwrap();
    }
    assert_eq!(db.release_waiting().await.unwrap(), 1, "what waits for something else goes on to wait");
    assert_eq!(db.release_waiting().await.unwrap(), 0);
    drop(db);
    check(&row(store, "deliveries", "status", "pending").await, &json!({ "attempts": 0, "lease_until": null }));
    assert_eq!(due(store).await, BTreeSet::from([promise_about(&order("B1")).id]));
    // An eSIM finds its order.
    save(store, &[(esim("8901"), json!({ "order_ref": { "value": "B4" } }))]).await;
    let mut db = store.connect().await.unwrap();
    assert_eq!(db.release_waiting().await.unwrap(), 1);
    drop(db);
    assert_eq!(due(store).await, BTreeSet::from([promise_about(&esim("8901")).id]));
}

const RECEIVED: &str = "2026-05-31T10:00:00Z";

/// What an unsigned webhook claimed, and what the API said of it, if it was asked.
fn claimed(status: &str, answer: Option<Value>) -> Value {
    let mut confirmation = json!({ "rung": { "at": RECEIVED, "value": status } });
    if let Some(answer) = answer {
        confirmation["vouched"] = json!({ "at": "2026-05-31T11:00:00Z", "value": answer });
        if !answer.is_null() {
            confirmation["ever"] = json!([answer]);
        }
    }
    json!({ "standing": { "value": { "status": status } }, "confirmation": confirmation })
}

fn esim_with_code(answer: Option<Value>) -> Value {
    let install = Install::new("LPA:1$rsp.demo$X".to_owned());
    let confirmation = claimed(&install.fingerprint(), answer)["confirmation"].take();
    json!({ "install": { "value": install }, "confirmation": confirmation })
}

async fn what_waits_for_confirmation_is_released_when_nothing_is_unconfirmed<D: TestDatabase>(database: &D) {
    let store = database.store();
    let cases: [(EntityId, Option<Value>, bool); 9] = [
        (order("unconfirmed"), Some(claimed("completed", None)), false),
        (payment("unconfirmed"), Some(claimed("succeeded", None)), false),
        (esim("unconfirmed"), Some(esim_with_code(None)), false),
        (order("confirmed"), Some(claimed("completed", Some(json!("completed")))), true),
        (payment("refuted"), Some(claimed("succeeded", Some(Value::Null))), true),
        (esim("refuted"), Some(esim_with_code(Some(Value::Null))), true),
        (order("nobody asked"), Some(json!({ "standing": { "value": { "status": "completed" } } })), true),
        (esim("nobody asked"), Some(json!({})), true),
        (order("without a row"), None, true),
    ];
    let promised = |id: &EntityId| {
        let (kind, reference) = id.key.parts();
        ActionRow {
            id: promise(&format!("{kind} {reference}")).id,
            action_key: format!("{kind} {reference}"),
            ..promise_about(id)
        }
    };
    for (id, blocks, _) in &cases {
        if let Some(blocks) = blocks {
            save(store, &[(id.clone(), blocks.clone())]).await;
        }
    }
    let mut promises: Vec<_> = cases.iter().map(|(id, ..)| promised(id)).collect();
    promises.push(promise("about nothing"));
    make(store, &promises, &[CHANNEL]).await;
    put_aside(database, "waiting_confirmation").await;
    let waiting = [SOURCE.to_owned(), "another".to_owned()];
    let mut expected: BTreeSet<_> =
        cases.iter().filter(|(.., is_released)| *is_released).map(|(id, ..)| promised(id).id).collect();
    expected.insert(promise("about nothing").id);
    let mut db = store.connect().await.unwrap();
    let released = db.release_confirmed(&waiting).await.unwrap();
    assert_eq!(usize::try_from(released).unwrap(), expected.len());
    assert_eq!(db.release_confirmed(&waiting).await.unwrap(), 0);
    drop(db);
    assert_eq!(due(store).await, expected);
    // The answer comes for one that still waited; another's subject has the same name.
    let confirmed = claimed("succeeded", Some(json!("succeeded")));
    save(store, &[(payment("unconfirmed"), confirmed)]).await;
    let mut db = store.connect().await.unwrap();
    assert_eq!(db.release_confirmed(&waiting).await.unwrap(), 1);
    drop(db);
    assert_eq!(due(store).await, BTreeSet::from([promised(&payment("unconfirmed")).id]));
}

async fn what_waits_for_confirmation_waits_in_the_sources_that_wait<D: TestDatabase>(database: &D) {
    let store = database.store();
    save(store, &[(order("B1"), claimed("completed", None))]).await;
    // Of another source, and nothing is known of its order.
    let elsewhere = ActionRow { id: promise("elsewhere").id, source: "another", ..promise_about(&order("B1")) };
    make(store, &[promise_about(&order("B1")), elsewhere], &[CHANNEL]).await;
    put_aside(database, "waiting_confirmation").await;
    let mut db = store.connect().await.unwrap();
    assert_eq!(db.release_confirmed(&[SOURCE.to_owned()]).await.unwrap(), 1);
    drop(db);
    assert_eq!(due(store).await, BTreeSet::from([promise("elsewhere").id]));
    // From now on the source does not wait any more.
    let mut db = store.connect().await.unwrap();
    assert_eq!(db.release_confirmed(&["another".to_owned()]).await.unwrap(), 1);
    drop(db);
    assert_eq!(due(store).await, BTreeSet::from([promise_about(&order("B1")).id]));
    put_aside(database, "failed").await;
    let mut db = store.connect().await.unwrap();
    assert_eq!(db.release_confirmed(&[]).await.unwrap(), 0, "what does not wait is left alone");
}
