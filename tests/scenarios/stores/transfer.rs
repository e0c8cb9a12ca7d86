//! Every row can move from SQLite to PostgreSQL, whatever is in it, and is the same there.

use futures_util::TryStreamExt as _;
use harness::databases::{PostgresDatabase, SqliteDatabase, TestDatabase};
use serde_json::{Value, json};
use store::Store;
use store::catalogue::{Form, TABLES, Table};
use store::transfer::{Row, Transfer as _};

on_both! {
    a_table_is_empty_until_a_row_is_in_it
    what_is_written_is_read_again
}

const STRANGE: &str = "it's \"so\" \\ \\n \n\t – ü 北京 \u{1f4f6} \u{1} $1 ?1 {x} --";
const LATE: &str = "2026-05-31T10:00:00.000001Z";
const EARLY: &str = "1999-12-31T23:59:59.999999Z";

fn id(number: u32) -> String {
    format!("00000000-0000-0000-0000-{number:012x}")
}

/// Rows of a table, in their order: full ones, and those of which as little is known as can be.
fn rows(table: &'static Table) -> Vec<Row> {
    let bytes = hex::encode((0..=255).collect::<Vec<u8>>());
    let blocks = json!({ "a": [1, -0.5, null, true, STRANGE], "b": { "c": 9_223_372_036_854_775_807_i64 } });
    let named = |full: Value, bare: Value| vec![full, bare];
    let rows = match table.name {
        "events" => named(
            json!({
                "id": id(1), "source": STRANGE, "provider": "airalo", "kind": STRANGE, "event_key": STRANGE,
                "provider_event_id": STRANGE, "occurred_at": EARLY, "disbelieved_at": LATE, "received_at": LATE,
                "applied_at": EARLY, "order_ref": STRANGE, "esim_ref": STRANGE, "payment_ref": STRANGE,
                "origin": "replay", "mode": "test", "traceparent": STRANGE, "content_type": STRANGE,
                "headers": { "x": STRANGE }, "body": bytes,
            }),
            json!({
                "id": id(2), "source": "", "provider": "airtm", "kind": "", "event_key": "", "received_at": EARLY,
                "applied_at": LATE, "origin": "webhook", "mode": "live", "headers": {}, "body": "",
            }),
        ),
        "orders" => named(
            json!({
                "source": "a", "order_ref": STRANGE, "provider": "yoni", "status": "failed", "provider_status": STRANGE,
                "status_at": EARLY, "needs_review": true, "failure_reason": STRANGE, "product": "top_up",
                "package_code": STRANGE, "package_name": STRANGE, "amount": "9.50", "currency": STRANGE,
                "quantity": 4_294_967_295_u32, "track_ref": STRANGE, "mode": "test", "created_at": EARLY,
                "updated_at": LATE, "confirmation": "refuted", "blocks": blocks,
            }),
            json!({
                "source": "b", "order_ref": "1", "provider": "yoni", "status": "pending", "needs_review": false,
                "mode": "live", "blocks": {},
            }),
        ),
        "esims" => named(
            json!({
                "source": "a", "esim_ref": STRANGE, "provider": "yoni", "order_ref": STRANGE, "iccid": STRANGE,
                "eid": STRANGE, "provider_esim_ref": STRANGE, "plan_status": "active", "provider_plan_status": STRANGE,
                "plan_status_at": EARLY, "profile_status": "enabled", "provider_profile_status": STRANGE,
                "profile_status_at": LATE, "activation_code": format!("LPA:{STRANGE}"), "total_bytes": i64::MAX,
                "used_bytes": 0, "usage_at": LATE, "expires_at": LATE, "package_name": STRANGE, "mode": "test",
                "created_at": EARLY, "updated_at": LATE, "confirmation": "confirmed", "blocks": blocks,
            }),
            json!({ "source": "b", "esim_ref": "1", "provider": "yoni", "mode": "live", "blocks": {} }),
        ),
        "payments" => named(
            json!({
                "source": "a", "payment_ref": STRANGE, "provider": "airtm", "direction": "payout", "status": "failed",
                "provider_status": STRANGE, "status_at": LATE, "amount": "12345678901234567890.123456789",
                "code": STRANGE, "payer_email": STRANGE, "failure_reason": STRANGE, "operation_ref": STRANGE,
                "description": STRANGE, "mode": "test", "created_at": EARLY, "updated_at": LATE,
                "confirmation": "unconfirmed", "blocks": blocks,
            }),
            json!({
                "source": "b", "payment_ref": "1", "provider": "airtm", "status": "pending", "mode": "live", "blocks": {},
            }),
        ),
        "returns" => named(
            json!({
                "source": "a", "return_ref": STRANGE, "provider": "simplifytrip", "order_ref": STRANGE,
                "status": "approved", "provider_status": STRANGE, "status_at": LATE, "return_type": STRANGE,
                "refund_amount": "-0.05", "reason": STRANGE, "track_ref": STRANGE, "mode": "test", "created_at": EARLY,
                "updated_at": LATE, "blocks": blocks,
            }),
            json!({
                "source": "b", "return_ref": "1", "provider": "simplifytrip", "status": "requested", "mode": "live",
                "blocks": {},
            }),
        ),
        _ => other_rows(table.name),
    };
    rows.into_iter().map(|row| complete(table, row)).collect()
}

