//! The entities' rows: made when they are locked, locked until the transaction ends, and read as they were written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use harness::databases::TestDatabase;
use serde_json::{Value, json};
use shared::fact::State;
use shared::fold::EntityId;
use shared::origin::Provider;
use store::Store;

use super::given::{check, esim, order, payment, return_request, row, rows, save, standing, state};

on_both! {
    a_row_is_made_when_it_is_locked
    what_has_no_row_is_left_out
    a_saved_order_is_read_as_it_was_and_its_columns_say_the_same
    a_saved_esim_is_read_as_it_was_and_its_columns_say_the_same
    a_saved_payment_is_read_as_it_was_and_its_columns_say_the_same
    a_saved_return_is_read_as_it_was_and_its_columns_say_the_same
    what_is_not_known_is_null
    all_who_change_the_same_entities_take_effect
}

/// One of each kind.
fn one_of_each() -> [EntityId; 4] {
    [order("1"), esim("1"), payment("1"), return_request("1")]
}

async fn read(store: &dyn Store, ids: &[EntityId]) -> BTreeMap<EntityId, State> {
    let mut db = store.connect().await.unwrap();
    db.read_entities(&ids.iter().cloned().collect()).await.unwrap()
}

async fn a_row_is_made_when_it_is_locked<D: TestDatabase>(database: &D) {
    let store = database.store();
    let ids = one_of_each();
    let providers = [Provider::EsimAccess, Provider::Yoni, Provider::Airtm, Provider::Simplifytrip];
    let wanted: BTreeMap<_, _> = ids.iter().cloned().zip(providers).collect();
    let unknown: BTreeMap<_, _> = ids.iter().map(|id| (id.clone(), State::unknown(&id.key))).collect();
    for provider in [None, Some(Provider::Airalo)] {
        let wanted = wanted.iter().map(|(id, first)| (id.clone(), provider.unwrap_or(*first))).collect();
        let mut tx = store.begin().await.unwrap();
        assert_eq!(tx.lock_entities(&wanted).await.unwrap(), unknown);
        assert_eq!(tx.lock_entities(&BTreeMap::new()).await.unwrap(), BTreeMap::new());
        tx.commit().await.unwrap();
    }
    // The provider of the first one who spoke of it stays.
    check(&rows(store, "orders").await[0], &json!({ "provider": "esim_access", "status": "pending", "mode": "live" }));
    check(&rows(store, "esims").await[0], &json!({ "provider": "yoni", "plan_status": null, "mode": "live" }));
    check(&rows(store, "payments").await[0], &json!({ "provider": "airtm", "status": "pending", "mode": "live" }));
    let expected = json!({ "provider": "simplifytrip", "status": "requested", "mode": "live", "blocks": {} });
    check(&rows(store, "returns").await[0], &expected);
}

async fn what_has_no_row_is_left_out<D: TestDatabase>(database: &D) {
    let store = database.store();
    save(store, &[(order("1"), standing("completed")), (esim("it's \"1\""), json!({}))]).await;
    let elsewhere = EntityId { source: "another".to_owned(), ..order("1") };
    let asked = [order("1"), order("2"), esim("1"), esim("it's \"1\""), payment("1"), return_request("1"), elsewhere];
    let found = read(store, &asked).await;
    assert_eq!(found.keys().cloned().collect::<Vec<_>>(), [order("1"), esim("it's \"1\"")]);
    assert_eq!(read(store, &[]).await, BTreeMap::new());
}

/// Saves the blocks, reads them back, and compares the columns that people read.
async fn check_saved<D: TestDatabase>(database: &D, id: EntityId, blocks: Value, table: &str, columns: Value) {
    let store = database.store();
    // A neighbour in the same statements, which must not get anything of it.
    let neighbour = match table {
        "orders" => order("neighbour"),
        "esims" => esim("neighbour"),
        "payments" => payment("neighbour"),
        _ => return_request("neighbour"),
    };
    save(store, &[(neighbour.clone(), json!({})), (id.clone(), blocks.clone())]).await;
    let expected =
        BTreeMap::from([(neighbour.clone(), State::unknown(&neighbour.key)), (id.clone(), state(&id, blocks.clone()))]);
    assert_eq!(read(store, &[id.clone(), neighbour]).await, expected);
    let name = id.key.parts().1;
    let key = format!("{}_ref", table.trim_end_matches('s'));
    let row = row(store, table, &key, name).await;
    check(&row, &columns);
    let known = columns.as_object().unwrap().len();
    assert_eq!(row.len(), known + 4, "all but source, reference, provider and blocks is expected: {row:?}");
    assert_eq!(state(&id, row["blocks"].clone()), state(&id, blocks));
}

