//! What the public tables say, read as a report on them would: the same statements for PostgreSQL and for SQLite, every
//! column as a text. It knows names of tables and columns, and no rule.

use std::collections::BTreeMap;

use anyhow::Context as _;
use chrono::{DateTime, NaiveDateTime, Utc};
use rust_decimal::Decimal;
use sqlx::any::AnyRow;
use sqlx::{AnyPool, AssertSqlSafe, Row as _};

use crate::event::{Table, Time, Value};

/// A database of either edition.
#[derive(Debug, Clone)]
pub struct Database {
    pool: AnyPool,
    is_postgres: bool,
}

/// A row: what stands in its columns, where that is not null.
pub type Texts = BTreeMap<&'static str, String>;

/// The tables, since a moment.
#[derive(Debug, Clone, Default)]
pub struct Sheet {
    pub entities: BTreeMap<Table, Vec<Texts>>,
    pub events: Vec<Texts>,
    pub actions: Vec<Texts>,
    pub deliveries: Vec<Texts>,
    pub dead_letters: Vec<Texts>,
}

/// Counts that change as long as something happens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pulse {
    pub events: i64,
    pub dead_letters: i64,
    pub actions: i64,
    /// Deliveries that are not at their end.
    pub open: i64,
    pub ended: i64,
}

const ORDERS: &[&str] = &[
    "source", "order_ref", "provider", "status", "provider_status", "status_at", "needs_review", "failure_reason",
    "product", "package_code", "package_name", "amount", "currency", "quantity", "track_ref", "mode", "confirmation",
    "created_at", "updated_at",
];
const ESIMS: &[&str] = &[
    "source",
    "esim_ref",
    "provider",
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
    "activation_code",
    "total_bytes",
    "used_bytes",
    "usage_at",
    "expires_at",
    "package_name",
    "mode",
    "confirmation",
    "created_at",
    "updated_at",
];
const PAYMENTS: &[&str] = &[
    "source", "payment_ref", "provider", "direction", "status", "provider_status", "status_at", "amount", "code",
    "payer_email", "failure_reason", "operation_ref", "description", "mode", "confirmation", "created_at",
    "updated_at",
];
const RETURNS: &[&str] = &[
    "source", "return_ref", "provider", "order_ref", "status", "provider_status", "status_at", "return_type",
    "refund_amount", "reason", "track_ref", "mode", "created_at", "updated_at",
];
const EVENTS: &[&str] = &[
    "id", "source", "provider", "provider_event_id", "occurred_at", "disbelieved_at", "received_at", "order_ref",
    "esim_ref", "payment_ref", "origin", "mode", "body",
];
const ACTIONS: &[&str] = &[
    "id", "source", "action_key", "kind", "audience", "mode", "order_ref", "esim_ref", "payload", "caused_by",
    "created_at",
];
const DELIVERIES: &[&str] = &["action_id", "channel", "status", "last_error"];
const DEAD_LETTERS: &[&str] = &["id", "source", "received_at", "reason", "detail", "body"];

impl Database {
    /// `postgres://…`, `sqlite://…`, or the path of a SQLite file, which must be there.
    pub async fn open(address: &str) -> anyhow::Result<Self> {
        sqlx::any::install_default_drivers();
        let is_postgres = address.starts_with("postgres://") || address.starts_with("postgresql://");
        let url = match address.strip_prefix("sqlite:") {
            _ if is_postgres => address.to_owned(),
            Some(rest) => format!("sqlite://{}?mode=ro", rest.trim_start_matches("//")),
            None => format!("sqlite://{address}?mode=ro"),
        };
        let pool = AnyPool::connect(&url).await;
        let place = || format!("can't open the database {}, which --database names", without_password(address));
        let pool = pool.with_context(place)?;
        Ok(Self { pool, is_postgres })
    }

    /// When anything was last received.
    pub async fn last_receipt(&self) -> anyhow::Result<Option<Time>> {
        let mut last = None;
        for table in ["events", "dead_letters"] {
            let sql = format!("SELECT {} AS last FROM {table}", as_text("max(received_at)"));
            let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(&self.pool).await;
            let row = row.with_context(|| format!("can't read the table {table}; is it the worker's database?"))?;
            last = last.max(row.try_get::<Option<String>, _>("last")?.as_deref().and_then(read_time));
        }
        Ok(last)
    }