fn other_rows(table: &str) -> Vec<Value> {
    let bytes = hex::encode((0..=255).collect::<Vec<u8>>());
    let payload = json!({ "text": STRANGE, "number": 18_446_744_073_709_551_615_u64, "list": [null, false] });
    match table {
        "actions" => vec![
            json!({
                "id": id(1), "source": "a", "action_key": STRANGE, "kind": STRANGE, "audience": "operator",
                "mode": "test", "order_ref": STRANGE, "esim_ref": STRANGE, "payload": payload, "premise": payload,
                "caused_by": id(9), "traceparent": STRANGE, "created_at": LATE,
            }),
            json!({
                "id": id(2), "source": "a", "action_key": "", "kind": "", "audience": "customer", "mode": "live",
                "payload": null, "premise": "always", "caused_by": id(9), "created_at": EARLY,
            }),
        ],
        "deliveries" => vec![
            json!({
                "action_id": id(1), "channel": "a", "status": "sending", "attempts": 2_147_483_647, "next_attempt_at": LATE,
                "lease_until": LATE, "last_error": STRANGE,
            }),
            json!({
                "action_id": id(1), "channel": "b", "status": "sent", "attempts": 1, "next_attempt_at": EARLY,
                "sent_at": LATE,
            }),
            json!({ "action_id": id(2), "channel": "a", "status": "pending", "attempts": 0, "next_attempt_at": EARLY }),
        ],
        // Ordered by time, which is not that of a clock that was set back in between.
        "attempts" => vec![
            json!({ "action_id": id(1), "channel": "a", "at": "2026-11-01T05:30:00.000000Z", "result": "failed" }),
            json!({ "action_id": id(1), "channel": "a", "at": "2026-11-01T06:10:00.000000Z", "result": "failed", "error": STRANGE }),
            json!({ "action_id": id(1), "channel": "a", "at": "2026-11-01T06:10:00.100000Z", "result": "postponed" }),
            json!({ "action_id": id(1), "channel": "a", "at": "2026-11-01T06:10:00.100000Z", "result": "postponed", "error": "" }),
        ],
        "disabled_endpoints" => vec![
            json!({ "channel": "", "address": "", "disabled_at": EARLY, "reason": "" }),
            json!({ "channel": "a", "address": STRANGE, "disabled_at": LATE, "reason": STRANGE }),
        ],
        "dead_letters" => vec![
            json!({
                "id": id(1), "source": STRANGE, "provider": STRANGE, "received_at": EARLY, "reason": "unparseable",
                "detail": STRANGE, "headers": payload, "body": bytes, "died_at": LATE, "replayed_at": LATE,
            }),
            json!({ "id": id(2), "reason": "unparseable", "detail": "", "headers": "x", "body": "", "died_at": EARLY }),
        ],
        "contacts" => vec![
            json!({
                "source": "a", "order_ref": STRANGE, "email": STRANGE, "name": STRANGE, "locale": STRANGE,
                "time_zone": STRANGE, "reference": STRANGE, "created_at": EARLY, "updated_at": LATE,
            }),
            json!({ "source": "b", "order_ref": "1", "email": "a@b", "created_at": EARLY, "updated_at": LATE }),
        ],
        "registrations" => vec![
            json!({
                "source": "a", "order_ref": STRANGE, "description": STRANGE, "created_at": EARLY, "repaired_at": LATE,
            }),
            json!({ "source": "b", "order_ref": "1", "created_at": EARLY }),
        ],
        "fetch_tasks" => vec![
            json!({
                "source": "a", "question": "order", "reference": STRANGE, "lookup": payload, "reason": "thin",
                "status": "asking", "next_attempt_at": LATE, "lease_until": LATE, "is_wanted_again": true,
                "asked": 2_147_483_647, "failures": 7, "last_error": STRANGE, "answer_hash": STRANGE,
                "answered_at": EARLY, "created_at": EARLY,
            }),
            json!({
                "source": "b", "question": "usage", "reference": "", "lookup": {}, "reason": "poll", "status": "pending",
                "next_attempt_at": EARLY, "is_wanted_again": false, "asked": 0, "failures": 0, "created_at": EARLY,
            }),
        ],
        _ => panic!("no rows for {table}"),
    }
}

