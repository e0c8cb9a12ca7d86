//! What `verify` reads: the events page by page, how the tables differ from what they should be, and which promises are
//! missing.

use std::collections::BTreeSet;

use harness::databases::TestDatabase;
use serde_json::{Map, Value, json};
use shared::action::ActionKind;
use shared::fact::{EntityKey, State};
use shared::fold::EntityId;
use shared::premise::{Allowance, Premise, Rule};
use store::Store;
use store::catalogue::EntityTable;
use store::outbox::ActionRow;
use store::verification::{Counts, Expected, Mismatch, Wanted};
use uuid::Uuid;

use super::given::{SOURCE, admit, esim, event, make, order, payment, promise, return_request, save, state};

on_both! {
    rows_are_counted
    the_events_are_paged_in_the_order_of_their_ids
    rows_that_are_as_they_should_be_differ_in_nothing
    exactly_the_changed_column_differs
    a_row_that_is_not_there_is_told
    entities_are_listed_page_by_page
    a_promise_that_was_not_made_is_missing
    the_same_promise_is_known_by_its_meaning
}

async fn rows_are_counted<D: TestDatabase>(database: &D) {
    let store = database.store();
    let mut db = store.connect().await.unwrap();
    assert_eq!(db.count_rows().await.unwrap(), Counts { events: 0, entities: 0 });
    drop(db);
    admit(store, &["a", "b", "c"].map(event)).await;
    let entities = [order("1"), order("2"), esim("1"), payment("1"), return_request("1")];
    save(store, &entities.map(|id| (id, json!({})))).await;
    let mut db = store.connect().await.unwrap();
    assert_eq!(db.count_rows().await.unwrap(), Counts { events: 3, entities: 5 });
}

async fn the_events_are_paged_in_the_order_of_their_ids<D: TestDatabase>(database: &D) {
    let store = database.store();
    // Neither in the order in which they come, nor in one that text would have if it were written another way.
    let ids = [0xff, 0x0a, 0x9, 0x100, 0x10, 0xa0, 0x1, u128::MAX - 1].map(Uuid::from_u128);
    let events = ids.map(|id| {
        let (mut envelope, event) = event(&id.to_string());
        envelope.id = id;
        (envelope, event)
    });
    admit(store, &events).await;
    let mut sorted = ids;
    sorted.sort();
    let mut db = store.connect().await.unwrap();
    assert_eq!(db.find_page_ends(3).await.unwrap(), [sorted[2], sorted[5]]);
    assert_eq!(db.find_page_ends(4).await.unwrap(), [sorted[3], sorted[7]]);
    assert!(db.find_page_ends(9).await.unwrap().is_empty());
    for (after, through, expected) in [
        (Uuid::nil(), sorted[2], &sorted[..3]),
        (sorted[2], sorted[5], &sorted[3..6]),
        (sorted[5], Uuid::max(), &sorted[6..]),
    ] {
        let mut page: Vec<_> = db.read_page(after, through).await.unwrap();
        page.sort_by_key(|kept| kept.envelope.id);
        assert_eq!(page.iter().map(|kept| kept.envelope.id).collect::<Vec<_>>(), expected);
        assert!(page.iter().all(|kept| kept.event_key == kept.envelope.id.to_string()));
    }
    assert!(db.read_page(sorted[2], sorted[2]).await.unwrap().is_empty());
}

