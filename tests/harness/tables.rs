//! What the tables say, as a report on them would read it.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

/// What must be the same however often and in whatever order the events came.
const OUTCOME: [&str; 6] = ["orders", "esims", "payments", "returns", "actions", "deliveries"];

/// The rows of all the tables that events end in, each table's in a fixed order.
pub async fn outcome(pool: &PgPool) -> BTreeMap<&'static str, Vec<Value>> {
    let mut outcome = BTreeMap::new();
    for table in OUTCOME {
        outcome.insert(table, rows(pool, table).await);
    }
    outcome
}

/// All rows of a table.
pub async fn rows(pool: &PgPool, table: &str) -> Vec<Value> {
    let sql = format!("SELECT to_jsonb(t) FROM {table} AS t ORDER BY to_jsonb(t)::text");
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(pool).await.unwrap()
}

/// The one row of an entity's table.
pub async fn row(pool: &PgPool, table: &str, key: &str, source: &str, reference: &str) -> Value {
    let sql = format!("SELECT to_jsonb(t) FROM {table} AS t WHERE source = $1 AND {key} = $2");
    let row: Option<Value> =
        sqlx::query_scalar(AssertSqlSafe(sql)).bind(source).bind(reference).fetch_optional(pool).await.unwrap();
    row.unwrap_or_else(|| panic!("there is no row ({source}, {reference}) in {table}"))
}

/// From now on the database takes no event with this word in its body. What is read fits the tables, so a scenario of what
/// they refuse brings a rule of its own.
pub async fn refuse_events_with(pool: &PgPool, word: &str) {
    let rule = format!("CHECK (position('{word}'::bytea IN body) = 0)");
    let sql = format!("ALTER TABLE events ADD CONSTRAINT events_of_the_scenario_check {rule}");
    sqlx::query(AssertSqlSafe(sql)).execute(pool).await.unwrap();
}

/// How many events there are.
pub async fn event_count(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(pool).await.unwrap()
}

/// How many of what was sent is neither an event, nor a copy of one, nor a dead letter. `hashes` are those of the
/// bodies; empty for what is no event.
pub async fn missing(pool: &PgPool, ids: &[Uuid], sources: &[String], hashes: &[String]) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT count(*) FROM UNNEST($1::uuid[], $2::text[], $3::text[]) AS sent (id, source, hash)
         WHERE NOT EXISTS (SELECT FROM events WHERE events.id = sent.id)
           AND NOT EXISTS (SELECT FROM dead_letters WHERE dead_letters.id = sent.id)
           AND NOT EXISTS (
               SELECT FROM events
               WHERE events.source = sent.source AND split_part(events.event_key, '@', 1) = sent.hash
           )",
    )
    .bind(ids)
    .bind(sources)
    .bind(hashes)
    .fetch_one(pool)
    .await
}

/// Deliveries that are not at their end.
pub async fn undelivered(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) FROM deliveries WHERE status IN ('pending', 'sending')").fetch_one(pool).await
}

/// Asserts that `row` has each of the `expected` fields with its value.
#[track_caller]
pub fn assert_row(row: &Value, expected: &Value) {
    let seen: serde_json::Map<_, _> = expected
        .as_object()
        .unwrap()
        .keys()
        .map(|name| (name.clone(), row.get(name).cloned().unwrap_or_else(|| panic!("no field {name} in {row:#}"))))
        .collect();
    assert_eq!(&Value::Object(seen), expected, "in {row:#}");
}
