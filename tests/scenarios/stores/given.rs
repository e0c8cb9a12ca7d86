//! What the tests put into a store, and how they read it back.

use std::collections::BTreeMap;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};
use shared::action::{ActionKind, Audience};
use shared::envelope::{Envelope, Mode, Origin};
use shared::event::Event;
use shared::fact::{EntityKey, State};
use shared::fold::EntityId;
use shared::origin::Provider;
use shared::premise::{Premise, Rule};
use store::Store;
use store::catalogue::TABLES;
use store::outbox::ActionRow;
use store::transfer::Row;
use uuid::Uuid;

pub(super) const SOURCE: &str = "esim-access";
pub(super) const CHANNEL: &str = "merchant_webhook";

/// Now, as precisely as it is stored.
pub(super) fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

pub(super) fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(super) fn seconds_ago(seconds: i64) -> DateTime<Utc> {
    now() - TimeDelta::seconds(seconds)
}

/// An event that says nothing, with this key.
pub(super) fn event(key: &str) -> (Envelope, Event) {
    let envelope = Envelope {
        id: Uuid::now_v7(),
        source: SOURCE.to_owned(),
        provider: Provider::EsimAccess,
        mode: Mode::Live,
        origin: Origin::Webhook,
        received_at: now(),
        content_type: None,
        traceparent: None,
        headers: BTreeMap::new(),
        body: key.as_bytes().to_vec(),
    };
    let event = Event {
        kind: "order_status".to_owned(),
        key: key.to_owned(),
        recurs: false,
        provider_event_id: None,
        occurred_at: None,
        disbelieved_at: None,
        mode: Mode::Live,
        origin: Origin::Webhook,
        order_ref: None,
        esim_ref: None,
        facts: Vec::new(),
        credit: None,
    };
    (envelope, event)
}

/// The fresh ones of the events, in a transaction of their own.
pub(super) async fn admit(store: &dyn Store, events: &[(Envelope, Event)]) -> Vec<Uuid> {
    let mut tx = store.begin().await.unwrap();
    let fresh = tx.admit_events(&borrowed(events)).await.unwrap();
    tx.commit().await.unwrap();
    fresh
}

pub(super) fn borrowed(events: &[(Envelope, Event)]) -> Vec<(&Envelope, &Event)> {
    events.iter().map(|(envelope, event)| (envelope, event)).collect()
}

pub(super) fn order(reference: &str) -> EntityId {
    EntityId { source: SOURCE.to_owned(), key: EntityKey::Order(reference.to_owned()) }
}

pub(super) fn esim(reference: &str) -> EntityId {
    EntityId { source: SOURCE.to_owned(), key: EntityKey::Esim(reference.to_owned()) }
}

pub(super) fn payment(reference: &str) -> EntityId {
    EntityId { source: SOURCE.to_owned(), key: EntityKey::Payment(reference.to_owned()) }
}

pub(super) fn return_request(reference: &str) -> EntityId {
    EntityId { source: SOURCE.to_owned(), key: EntityKey::Return(reference.to_owned()) }
}

/// The entity's state with these blocks.
pub(super) fn state(id: &EntityId, blocks: Value) -> State {
    let read = match &id.key {
        EntityKey::Order(_) => serde_json::from_value(blocks).map(State::Order),
        EntityKey::Esim(_) => serde_json::from_value(blocks).map(State::Esim),
        EntityKey::Payment(_) => serde_json::from_value(blocks).map(State::Payment),
        EntityKey::Return(_) => serde_json::from_value(blocks).map(State::Return),
    };
    read.unwrap()
}

/// Makes the entities' rows and fills them.
pub(super) async fn save(store: &dyn Store, entities: &[(EntityId, Value)]) {
    let states: BTreeMap<_, _> = entities.iter().map(|(id, blocks)| (id.clone(), state(id, blocks.clone()))).collect();
    let ids = states.keys().map(|id| (id.clone(), Provider::EsimAccess)).collect();
    let mut tx = store.begin().await.unwrap();
    tx.lock_entities(&ids).await.unwrap();
    tx.save_entities(&states).await.unwrap();
    tx.commit().await.unwrap();
}

/// The blocks of an order of this status.
pub(super) fn standing(status: &str) -> Value {
    json!({ "standing": { "value": { "status": status } }, "provider_status": { "value": status.to_uppercase() } })
}

/// A promise with this key, about nothing.
pub(super) fn promise(key: &str) -> ActionRow<'static> {
    ActionRow {
        id: Uuid::new_v5(&Uuid::nil(), key.as_bytes()),
        source: SOURCE,
        action_key: key.to_owned(),
        kind: ActionKind::EsimReady,
        audience: Audience::Customer,
        mode: Mode::Live,
        order_ref: None,
        esim_ref: None,
        payload: json!({}),
        premise: Premise::Always,
        caused_by: Uuid::from_u128(1),
        traceparent: None,
    }
}

/// A promise about the entity, by its reference.
pub(super) fn promise_about(id: &EntityId) -> ActionRow<'static> {
    let (kind, reference) = id.key.parts();
    let is = |wanted: &str| (kind == wanted).then(|| reference.to_owned());
    ActionRow {
        order_ref: is("order"),
        esim_ref: is("eSIM"),
        premise: Premise::About { subject: id.key.clone(), rule: Rule::Installable },
        ..promise(reference)
    }
}

/// Makes the promises, to be delivered over each of the channels.
pub(super) async fn make(store: &dyn Store, promises: &[ActionRow<'_>], channels: &[&'static str]) {
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.make_promises(promises).await.unwrap().len(), promises.len());
    let pairs: Vec<_> = promises.iter().flat_map(|made| channels.iter().map(|channel| (made.id, *channel))).collect();
    tx.add_deliveries(&pairs).await.unwrap();
    tx.commit().await.unwrap();
}

/// All rows of a table, in their order.
pub(super) async fn rows(store: &dyn Store, table: &str) -> Vec<Row> {
    let table = TABLES.iter().find(|portable| portable.name == table).unwrap();
    let mut db = store.connect().await.unwrap();
    db.read_table(table).try_collect().await.unwrap()
}

/// The one row whose column holds this.
pub(super) async fn row(store: &dyn Store, table: &str, column: &str, value: &str) -> Row {
    let mut found = rows(store, table).await;
    found.retain(|row| row[column] == value);
    assert_eq!(found.len(), 1, "{table} where {column} is {value}: {found:?}");
    found.remove(0)
}

/// Asserts that the row has each of the expected fields with its value.
#[track_caller]
pub(super) fn check(row: &Row, expected: &Value) {
    harness::tables::assert_row(&Value::Object(row.clone()), expected);
}

/// What the tables hold for a moment.
pub(super) fn stored(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}