    pub async fn pulse(&self, since: Option<Time>) -> anyhow::Result<Pulse> {
        let received = after("received_at", since);
        let sql = format!(
            "SELECT (SELECT count(*) FROM events WHERE {received}) AS events,
                    (SELECT count(*) FROM dead_letters WHERE {received}) AS dead_letters,
                    (SELECT count(*) FROM actions) AS actions,
                    (SELECT count(*) FROM deliveries WHERE status IN ('pending', 'sending')) AS open,
                    (SELECT count(*) FROM deliveries WHERE status NOT IN ('pending', 'sending')) AS ended"
        );
        let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(&self.pool).await.context("can't read the tables")?;
        Ok(Pulse {
            events: row.try_get("events")?,
            dead_letters: row.try_get("dead_letters")?,
            actions: row.try_get("actions")?,
            open: row.try_get("open")?,
            ended: row.try_get("ended")?,
        })
    }

    /// Everything that was received, or came of it, after `since`. Actions are older ones, too: their time is another
    /// clock's.
    pub async fn sheet(&self, since: Option<Time>) -> anyhow::Result<Sheet> {
        let created = format!("created_at IS NULL OR {}", after("created_at", since));
        let received = after("received_at", since);
        let promised =
            format!("created_at IS NULL OR {}", after("created_at", since.map(|since| since - ANOTHER_CLOCK)));
        let mut entities = BTreeMap::new();
        for (table, columns) in
            [(Table::Orders, ORDERS), (Table::Esims, ESIMS), (Table::Payments, PAYMENTS), (Table::Returns, RETURNS)]
        {
            entities.insert(table, self.read(table.name(), columns, &created).await?);
        }
        let of_actions = format!("action_id IN (SELECT id FROM actions WHERE {promised})");
        Ok(Sheet {
            entities,
            events: self.read("events", EVENTS, &received).await?,
            actions: self.read("actions", ACTIONS, &promised).await?,
            deliveries: self.read("deliveries", DELIVERIES, &of_actions).await?,
            dead_letters: self.read("dead_letters", DEAD_LETTERS, &received).await?,
        })
    }

    async fn read(&self, table: &str, columns: &'static [&'static str], condition: &str) -> anyhow::Result<Vec<Texts>> {
        let select: Vec<_> = columns.iter().map(|column| format!("{} AS {column}", self.text_of(column))).collect();
        let sql = format!("SELECT {} FROM {table} WHERE {condition}", select.join(", "));
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.pool).await;
        let rows = rows.with_context(|| format!("can't read the table {table}"))?;
        let texts = rows.iter().map(|row| texts(row, columns)).collect::<Result<_, _>>();
        texts.with_context(|| format!("can't read a row of the table {table}"))
    }

    fn text_of(&self, column: &str) -> String {
        match (column, self.is_postgres) {
            ("body", true) => "encode(body, 'hex')".to_owned(),
            ("body", false) => "lower(hex(body))".to_owned(),
            _ => as_text(column),
        }
    }
}

/// How far the database's clock may be from that of ingest.
const ANOTHER_CLOCK: chrono::TimeDelta = chrono::TimeDelta::hours(1);

fn as_text(expression: &str) -> String {
    format!("CAST({expression} AS TEXT)")
}

/// A condition. SQLite's times are texts of just this form, and compare as such.
fn after(column: &str, since: Option<Time>) -> String {
    match since {
        Some(since) => format!("{column} > '{}'", since.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)),
        None => "1 = 1".to_owned(),
    }
}

