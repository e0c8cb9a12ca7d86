//! What happened to one thing: its events, what they promised, each attempt to keep it, each question about it.

use std::time::Duration;

use chrono::TimeDelta;
use harness::databases::TestDatabase;
use serde_json::json;
use shared::envelope::Envelope;
use shared::event::Event;
use shared::fact::{EntityKey, Fact};
use shared::fold::EntityId;
use shared::lookup::{Lookup, LookupKind, LookupReason, LookupRequest};
use shared::payment::Payment;
use store::Store;
use store::outbox::{ActionRow, Mark};
use uuid::Uuid;

use super::given::{SOURCE, admit, esim, event, make, order, payment, promise, return_request, save, time};

on_both! {
    events_are_found_by_whatever_the_thing_is_called
    an_envelope_is_told_as_it_came
    promises_are_told_with_their_deliveries_and_attempts
    questions_are_told_by_what_they_are_about
}

const LAST: u64 = 1_000;

/// An event received so many seconds after the first one, about these things.
fn about(seconds: i64, order: Option<&str>, esim: Option<&str>, payment: Option<&str>) -> (Envelope, Event) {
    let (mut envelope, mut event) = event(&format!("{seconds}"));
    // What came later has the smaller id, as after a clock that was set back.
    envelope.id = Uuid::from_u128(u128::from(LAST - seconds.unsigned_abs()));
    envelope.received_at = time("2026-05-31T10:00:00Z") + TimeDelta::seconds(seconds);
    event.order_ref = order.map(str::to_owned);
    event.esim_ref = esim.map(str::to_owned);
    event.facts = payment.map(|reference| Fact::payment(reference, Payment::default())).into_iter().collect();
    (envelope, event)
}

/// When the events that are told came, in seconds after the first one.
async fn told(store: &dyn Store, reference: &str) -> Vec<u128> {
    let mut db = store.connect().await.unwrap();
    let events = db.find_events_about(reference).await.unwrap();
    events.into_iter().map(|envelope| u128::from(LAST) - envelope.id.as_u128()).collect()
}

async fn events_are_found_by_whatever_the_thing_is_called<D: TestDatabase>(database: &D) {
    let store = database.store();
    let mut elsewhere = about(9, Some("B1"), Some("B1/8901"), None);
    elsewhere.0.source = "another".to_owned();
    let events = [
        about(6, Some("B1"), None, None),
        about(1, None, Some("B1/8901"), None),
        about(5, None, Some("B1/8902"), None),
        about(2, Some("B2"), Some("B2/8901"), None),
        about(3, None, None, Some("P1")),
        about(4, None, None, Some("P2")),
        about(7, Some("B3"), None, None),
        about(8, None, None, None),
        elsewhere,
    ];
    assert_eq!(admit(store, &events).await.len(), 9);
    let of = |order: &str, iccid: &str| json!({ "order_ref": { "value": order }, "iccid": { "value": iccid } });
    let rows = [
        (order("B1"), json!({})),
        (esim("B1/8901"), of("B1", "8901")),
        (esim("B1/8902"), of("B1", "8902")),
        (esim("B2/8901"), of("B2", "8901")),
        (return_request("R1"), json!({ "order_ref": { "value": "B3" } })),
        (payment("P1"), json!({ "code": { "value": "C1" } })),
        (payment("P2"), json!({ "code": { "value": "C2" } })),
    ];
    save(store, &rows).await;
    assert_eq!(told(store, "B1").await, [1, 5, 6], "the order, with its eSIMs, oldest first");
    assert_eq!(told(store, "8902").await, [1, 5, 6], "an ICCID, with the rest of its order");
    assert_eq!(told(store, "B1/8901").await, [1, 5, 6]);
    assert_eq!(told(store, "8901").await, [1, 2, 5, 6], "an ICCID of two orders");
    assert_eq!(told(store, "B2").await, [2]);
    assert_eq!(told(store, "R1").await, [7], "a return, with its order");
    assert_eq!(told(store, "B3").await, [7]);
    assert_eq!(told(store, "P1").await, [3]);
    assert_eq!(told(store, "C2").await, [4]);
    assert_eq!(told(store, "nothing's \"like\" it").await, [0_u128; 0]);
    // Once the other source knows the order, too, both are told.
    save(store, &[(EntityId { source: "another".to_owned(), ..order("B1") }, json!({}))]).await;
    assert_eq!(told(store, "B1").await, [1, 5, 6, 9]);
}

async fn an_envelope_is_told_as_it_came<D: TestDatabase>(database: &D) {
    let store = database.store();
    let (mut envelope, event) = about(1, Some("B1"), None, None);
    envelope.traceparent = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned());
    envelope.content_type = Some("application/json".to_owned());
    envelope.headers.insert("x".to_owned(), "\"'\\\u{1f4f6}".to_owned());
    envelope.body = (0..=255).collect();
    admit(store, &[(envelope.clone(), event)]).await;
    save(store, &[(order("B1"), json!({}))]).await;
    let mut db = store.connect().await.unwrap();
    assert_eq!(db.find_events_about("B1").await.unwrap(), [envelope]);
}