async fn a_saved_order_is_read_as_it_was_and_its_columns_say_the_same<D: TestDatabase>(database: &D) {
    let blocks = json!({
        "standing": {
            "at": "2026-05-31T10:00:00.000001Z",
            "value": { "status": "cancelled", "reason": "it's \"sold\" \\ out\n\u{1f4f6} ünï 北京" },
        },
        "provider_status": { "at": "2026-05-31T10:00:00Z", "sequence": u64::MAX, "value": "CANCEL" },
        "untimed_finals": ["failed", "completed"],
        "unknown_statuses": ["WHAT?"],
        "product": { "value": "physical_sim" },
        "package_code": { "strength": "weak", "value": "" },
        "package_name": { "value": " 1 GB – 7 Days " },
        "amount": { "value": "9.50" },
        "currency": { "value": "USD" },
        "quantity": { "value": u32::MAX },
        "track_ref": { "value": "17" },
        "mode": { "value": "test" },
        "confirmation": { "rung": { "at": "2026-05-31T10:00:00Z", "value": "cancelled" } },
        "heard": { "first": "2026-05-31T10:00:00Z", "last": "2026-05-31T10:00:01.5Z" },
    });
    let columns = json!({
        "status": "cancelled", "provider_status": "CANCEL", "status_at": "2026-05-31T10:00:00.000001Z",
        "needs_review": true, "failure_reason": "it's \"sold\" \\ out\n\u{1f4f6} ünï 北京", "product": "physical_sim",
        "package_code": "", "package_name": " 1 GB – 7 Days ", "amount": "9.50", "currency": "USD",
        "quantity": u32::MAX, "track_ref": "17", "mode": "test", "created_at": "2026-05-31T10:00:00.000000Z",
        "updated_at": "2026-05-31T10:00:01.500000Z", "confirmation": "unconfirmed",
    });
    check_saved(database, order("B\u{1f4f6}'1\""), blocks, "orders", columns).await;
}

async fn a_saved_esim_is_read_as_it_was_and_its_columns_say_the_same<D: TestDatabase>(database: &D) {
    let blocks = json!({
        "order_ref": { "value": "B1" },
        "iccid": { "value": "8901" },
        "eid": { "value": "8904" },
        "provider_esim_ref": { "value": "25" },
        "plan": { "at": "2026-05-31T10:00:00Z", "value": "active" },
        "provider_plan_status": { "value": "IN_USE" },
        "profile": { "at": "2026-05-31T10:00:00.12Z", "sequence": 3, "value": "enabled" },
        "provider_profile_status": { "value": "ENABLED" },
        "install": { "value": { "activation_code": "LPA:1$rsp.demo$X\\Y'\"", "pin": "0000" } },
        "usage": { "at": "2026-05-31T11:00:00Z", "value": { "total_bytes": i64::MAX, "used_bytes": 0 } },
        "reached_percent": { "9223372036854775807": 80, "1000": 50 },
        "low_data_alert": { "value": { "level": 80, "event_key": "k" } },
        "expires_at": { "value": "2027-05-31T00:00:00Z" },
        "expiry_notices": [["2027-05-31T00:00:00Z", 3]],
        "expiry_alert": { "value": { "level": 1, "event_key": "k" } },
        "package_name": { "value": "p" },
        "mode": { "value": "live" },
        "confirmation": { "vouched": { "at": "2026-05-31T10:00:00Z", "value": null }, "ever": ["x"] },
        "heard": { "first": "2026-05-31T10:00:00Z", "last": "2026-05-31T10:00:00Z" },
    });
    let columns = json!({
        "order_ref": "B1", "iccid": "8901", "eid": "8904", "provider_esim_ref": "25", "plan_status": "active",
        "provider_plan_status": "IN_USE", "plan_status_at": "2026-05-31T10:00:00.000000Z", "profile_status": "enabled",
        "provider_profile_status": "ENABLED", "profile_status_at": "2026-05-31T10:00:00.120000Z",
        "activation_code": "LPA:1$rsp.demo$X\\Y'\"", "total_bytes": i64::MAX, "used_bytes": 0,
        "usage_at": "2026-05-31T11:00:00.000000Z", "expires_at": "2027-05-31T00:00:00.000000Z", "package_name": "p",
        "mode": "live", "created_at": "2026-05-31T10:00:00.000000Z", "updated_at": "2026-05-31T10:00:00.000000Z",
        "confirmation": "unconfirmed",
    });
    check_saved(database, esim("B1/8901"), blocks, "esims", columns).await;
}

async fn a_saved_payment_is_read_as_it_was_and_its_columns_say_the_same<D: TestDatabase>(database: &D) {
    let blocks = json!({
        "standing": { "at": "1999-12-31T23:59:59.999999Z", "value": { "status": "failed", "reason": "no funds" } },
        "provider_status": { "value": "declined" },
        "direction": { "value": "payout" },
        "amount": { "value": "12345678901234567890.123456789" },
        "code": { "value": "123456" },
        "payer_email": { "value": "zoë@example.com" },
        "operation_ref": { "value": "1DF5" },
        "description": { "value": "for\ttwo" },
        "mode": { "value": "live" },
        "confirmation": {
            "vouched": { "at": "2026-05-31T10:00:00Z", "value": "failed" }, "ever": ["failed"],
        },
        "heard": { "first": "2026-05-31T10:00:00Z", "last": "2026-05-31T10:00:00Z" },
    });
    let columns = json!({
        "direction": "payout", "status": "failed", "provider_status": "declined",
        "status_at": "1999-12-31T23:59:59.999999Z", "amount": "12345678901234567890.123456789", "code": "123456",
        "payer_email": "zoë@example.com", "failure_reason": "no funds", "operation_ref": "1DF5",
        "description": "for\ttwo", "mode": "live", "created_at": "2026-05-31T10:00:00.000000Z",
        "updated_at": "2026-05-31T10:00:00.000000Z", "confirmation": "confirmed",
    });
    check_saved(database, payment("P1"), blocks, "payments", columns).await;
}