/// With nulls for what is left out.
fn complete(table: &'static Table, row: Value) -> Row {
    let Value::Object(mut row) = row else { panic!("{row}") };
    let given = row.len();
    let columns: Row = table
        .columns
        .iter()
        .map(|column| (column.name.to_owned(), row.remove(column.name).unwrap_or_default()))
        .collect();
    assert!(row.is_empty(), "{} has no {row:?}, of {given}", table.name);
    columns
}

/// As SQLite keeps it.
fn literal(form: Form, value: &Value) -> String {
    let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
    match (form, value) {
        (Form::Json, value) => text(&value.to_string()),
        (_, Value::Null) => "NULL".to_owned(),
        (Form::Bytes, Value::String(hex)) => format!("X'{hex}'"),
        (Form::Id | Form::Text | Form::Time | Form::Decimal, Value::String(value)) => text(value),
        (Form::Boolean, Value::Bool(value)) => u8::from(*value).to_string(),
        (Form::Integer, Value::Number(value)) => value.to_string(),
        (form, value) => panic!("{value} is no {form:?}"),
    }
}

async fn insert(sqlite: &SqliteDatabase, table: &'static Table, row: &Row) {
    let values: Vec<_> = table.columns.iter().map(|column| literal(column.form, &row[column.name])).collect();
    let insert = format!("INSERT INTO {} ({}) VALUES ({})", table.name, table.names(), values.join(", "));
    assert_eq!(sqlite.execute(&insert).await, 1);
}

async fn read(store: &dyn Store, table: &'static Table) -> Vec<Row> {
    let mut db = store.connect().await.unwrap();
    db.read_table(table).try_collect().await.unwrap()
}

#[tokio::test]
async fn every_row_is_the_same_when_it_has_moved() {
    let (postgres, sqlite) = (PostgresDatabase::create().await, SqliteDatabase::create().await);
    // Where the operator lives says nothing of the rows.
    let mut db = postgres.by_hand().await;
    sqlx::query("SET timezone TO 'America/New_York'").execute(&mut *db).await.unwrap();
    for table in TABLES.iter() {
        let expected = rows(table);
        // Not in the order in which they are read.
        for row in expected.iter().rev() {
            insert(&sqlite, table, row).await;
        }
        let leaving = read(sqlite.store(), table).await;
        assert_eq!(leaving, expected, "{} as it leaves", table.name);
        db.write_rows(table, &leaving).await.unwrap();
        let arrived: Vec<_> = db.read_table(table).try_collect().await.unwrap();
        assert_eq!(arrived, expected, "{} as it arrives", table.name);
    }
    drop(db);
    // The columns hold what they should, in types of their own.
    let seen = postgres.texts("SELECT concat_ws(' ', amount, needs_review, status_at AT TIME ZONE 'UTC', octet_length(blocks ->> 'b')) FROM orders ORDER BY source").await;
    let expected = ["9.50 t 1999-12-31 23:59:59.999999 26", "f"].map(|text| Some(text.to_owned()));
    assert_eq!(seen, expected);
    let lengths = postgres.texts("SELECT octet_length(body)::text FROM events ORDER BY id").await;
    assert_eq!(lengths, ["256", "0"].map(|text| Some(text.to_owned())));
    postgres.remove().await;
    sqlite.remove().await;
}

async fn a_table_is_empty_until_a_row_is_in_it<D: TestDatabase>(database: &D) {
    let mut db = database.store().connect().await.unwrap();
    for table in TABLES.iter() {
        assert!(db.is_empty(table).await.unwrap(), "{}", table.name);
        db.write_rows(table, &[]).await.unwrap();
        assert!(db.is_empty(table).await.unwrap(), "{} with nothing written", table.name);
        db.write_rows(table, &rows(table)).await.unwrap();
        assert!(!db.is_empty(table).await.unwrap(), "{}", table.name);
    }
}

async fn what_is_written_is_read_again<D: TestDatabase>(database: &D) {
    let mut db = database.store().connect().await.unwrap();
    for table in TABLES.iter() {
        db.write_rows(table, &rows(table)).await.unwrap();
        let read: Vec<_> = db.read_table(table).try_collect().await.unwrap();
        assert_eq!(read, rows(table), "{}", table.name);
    }
}