async fn promises_are_told_with_their_deliveries_and_attempts<D: TestDatabase>(database: &D) {
    let store = database.store();
    let caused = |key: &str, by: u128| ActionRow { caused_by: Uuid::from_u128(by), ..promise(key) };
    for promised in [caused("second", 1), caused("first", 2), caused("another", 3)] {
        make(store, &[promised], &["log", "email"]).await;
    }
    let earlier = "UPDATE actions SET created_at = '2001-01-01T00:00:00.000000Z' WHERE action_key = 'first'";
    assert_eq!(database.execute(earlier).await, 1);
    let mut db = store.connect().await.unwrap();
    let promised = db.find_promised(&[1, 2, 4].map(Uuid::from_u128)).await.unwrap();
    let causes: Vec<_> = promised.iter().map(|promised| (promised.id, promised.caused_by.as_u128())).collect();
    assert_eq!(causes, [(promise("first").id, 2), (promise("second").id, 1)], "oldest first");
    assert_eq!((&*promised[0].kind, &*promised[0].audience), ("esim_ready", "customer"));
    assert_eq!(promised[0].created_at, time("2001-01-01T00:00:00Z"));
    assert!(db.find_promised(&[]).await.unwrap().is_empty());

    let claimed = db.claim_deliveries("log", 10, Duration::from_secs(60)).await.unwrap();
    let first = claimed.iter().find(|claimed| claimed.action_id == promise("first").id).unwrap();
    let mark = Mark {
        action_id: first.action_id,
        lease_until: first.lease_until,
        status: "failed",
        result: "failed",
        next_attempt_at: None,
        last_error: Some("410: \"gone\"".to_owned()),
    };
    db.mark_deliveries("log", &[mark]).await.unwrap();
    let ids = [promise("first").id, Uuid::from_u128(77)];
    let deliveries = db.find_deliveries(&ids).await.unwrap();
    let told: Vec<_> = deliveries.iter().map(|way| (&*way.channel, &*way.status, way.last_error.as_deref())).collect();
    assert_eq!(told, [("email", "pending", None), ("log", "failed", Some("410: \"gone\""))]);
    assert!(deliveries.iter().all(|way| way.action_id == ids[0]));
    let attempts = db.find_attempts(&ids).await.unwrap();
    let told: Vec<_> = attempts.iter().map(|attempt| (&*attempt.channel, &*attempt.result)).collect();
    assert_eq!(told, [("log", "failed")]);
    assert!(db.find_deliveries(&[]).await.unwrap().is_empty() && db.find_attempts(&[]).await.unwrap().is_empty());
}

async fn questions_are_told_by_what_they_are_about<D: TestDatabase>(database: &D) {
    let store = database.store();
    let lookup = |about: EntityKey, kind| Lookup { about, kind, hints: Default::default() };
    let order = |reference: &str| EntityKey::Order(reference.to_owned());
    let want =
        |source, lookup| (source, LookupRequest { lookup, reason: LookupReason::Overdue, after: TimeDelta::zero() });
    let wants = [
        want(SOURCE, lookup(order("B2"), LookupKind::Order)),
        want(SOURCE, lookup(EntityKey::Esim("B1/8901".to_owned()), LookupKind::Usage)),
        want(SOURCE, lookup(EntityKey::Esim("B1/8901".to_owned()), LookupKind::Esim)),
        want("another", lookup(order("B1"), LookupKind::Order)),
        want(SOURCE, lookup(order("B3"), LookupKind::Order)),
    ];
    let mut db = store.connect().await.unwrap();
    db.want_lookups(&wants).await.unwrap();
    drop(db);
    let failed = "UPDATE fetch_tasks SET status = 'failed', failures = 3, last_error = 'no \"way\"', asked = 2,
                  next_attempt_at = '2001-01-01T00:00:00.000000Z', answered_at = '2002-01-01T00:00:00.000000Z'
                  WHERE reference = 'B2'";
    assert_eq!(database.execute(failed).await, 1);
    let mut db = store.connect().await.unwrap();
    let asked = ["B1", "B1/8901", "B2", "B4"].map(str::to_owned);
    let found = db.find_questions(&asked).await.unwrap();
    let told: Vec<_> = found.iter().map(|found| (&*found.source, &*found.reference, &*found.question)).collect();
    let expected = [
        ("another", "B1", "order"),
        (SOURCE, "B1/8901", "esim"),
        (SOURCE, "B1/8901", "usage"),
        (SOURCE, "B2", "order"),
    ];
    assert_eq!(told, expected);
    let last = &found[3];
    assert_eq!((&*last.reason, &*last.status, last.failures), ("overdue", "failed", 3));
    assert_eq!(last.next_attempt_at, time("2001-01-01T00:00:00Z"));
    assert_eq!(
        (last.answered_at, last.last_error.as_deref()),
        (Some(time("2002-01-01T00:00:00Z")), Some("no \"way\""))
    );
    assert_eq!((found[0].answered_at, found[0].last_error.as_deref()), (None, None));
    assert!(db.find_questions(&[]).await.unwrap().is_empty());
}