async fn a_saved_return_is_read_as_it_was_and_its_columns_say_the_same<D: TestDatabase>(database: &D) {
    let blocks = json!({
        "status": { "at": "2026-05-31T10:00:00Z", "value": "approved" },
        "provider_status": { "value": "APPROVED" },
        "order_ref": { "value": "T1" },
        "return_type": { "value": "PARTIAL" },
        "refund_amount": { "value": "-0.05" },
        "reason": { "value": "Trip cancelled" },
        "track_ref": { "value": "t" },
        "mode": { "value": "test" },
        "heard": { "first": "2026-05-31T10:00:00Z", "last": "2026-06-01T10:00:00Z" },
    });
    let columns = json!({
        "order_ref": "T1", "status": "approved", "provider_status": "APPROVED",
        "status_at": "2026-05-31T10:00:00.000000Z", "return_type": "PARTIAL", "refund_amount": "-0.05",
        "reason": "Trip cancelled", "track_ref": "t", "mode": "test", "created_at": "2026-05-31T10:00:00.000000Z",
        "updated_at": "2026-06-01T10:00:00.000000Z",
    });
    check_saved(database, return_request("R1"), blocks, "returns", columns).await;
}

async fn what_is_not_known_is_null<D: TestDatabase>(database: &D) {
    let store = database.store();
    let full = json!({
        "package_name": { "value": "p" }, "amount": { "value": "1" }, "quantity": { "value": 1 },
        "product": { "value": "esim" }, "standing": { "at": "2026-05-31T10:00:00Z", "value": { "status": "failed" } },
    });
    save(store, &[(order("1"), full)]).await;
    // What is written over it says less.
    save(store, &[(order("1"), json!({}))]).await;
    let empty = json!({
        "status": "pending", "provider_status": null, "status_at": null, "needs_review": false, "failure_reason": null,
        "product": null, "package_code": null, "package_name": null, "amount": null, "currency": null,
        "quantity": null, "track_ref": null, "mode": "live", "created_at": null, "updated_at": null,
        "confirmation": null,
    });
    check(&row(store, "orders", "order_ref", "1").await, &empty);
    save(store, &[(esim("1"), json!({})), (payment("1"), json!({})), (return_request("1"), json!({}))]).await;
    for (table, stays) in [
        ("esims", ["mode", "provider", "source", "esim_ref", "blocks"].as_slice()),
        ("payments", &["mode", "provider", "source", "payment_ref", "blocks", "status"]),
        ("returns", &["mode", "provider", "source", "return_ref", "blocks", "status"]),
    ] {
        let row = rows(store, table).await.remove(0);
        let filled: BTreeSet<_> = row.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| &**name).collect();
        assert_eq!(filled, stays.iter().copied().collect(), "{table}");
    }
}

/// Adds something to each of the entities, as often as told, in a transaction each.
async fn add_to_all(store: Arc<dyn Store>, name: usize, rounds: u32) {
    let ids = one_of_each();
    let wanted: BTreeMap<_, _> = ids.iter().map(|id| (id.clone(), Provider::EsimAccess)).collect();
    for round in 0..rounds {
        let mut tx = store.begin().await.unwrap();
        let mut states = tx.lock_entities(&wanted).await.unwrap();
        for state in states.values_mut() {
            match state {
                State::Order(order) => drop(order.unknown_statuses.insert(format!("{name}:{round}"))),
                State::Esim(esim) => {
                    let percent = u64::try_from(name).unwrap() * 1_000 + u64::from(round);
                    esim.reached_percent.insert(percent, 50);
                }
                State::Payment(_) | State::Return(_) => {}
            }
        }
        tx.save_entities(&states).await.unwrap();
        // Every third changes its mind.
        if round % 3 == 2 { drop(tx) } else { tx.commit().await.unwrap() }
    }
    store.close().await;
}

async fn all_who_change_the_same_entities_take_effect<D: TestDatabase>(database: &D) {
    const ROUNDS: u32 = 12;
    let tasks: Vec<_> = (0..4).map(|name| tokio::spawn(add_to_all(database.open(), name, ROUNDS))).collect();
    for task in tasks {
        task.await.unwrap();
    }
    let states = read(database.store(), &one_of_each()).await;
    let (Some(State::Order(order)), Some(State::Esim(esim))) = (states.get(&order("1")), states.get(&esim("1"))) else {
        panic!("{states:?}");
    };
    let kept = usize::try_from(ROUNDS - ROUNDS / 3).unwrap();
    assert_eq!((order.unknown_statuses.len(), esim.reached_percent.len()), (4 * kept, 4 * kept));
}