/// Entities of all kinds, with the rows as the events would have them.
fn entities() -> Vec<(EntityId, Value, Value)> {
    let order_blocks = json!({
        "standing": { "at": "2026-05-31T10:00:00Z", "value": { "status": "failed", "reason": "it's \"ü\"" } },
        "unknown_statuses": ["WHAT?"], "amount": { "value": "9.5" }, "quantity": { "value": 2 },
    });
    let order_row = json!({
        "source": SOURCE, "order_ref": "B1", "status": "failed", "provider_status": null,
        "status_at": "2026-05-31T10:00:00Z", "needs_review": true, "failure_reason": "it's \"ü\"", "product": null,
        "package_code": null, "package_name": null, "amount": "9.5", "currency": null, "quantity": 2,
        "track_ref": null, "confirmation": null, "mode": "live", "created_at": null, "updated_at": null,
    });
    let esim_blocks = json!({
        "usage": { "at": "2026-05-31T10:00:00.12Z", "value": { "total_bytes": 50_000_000_000_u64, "used_bytes": 7 } },
        "install": { "value": { "activation_code": "LPA:1$rsp.demo$X" } },
        "expires_at": { "value": "2027-05-31T00:00:00Z" },
    });
    let mut esim_row = json!({
        "source": SOURCE, "esim_ref": "B1/8901", "total_bytes": 50_000_000_000_u64, "used_bytes": 7,
        "usage_at": "2026-05-31T10:00:00.12Z", "activation_code": "LPA:1$rsp.demo$X",
        "expires_at": "2027-05-31T00:00:00Z", "mode": "live",
    });
    for empty in [
        "order_ref",
        "iccid",
        "eid",
        "provider_esim_ref",
        "plan_status",
        "provider_plan_status",
        "plan_status_at",
        "profile_status",
        "provider_profile_status",
        "profile_status_at",
        "package_name",
        "confirmation",
        "created_at",
        "updated_at",
    ] {
        esim_row[empty] = Value::Null;
    }
    let mut payment_row =
        json!({ "source": SOURCE, "payment_ref": "P1", "status": "pending", "mode": "live", "amount": "1" });
    for empty in [
        "direction", "provider_status", "status_at", "code", "payer_email", "failure_reason", "operation_ref",
        "description", "confirmation", "created_at", "updated_at",
    ] {
        payment_row[empty] = Value::Null;
    }
    let mut return_row =
        json!({ "source": SOURCE, "return_ref": "R1", "status": "requested", "mode": "live", "reason": "r" });
    for empty in [
        "order_ref", "provider_status", "status_at", "return_type", "refund_amount", "track_ref", "created_at",
        "updated_at",
    ] {
        return_row[empty] = Value::Null;
    }
    vec![
        (order("B1"), order_blocks, order_row),
        (esim("B1/8901"), esim_blocks, esim_row),
        (payment("P1"), json!({ "amount": { "value": "1" } }), payment_row),
        (return_request("R1"), json!({ "reason": { "value": "r" } }), return_row),
    ]
}

fn full(id: &EntityId, blocks: Value, row: Value) -> Map<String, Value> {
    let Value::Object(mut row) = row else { panic!("{row}") };
    let blocks = match state(id, blocks) {
        State::Order(order) => serde_json::to_value(order),
        State::Esim(esim) => serde_json::to_value(esim),
        State::Payment(payment) => serde_json::to_value(payment),
        State::Return(return_request) => serde_json::to_value(return_request),
    };
    row.insert("blocks".to_owned(), blocks.unwrap());
    row.insert("provider".to_owned(), json!("esim_access"));
    row
}

fn expected() -> Expected {
    let mut expected = Expected::default();
    for (id, blocks, row) in entities() {
        expected.push(&id.key, full(&id, blocks, row));
    }
    expected
}

async fn saved(store: &dyn Store) {
    let entities: Vec<_> = entities().into_iter().map(|(id, blocks, _)| (id, blocks)).collect();
    save(store, &entities).await;
}

/// What differs: the entity, and the column with what it holds and should.
async fn differences(store: &dyn Store) -> Vec<(String, String, String)> {
    let mut db = store.connect().await.unwrap();
    let found = db.compare_rows(&expected()).await.unwrap();
    let told = |Mismatch { id, field }: Mismatch| {
        let name = format!("{} {}", id.source, id.key.parts().1);
        let (column, stored, refolded) = field.unwrap_or_else(|| ("no row".to_owned(), Value::Null, Value::Null));
        (name, column, format!("{stored} for {refolded}"))
    };
    let mut told: Vec<_> = found.into_iter().map(told).collect();
    told.sort();
    told
}

async fn rows_that_are_as_they_should_be_differ_in_nothing<D: TestDatabase>(database: &D) {
    let store = database.store();
    saved(store).await;
    assert_eq!(differences(store).await, []);
    let mut db = store.connect().await.unwrap();
    assert!(db.compare_rows(&Expected::default()).await.unwrap().is_empty());
    drop(db);
    // What nobody expects is not looked at here.
    save(store, &[(order("B2"), json!({}))]).await;
    assert_eq!(differences(store).await, []);
}

