//! What a database never takes is refused for good, whichever it is; what is not the data's fault may work later.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use harness::databases::TestDatabase;
use serde_json::{Value, json};
use shared::contact::Contact;
use shared::envelope::Envelope;
use shared::event::Event;
use shared::fold::EntityId;
use shared::origin::Provider;
use store::dead_letters::DeadLetter;
use store::outbox::{ActionRow, Mark};
use store::{Store, StoreError};
use uuid::Uuid;

use super::given::{
    CHANNEL, SOURCE, admit, borrowed, esim, event, make, order, payment, promise, return_request, rows, save, state,
    time,
};

on_both! {
    a_reference_is_as_long_as_it_may_be_in_characters
    a_state_that_does_not_fit_its_columns_is_refused
    a_nul_is_refused_wherever_it_comes_from
    a_time_that_no_column_holds_is_refused
    what_breaks_a_constraint_is_refused
    what_was_refused_costs_the_next_one_nothing
    what_is_not_the_datas_fault_may_work_later
}

#[track_caller]
fn is_refused<T: Debug>(answer: Result<T, StoreError>, what: &str) {
    assert!(matches!(answer, Err(StoreError::Rejected(_))), "{what}: {answer:?}");
}

async fn try_admit(store: &dyn Store, event: (Envelope, Event)) -> Result<Vec<Uuid>, StoreError> {
    let mut tx = store.begin().await.unwrap();
    tx.admit_events(&borrowed(&[event])).await
}

async fn try_lock(store: &dyn Store, id: EntityId) -> Result<(), StoreError> {
    let mut tx = store.begin().await.unwrap();
    tx.lock_entities(&BTreeMap::from([(id, Provider::EsimAccess)])).await.map(drop)
}

async fn try_save(store: &dyn Store, id: EntityId, blocks: Value) -> Result<(), StoreError> {
    let mut tx = store.begin().await.unwrap();
    tx.lock_entities(&BTreeMap::from([(id.clone(), Provider::EsimAccess)])).await.unwrap();
    let state = state(&id, blocks);
    tx.save_entities(&BTreeMap::from([(id, state)])).await
}

async fn try_promise(store: &dyn Store, promise: ActionRow<'_>) -> Result<Vec<Uuid>, StoreError> {
    let mut tx = store.begin().await.unwrap();
    tx.make_promises(&[promise]).await
}

/// An event about an order, an eSIM or both.
fn about(order: Option<String>, esim: Option<String>) -> (Envelope, Event) {
    let (envelope, event) = event("about");
    (envelope, Event { order_ref: order, esim_ref: esim, ..event })
}

async fn a_reference_is_as_long_as_it_may_be_in_characters<D: TestDatabase>(database: &D) {
    let store = database.store();
    let long = |characters: usize| "\u{1f4f6}".repeat(characters);
    assert_eq!(admit(store, &[about(Some(long(200)), Some(long(400)))]).await.len(), 1);
    is_refused(try_admit(store, about(Some(long(201)), None)).await, "an event's order");
    is_refused(try_admit(store, about(None, Some(long(401)))).await, "an event's eSIM");
    is_refused(try_admit(store, about(Some(String::new()), None)).await, "an empty order");
    for (make, most) in [(order as fn(&str) -> EntityId, 200), (esim, 400), (payment, 200), (return_request, 200)] {
        save(store, &[(make(&long(most)), json!({}))]).await;
        let id = make(&long(most + 1));
        is_refused(try_lock(store, id.clone()).await, id.key.parts().0);
        is_refused(try_lock(store, make("")).await, "empty");
    }
    let mut db = store.connect().await.unwrap();
    assert!(db.register_order(SOURCE, &long(200), None).await.unwrap());
    is_refused(db.register_order(SOURCE, &long(201), None).await, "a registration");
    drop(db);
    let contact =
        |email: &str| Contact { email: email.to_owned(), name: None, locale: None, time_zone: None, reference: None };
    let mut db = store.connect().await.unwrap();
    is_refused(db.put_contact(SOURCE, &long(201), &contact("a@b")).await, "a contact's order");
    is_refused(db.put_contact(SOURCE, "B1", &contact("ab")).await, "an address");
    assert_eq!(db.find_contact(SOURCE, "B1").await.unwrap(), None);
    // What replaces a contact and is refused leaves the old one.
    db.put_contact(SOURCE, "B1", &contact("a@b")).await.unwrap();
    is_refused(db.put_contact(SOURCE, "B1", &contact("")).await, "an address");
    assert_eq!(db.find_contact(SOURCE, "B1").await.unwrap(), Some(contact("a@b")));
}

async fn a_state_that_does_not_fit_its_columns_is_refused<D: TestDatabase>(database: &D) {
    let store = database.store();
    let usage = |total: u64, used: u64| json!({ "usage": { "value": { "total_bytes": total, "used_bytes": used } } });
    let most = u64::try_from(i64::MAX).unwrap();
    try_save(store, esim("8901"), usage(most, most)).await.unwrap();
    is_refused(try_save(store, esim("8901"), usage(most + 1, 0)).await, "more bytes than a column holds");
    is_refused(try_save(store, esim("8901"), usage(0, u64::MAX)).await, "more bytes than a column holds");
    let code = json!({ "install": { "value": { "activation_code": "lpa:1$rsp.demo$X" } } });
    is_refused(try_save(store, esim("8901"), code).await, "what is no activation code");
    let order_ref = json!({ "order_ref": { "value": "o".repeat(201) } });
    is_refused(try_save(store, esim("8901"), order_ref).await, "an eSIM's order");
}