fn texts(row: &AnyRow, columns: &[&'static str]) -> Result<Texts, sqlx::Error> {
    let mut texts = Texts::new();
    for column in columns {
        if let Some(text) = row.try_get::<Option<String>, _>(*column)? {
            texts.insert(column, text);
        }
    }
    Ok(texts)
}

fn without_password(address: &str) -> String {
    match (address.split_once("://"), address.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => address.to_owned(),
    }
}

/// A text of `column` as what it means; `None` if it can't be that.
pub fn value(column: &str, text: &str) -> Option<Value> {
    match column {
        "amount" | "refund_amount" | "quantity" | "total_bytes" | "used_bytes" => {
            text.parse::<Decimal>().ok().map(Value::Number)
        }
        "needs_review" => match text {
            "true" | "t" | "1" => Some(Value::Flag(true)),
            "false" | "f" | "0" => Some(Value::Flag(false)),
            _ => None,
        },
        _ if column.ends_with("_at") => read_time(text).map(Value::Time),
        _ => Some(Value::from(text)),
    }
}

/// `2026-05-02 06:20:00.5+00`, as PostgreSQL writes it, or RFC 3339.
pub fn read_time(text: &str) -> Option<Time> {
    let zoned =
        DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z").or_else(|_| DateTime::parse_from_rfc3339(text));
    let bare = || NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok().map(|time| time.and_utc());
    zoned.ok().map(|time| time.with_timezone(&Utc)).or_else(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_both_databases_are_read() {
        let expected: Time = "2026-05-02T06:20:00.5Z".parse().unwrap();
        for text in ["2026-05-02 06:20:00.5+00", "2026-05-02 11:50:00.5+05:30", "2026-05-02T06:20:00.500000Z"] {
            assert_eq!(read_time(text), Some(expected), "{text}");
        }
        assert_eq!(read_time("soon"), None);
    }

    /// A file with the tables as the standalone edition has them: times, numbers and JSON as texts, flags as 0 and 1.
    async fn sqlite(path: &std::path::Path) {
        sqlx::any::install_default_drivers();
        let pool = AnyPool::connect(&format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
        let columns = |columns: &[&str]| columns.join(", ").replace("body", "body BLOB");
        for (table, names) in [
            ("orders", ORDERS),
            ("esims", ESIMS),
            ("payments", PAYMENTS),
            ("returns", RETURNS),
            ("events", EVENTS),
            ("actions", ACTIONS),
            ("deliveries", DELIVERIES),
            ("dead_letters", DEAD_LETTERS),
        ] {
            let sql = format!("CREATE TABLE {table} ({})", columns(names));
            sqlx::query(AssertSqlSafe(sql)).execute(&pool).await.unwrap();
        }
        for sql in [
            "INSERT INTO orders (source, order_ref, amount, needs_review, status_at, created_at) VALUES
             ('yoni', '1', '9.99', 1, '2026-05-01T12:00:00.000000Z', '2026-05-01T12:00:01.000000Z'),
             ('yoni', '0', '1', 0, NULL, '2026-04-01T12:00:01.000000Z')",
            "INSERT INTO events (id, received_at, body) VALUES ('e', '2026-05-01T12:00:01.250000Z', x'7b7D')",
            "INSERT INTO actions (id, created_at) VALUES ('a', '2026-05-01T12:00:02.000000Z')",
            "INSERT INTO deliveries (action_id, status) VALUES ('a', 'sent'), ('another', 'pending')",
        ] {
            sqlx::query(sql).execute(&pool).await.unwrap();
        }
        pool.close().await;
    }

    #[tokio::test]
    async fn the_standalone_editions_file_is_read() {
        let path = std::env::temp_dir().join(format!("simulator-{}.sqlite", std::process::id()));
        sqlite(&path).await;
        let database = Database::open(path.to_str().unwrap()).await.unwrap();
        let last = database.last_receipt().await.unwrap();
        assert_eq!(last, Some("2026-05-01T12:00:01.25Z".parse().unwrap()));
        let noon: Time = "2026-05-01T12:00:00Z".parse().unwrap();
        let sheet = database.sheet(Some(noon)).await.unwrap();
        let [order] = &sheet.entities[&Table::Orders][..] else { panic!("one order is new: {sheet:?}") };
        assert_eq!(value("amount", &order["amount"]), Some(Value::Number("9.99".parse().unwrap())));
        assert_eq!(value("needs_review", &order["needs_review"]), Some(Value::Flag(true)));
        assert_eq!(value("status_at", &order["status_at"]), Some(Value::Time(noon)));
        assert!(!order.contains_key("currency"), "null is nothing");
        assert_eq!((sheet.events[0]["body"].as_str(), sheet.deliveries.len()), ("7b7d", 1));
        let pulse = Pulse { events: 1, dead_letters: 0, actions: 1, open: 1, ended: 1 };
        assert_eq!(database.pulse(Some(noon)).await.unwrap(), pulse);
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_password_is_not_told() {
        assert_eq!(without_password("postgres://me:secret@host:5432/db"), "postgres://…@host:5432/db");
        assert_eq!(without_password("data/esim-events.sqlite"), "data/esim-events.sqlite");
    }
}