async fn exactly_the_changed_column_differs<D: TestDatabase>(database: &D) {
    let store = database.store();
    saved(store).await;
    let cases = [
        ("orders", "status = 'completed'", "B1", "status"),
        ("orders", "status_at = '2026-05-31T10:00:00.000001Z'", "B1", "status_at"),
        ("orders", "failure_reason = NULL", "B1", "failure_reason"),
        ("orders", "package_name = ''", "B1", "package_name"),
        ("orders", "amount = '9.51'", "B1", "amount"),
        ("orders", "quantity = 3", "B1", "quantity"),
        ("orders", "provider = 'yoni'", "B1", "provider"),
        ("esims", "used_bytes = NULL", "B1/8901", "used_bytes"),
        ("esims", "expires_at = NULL", "B1/8901", "expires_at"),
        ("esims", "activation_code = 'LPA:1$stolen$X'", "B1/8901", "activation_code"),
        ("payments", "code = 'c'", "P1", "code"),
        ("returns", "mode = 'test'", "R1", "mode"),
        ("orders", "blocks = '{\"quantity\": {\"value\": 2}}'", "B1", "blocks"),
        (
            "returns",
            "blocks = '{\"reason\": {\"value\": \"s\"}, \"heard\": {\"first\": null, \"last\": null}}'",
            "R1",
            "blocks",
        ),
    ];
    for (table, change, reference, column) in cases {
        assert_eq!(database.execute(&format!("UPDATE {table} SET {change}")).await, 1);
        let found = differences(store).await;
        let named: Vec<_> = found.iter().map(|(name, column, _)| (&**name, &**column)).collect();
        assert_eq!(named, [(format!("{SOURCE} {reference}").as_str(), column)], "{change}: {found:?}");
        // As it was, but for the provider.
        saved(store).await;
        database.execute("UPDATE orders SET provider = 'esim_access'").await;
    }
    // The order of keys, spaces, and how a number is written say nothing.
    let again = "'{ \"heard\": {\"last\": null, \"first\": null},  \"reason\": {\"value\": \"\\u0072\"}}'";
    assert_eq!(database.execute(&format!("UPDATE returns SET blocks = {again}")).await, 1);
    assert_eq!(differences(store).await, []);
    // What is told of a column is what it holds.
    database.execute("UPDATE orders SET quantity = 3, needs_review = NOT needs_review, status = 'completed'").await;
    let told: Vec<_> = differences(store).await.into_iter().map(|(_, column, told)| (column, told)).collect();
    let expected =
        [("needs_review", "false for true"), ("quantity", "3 for 2"), ("status", "\"completed\" for \"failed\"")];
    assert_eq!(told, expected.map(|(column, told)| (column.to_owned(), told.to_owned())));
}

async fn a_row_that_is_not_there_is_told<D: TestDatabase>(database: &D) {
    let store = database.store();
    let found = differences(store).await;
    let missing: Vec<_> = found.iter().map(|(name, column, _)| format!("{name}: {column}")).collect();
    let expected = ["B1", "B1/8901", "P1", "R1"].map(|name| format!("{SOURCE} {name}: no row"));
    assert_eq!(missing, expected);
    saved(store).await;
    // A row of another source is not it.
    assert_eq!(database.execute("UPDATE orders SET source = 'another'").await, 1);
    assert_eq!(differences(store).await.len(), 1);
}

async fn entities_are_listed_page_by_page<D: TestDatabase>(database: &D) {
    let store = database.store();
    let references = ["a", "B", "c", "Ä", "1", "a/1", "_", "\u{1f4f6}", "'"];
    let of = |make: fn(&str) -> EntityId| {
        references.iter().flat_map(move |reference| {
            ["one", "Two"].map(|source| EntityId { source: source.to_owned(), ..make(reference) })
        })
    };
    for (table, make) in [
        (EntityTable::Orders, order as fn(&str) -> EntityId),
        (EntityTable::Esims, esim),
        (EntityTable::Payments, payment),
        (EntityTable::Returns, return_request),
    ] {
        save(store, &of(make).map(|id| (id, json!({}))).collect::<Vec<_>>()).await;
        let mut db = store.connect().await.unwrap();
        let (mut after, mut seen) = ((String::new(), String::new()), Vec::new());
        loop {
            let page = db.list_entities(table, (&after.0, &after.1), 4).await.unwrap();
            assert!(page.len() <= 4);
            let Some(last) = page.last() else { break };
            after = (last.source.clone(), last.key.parts().1.to_owned());
            seen.extend(page);
            assert!(seen.len() <= 2 * references.len(), "some twice: {seen:?}");
        }
        assert_eq!(seen.len(), 2 * references.len(), "each once: {seen:?}");
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), of(make).collect());
    }
}