async fn a_nul_is_refused_wherever_it_comes_from<D: TestDatabase>(database: &D) {
    let store = database.store();
    let nul = || "a\0b".to_owned();
    is_refused(try_admit(store, about(Some(nul()), None)).await, "an event's order");
    is_refused(try_admit(store, about(None, Some(nul()))).await, "an event's eSIM");
    let (envelope, event) = event("e");
    let named = Event { provider_event_id: Some(nul()), ..event.clone() };
    is_refused(try_admit(store, (envelope.clone(), named)).await, "an event's id");
    let typed = Envelope { content_type: Some(nul()), ..envelope.clone() };
    is_refused(try_admit(store, (typed, event.clone())).await, "a content type");
    let mut headed = envelope.clone();
    headed.headers.insert("x".to_owned(), nul());
    is_refused(try_admit(store, (headed, event.clone())).await, "a header");
    is_refused(try_lock(store, order(&nul())).await, "a row's reference");
    let named = json!({ "package_name": { "value": nul() } });
    is_refused(try_save(store, order("B1"), named).await, "a column");
    is_refused(try_save(store, order("B1"), json!({ "unknown_statuses": [nul()] })).await, "a block");
    is_refused(try_promise(store, ActionRow { payload: json!({ "x": nul() }), ..promise("p") }).await, "a payload");
    is_refused(try_promise(store, ActionRow { order_ref: Some(nul()), ..promise("p") }).await, "a promise's order");
    // What only looks like one, and bytes, are fine.
    let quoted = "a\\u0000b \\\\u0000".to_owned();
    let (mut envelope, event) = (envelope, Event { order_ref: Some(quoted.clone()), ..event });
    envelope.headers.insert("x".to_owned(), quoted.clone());
    envelope.body = b"\0".to_vec();
    assert_eq!(admit(store, &[(envelope, event)]).await.len(), 1);
    save(store, &[(order(&quoted), json!({ "package_name": { "value": quoted } }))]).await;
    make(store, &[ActionRow { payload: json!({ "x": quoted }), ..promise("p") }], &[]).await;
    assert_eq!(rows(store, "orders").await[0]["package_name"], Value::from(quoted.clone()));
    assert_eq!(rows(store, "actions").await[0]["payload"]["x"], Value::from(quoted));
}

async fn a_time_that_no_column_holds_is_refused<D: TestDatabase>(database: &D) {
    let store = database.store();
    for fine in ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"] {
        save(store, &[(esim("8901"), json!({ "expires_at": { "value": fine } }))]).await;
        let kept = rows(store, "esims").await.remove(0);
        assert_eq!(time(kept["expires_at"].as_str().unwrap()), time(fine));
    }
    for strange in ["0000-12-31T16:00:00Z", "+12345-01-01T00:00:00Z", "-0044-03-15T00:00:00Z"] {
        let blocks = json!({ "expires_at": { "value": strange } });
        is_refused(try_save(store, esim("8901"), blocks).await, strange);
    }
}

async fn what_breaks_a_constraint_is_refused<D: TestDatabase>(database: &D) {
    let store = database.store();
    let mut db = store.connect().await.unwrap();
    is_refused(db.add_deliveries(&[(Uuid::from_u128(7), CHANNEL)]).await, "a delivery of nothing");
    let letter = DeadLetter {
        id: Uuid::from_u128(1),
        source: None,
        provider: None,
        received_at: None,
        reason: "a whim".to_owned(),
        detail: String::new(),
        headers: Value::Null,
        body: Vec::new(),
    };
    is_refused(db.bury(&letter).await, "an unknown reason");
    drop(db);
    make(store, &[promise("a")], &[CHANNEL]).await;
    let mut db = store.connect().await.unwrap();
    is_refused(db.add_deliveries(&[(promise("a").id, CHANNEL)]).await, "the same delivery again");
    let claimed = db.claim_deliveries(CHANNEL, 1, Duration::from_secs(60)).await.unwrap().remove(0);
    let mark = Mark {
        action_id: claimed.action_id,
        lease_until: claimed.lease_until,
        status: "whatever",
        result: "sent",
        next_attempt_at: None,
        last_error: None,
    };
    is_refused(db.mark_deliveries(CHANNEL, std::slice::from_ref(&mark)).await, "an unknown status");
    is_refused(db.mark_deliveries(CHANNEL, &[Mark { result: "whatever", ..mark }]).await, "an unknown result");
    drop(db);
    // Neither half of it has happened.
    assert_eq!(rows(store, "deliveries").await[0]["status"], "sending");
    assert_eq!(rows(store, "attempts").await, []);
}

async fn what_was_refused_costs_the_next_one_nothing<D: TestDatabase>(database: &D) {
    let store = database.store();
    let mut tx = store.begin().await.unwrap();
    let good = event("good");
    tx.admit_events(&borrowed(std::slice::from_ref(&good))).await.unwrap();
    is_refused(tx.admit_events(&borrowed(&[about(Some(String::new()), None)])).await, "an empty order");
    drop(tx);
    assert_eq!(rows(store, "events").await, [], "what was refused takes its transaction with it");
    assert_eq!(admit(store, &[good]).await.len(), 1);
}

async fn what_is_not_the_datas_fault_may_work_later<D: TestDatabase>(database: &D) {
    let store = database.store();
    database.execute("ALTER TABLE events RENAME TO elsewhere").await;
    let answer = try_admit(store, event("a")).await;
    assert!(matches!(answer, Err(StoreError::Transient(_))), "{answer:?}");
    database.execute("ALTER TABLE elsewhere RENAME TO events").await;
    assert_eq!(admit(store, &[event("a")]).await.len(), 1);
}