fn low_data(percent: u32) -> Premise {
    let about = Allowance::TotalBytes(53_687_091_200);
    Premise::About { subject: EntityKey::Esim("it's \"B1\"/ü".to_owned()), rule: Rule::LowData { percent, about } }
}

/// The promise as it should be there.
fn wanted(promise: &ActionRow<'_>) -> Wanted {
    Wanted {
        id: promise.id,
        source: promise.source.to_owned(),
        action_key: promise.action_key.clone(),
        kind: promise.kind,
        order_ref: promise.order_ref.clone(),
        esim_ref: promise.esim_ref.clone(),
        premise: promise.premise.clone(),
    }
}

async fn a_promise_that_was_not_made_is_missing<D: TestDatabase>(database: &D) {
    let store = database.store();
    make(store, &["a", "it's \"b\" \\"].map(promise), &[]).await;
    let elsewhere = ActionRow { source: "another", ..promise("a") };
    let promises = [promise("a"), promise("it's \"b\" \\"), promise("c"), elsewhere];
    let mut asked: Vec<_> = promises.iter().map(wanted).collect();
    asked[3].id = Uuid::from_u128(9);
    let mut db = store.connect().await.unwrap();
    let mut missing = db.find_missing_promises(&asked).await.unwrap();
    missing.sort();
    let mut expected = vec![promise("c").id, Uuid::from_u128(9)];
    expected.sort();
    assert_eq!(missing, expected);
    assert!(db.find_missing_promises(&asked[..2]).await.unwrap().is_empty());
    assert!(db.find_missing_promises(&[]).await.unwrap().is_empty());
}

async fn the_same_promise_is_known_by_its_meaning<D: TestDatabase>(database: &D) {
    let store = database.store();
    let about = |key: &str, order: Option<&str>, esim: Option<&str>, percent| ActionRow {
        kind: ActionKind::LowData,
        order_ref: order.map(str::to_owned),
        esim_ref: esim.map(str::to_owned),
        premise: low_data(percent),
        ..promise(key)
    };
    let kept = [
        about("by eSIM", None, Some("B1"), 80),
        about("by order", Some("B2"), None, 80),
        about("by nothing", None, None, 80),
    ];
    make(store, &kept, &[]).await;
    // Under another key they say the same; a few say something else.
    let same = [
        about("1", Some("another"), Some("B1"), 80),
        about("2", Some("B2"), Some("another"), 80),
        about("3", None, None, 80),
    ];
    let others = [
        about("4", None, Some("B1"), 90),
        ActionRow { kind: ActionKind::ExpiringSoon, ..about("5", None, Some("B1"), 80) },
        ActionRow { source: "another", ..about("6", None, Some("B1"), 80) },
        about("7", None, Some("B3"), 80),
        ActionRow { premise: Premise::Always, ..about("8", None, None, 80) },
    ];
    let asked: Vec<_> = same.iter().chain(&others).map(wanted).collect();
    let expected: BTreeSet<_> = same.iter().map(|promise| promise.id).collect();
    let mut db = store.connect().await.unwrap();
    let found = db.find_same_promises(&asked).await.unwrap();
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
    assert!(db.find_same_promises(&[]).await.unwrap().is_empty());
    drop(db);
    // As another version of ours might have written them.
    let spelled =
        "'{ \"about\": {\"rule\": {\"low_data\": {\"about\": {\"total_bytes\": 53687091200}, \"percent\": 80}},
                      \"subject\": {\"ref\": \"it''s \\\"B1\\\"/\\u00fc\", \"entity\": \"esim\"}} }'";
    assert_eq!(database.execute(&format!("UPDATE actions SET premise = {spelled}")).await, 3);
    let mut db = store.connect().await.unwrap();
    let found = db.find_same_promises(&asked).await.unwrap();
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected, "spelled in another way");
}
