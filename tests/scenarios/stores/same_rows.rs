//! The same events end in the same rows in both databases, in whatever order and however often they come, and what the
//! one has made of them can move to the other.

use chrono::{SubsecRound as _, TimeDelta, Utc};
use futures_util::TryStreamExt as _;
use harness::databases::{PostgresDatabase, SqliteDatabase, TestDatabase};
use harness::posting::envelope;
use providers::decode;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use samples::{ALL, Source, renewed};
use serde_json::{Value, json};
use shared::clock::Deadline;
use shared::envelope::{Envelope, Origin};
use shared::fact::EntityKey;
use shared::rules::Rules;
use store::catalogue::TABLES;
use store::transfer::Row;
use store::{Store, StoreError};
use uuid::Uuid;
use worker::apply::{Applied, ApplyContext, Arrival, apply};
use worker::dead_letter;
use worker::routing::Routing;
use worker::sources::Sources;
use worker::verify::{VerifyArgs, verify};

use crate::order::{ICCID, life};
use crate::verify::answered;

const CHANNELS: [&str; 3] = ["log", "merchant_webhook", "email"];
const BATCH: usize = 9;

/// What is made when a row is written, and so differs from one database to the other.
const MADE: [(&str, &str); 6] = [
    ("events", "applied_at"),
    ("actions", "created_at"),
    ("deliveries", "next_attempt_at"),
    ("dead_letters", "died_at"),
    ("fetch_tasks", "next_attempt_at"),
    ("fetch_tasks", "created_at"),
];

/// The sources, all of whose APIs may be asked.
fn sources() -> Sources {
    let apis = [
        (Source::Airalo, "client_id = \"1\"\nclient_secret = { env = \"s\" }"),
        (Source::EsimAccess, "access_code = { env = \"s\" }"),
        (Source::Yoni, "base_url = \"https://yoni.invalid\"\napp_id = \"1\"\napp_secret = { env = \"s\" }"),
        (Source::SimplifyTrip, "api_key = { env = \"s\" }\nsecret_key = { env = \"s\" }"),
        (Source::Airtm, "version = 1\napi_key = { env = \"s\" }\nsecret = { env = \"s\" }"),
    ];
    let entry = |(source, api): (Source, &str)| {
        format!("[[source]]\nname = \"{}\"\nprovider = \"{}\"\n[source.api]\n{api}\n", source.name(), source.provider())
    };
    Sources::parse(&apis.map(entry).concat(), |secret| Some(secret.to_owned())).unwrap()
}

/// Every sample, a whole life, contradictions, what our clock notices and what APIs answer.
fn everything() -> Vec<Envelope> {
    let now = Utc::now().trunc_subsecs(6);
    let of = |source: Source, origin: Origin, body: &[u8]| Envelope { origin, ..envelope(source, body) };
    let mut all: Vec<_> =
        ALL.iter().map(|sample| of(sample.source, Origin::Webhook, &renewed(sample, "for both", Utc::now()))).collect();
    all.extend(life("B1").iter().map(|body| of(Source::EsimAccess, Origin::Webhook, body)));
    for result in ["COMPLETED", "FAILED", "WHAT? \u{1f4f6} 'ü' \"\\"] {
        let body =
            json!({ "orderNo": "Y'1\" \u{1f4f6}", "iccid": "8901", "lpa": "LPA:1$rsp.demo$X", "result": result });
        all.push(of(Source::Yoni, Origin::Webhook, body.to_string().as_bytes()));
    }
    let esim_ref = format!("B1/{ICCID}");
    let expires_at = "2026-05-02T06:20:00Z".parse().unwrap();
    let expiring = Deadline::Expiring { esim_ref: esim_ref.clone(), expires_at, days: "3".to_owned() };
    let silent = Deadline::Silent { order_ref: "S1".to_owned(), since: now };
    for deadline in [expiring, Deadline::Expired { esim_ref, expires_at }, silent] {
        all.push(of(Source::EsimAccess, Origin::Clock, &deadline.body()));
    }
    let page = json!({ "code": 0, "data": { "records": [{ "orderNo": "Y2", "iccid": "8902", "lpa": "LPA:1$a$b" }] } });
    for (minutes, found) in [(5, None), (6, Some(page))] {
        all.push(answered(Source::Yoni, EntityKey::Order("Y2".to_owned()), minutes, found));
    }
    for (number, envelope) in all.iter_mut().enumerate() {
        envelope.received_at = now + TimeDelta::milliseconds(i64::try_from(number).unwrap());
        envelope.headers.insert("x-number".to_owned(), number.to_string());
    }
    all.push(of(Source::Yoni, Origin::Webhook, b"\0 no event \xff"));
    all.push(of(Source::Yoni, Origin::Webhook, b"[]"));
    all
}

fn copy(envelope: &Envelope) -> Envelope {
    let later = envelope.received_at + TimeDelta::minutes(1);
    Envelope { id: Uuid::now_v7(), received_at: later, ..envelope.clone() }
}

fn read(envelope: &Envelope) -> Arrival {
    match decode(envelope) {
        Ok(event) => Arrival::Event { envelope: envelope.clone(), event },
        Err(why) => Arrival::Dead(dead_letter::malformed(envelope, &why)),
    }
}

async fn apply_to(store: &dyn Store, batch: &[Arrival]) -> Result<Applied, StoreError> {
    let sources = sources();
    let askable: Vec<_> =
        sources.iter().filter(|(_, source)| source.api.is_some()).map(|(name, _)| name.to_owned()).collect();
    let (routing, waiting) = (Routing::default(), sources.waiting());
    let context = ApplyContext { routing: &routing, channels: &CHANNELS, askable: &askable, waiting: &waiting };
    apply(store, batch, context).await
}

/// Applies all to both, in batches; what each came to must be the same.
async fn apply_all(postgres: &PostgresDatabase, sqlite: &SqliteDatabase, envelopes: &[Envelope]) {
    for batch in envelopes.chunks(BATCH) {
        let batch: Vec<_> = batch.iter().map(read).collect();
        let left = apply_to(postgres.store(), &batch).await.unwrap();
        let right = apply_to(sqlite.store(), &batch).await.unwrap();
        assert_eq!(format!("{left:?}"), format!("{right:?}"));
    }
}

async fn table(store: &dyn Store, number: usize) -> Vec<Row> {
    let mut db = store.connect().await.unwrap();
    db.read_table(&TABLES[number]).try_collect().await.unwrap()
}

/// A row without what is made when it is written.
fn lasting(name: &str, mut row: Row) -> Row {
    for (_, column) in MADE.iter().filter(|(table, _)| *table == name) {
        assert!(row.remove(*column).is_some(), "{name}.{column}");
    }
    row
}

async fn compare(postgres: &PostgresDatabase, sqlite: &SqliteDatabase) {
    for (number, portable) in TABLES.iter().enumerate() {
        let name = portable.name;
        let rows = table(sqlite.store(), number).await;
        let expected = table(postgres.store(), number).await;
        assert_eq!(rows.len(), expected.len(), "{name}");
        for (row, expected) in rows.into_iter().zip(expected) {
            assert_eq!(lasting(name, row), lasting(name, expected), "{name}");
        }
    }
}

async fn check_verified(store: &dyn Store) {
    let mut out = Vec::new();
    let args = VerifyArgs { seed: None, partitions: 2.try_into().ok() };
    let report = verify(store, &Rules::default(), &args, &mut out, &mut std::io::sink()).await.unwrap();
    assert_eq!(report.differences, 0, "seed {}: {}", report.seed, String::from_utf8_lossy(&out));
    assert!(report.events > 40 && report.promises > 20, "{report:?}");
}

async fn both() -> (PostgresDatabase, SqliteDatabase) {
    (PostgresDatabase::create().await, SqliteDatabase::create().await)
}

#[tokio::test]
async fn the_same_events_end_in_the_same_rows() {
    let (postgres, sqlite) = both().await;
    Box::pin(apply_all(&postgres, &sqlite, &everything())).await;
    compare(&postgres, &sqlite).await;
    for name in
        ["events", "orders", "esims", "payments", "returns", "actions", "deliveries", "dead_letters", "fetch_tasks"]
    {
        let number = TABLES.iter().position(|portable| portable.name == name).unwrap();
        assert!(!table(sqlite.store(), number).await.is_empty(), "{name} is empty");
    }
    Box::pin(check_verified(postgres.store())).await;
    Box::pin(check_verified(sqlite.store())).await;
    postgres.remove().await;
    sqlite.remove().await;
}

#[tokio::test]
async fn in_any_order_and_twice_they_end_in_the_same_rows() {
    let (postgres, sqlite) = both().await;
    let seed = rand::random_range(0..1_000_000);
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut envelopes = everything();
    envelopes.shuffle(&mut random);
    let mut copies: Vec<_> = envelopes.iter().map(copy).collect();
    copies.shuffle(&mut random);
    Box::pin(apply_all(&postgres, &sqlite, &envelopes)).await;
    Box::pin(apply_all(&postgres, &sqlite, &copies)).await;
    compare(&postgres, &sqlite).await;
    Box::pin(check_verified(postgres.store())).await;
    Box::pin(check_verified(sqlite.store())).await;
    postgres.remove().await;
    sqlite.remove().await;
}

#[tokio::test]
async fn what_no_table_can_hold_ends_alike_in_both() {
    let (postgres, sqlite) = both().await;
    let strange: [(&str, Value, &[&str]); 5] = [
        ("orderNo", json!("Y\0"), &[]),
        ("orderNo", json!("Y".repeat(201)), &["unidentified"]),
        ("packageName", json!("P\0"), &[]),
        ("price", json!("1e99"), &[]),
        ("lpa", json!("no code"), &["unidentified"]),
    ];
    for (field, value, expected) in strange {
        let mut body = json!({ "orderNo": "Y1", "iccid": "8901", "lpa": "LPA:1$a$b", "result": "COMPLETED" });
        body[field] = value;
        let batch = [read(&envelope(Source::Yoni, body.to_string().as_bytes()))];
        let left = apply_to(postgres.store(), &batch).await.unwrap();
        let right = apply_to(sqlite.store(), &batch).await.unwrap();
        assert_eq!(left.buried, expected, "{field} in PostgreSQL");
        assert_eq!(right.buried, expected, "{field} in SQLite");
    }
    compare(&postgres, &sqlite).await;
    postgres.remove().await;
    sqlite.remove().await;
}

#[tokio::test]
async fn what_the_one_has_made_of_them_moves_to_the_other() {
    let (postgres, sqlite) = both().await;
    for batch in everything().chunks(BATCH) {
        apply_to(sqlite.store(), &batch.iter().map(read).collect::<Vec<_>>()).await.unwrap();
    }
    let mut db = Store::connect(postgres.store()).await.unwrap();
    for (number, portable) in TABLES.iter().enumerate() {
        let rows = table(sqlite.store(), number).await;
        db.write_rows(portable, &rows).await.unwrap();
    }
    drop(db);
    for (number, portable) in TABLES.iter().enumerate() {
        assert_eq!(table(postgres.store(), number).await, table(sqlite.store(), number).await, "{}", portable.name);
    }
    Box::pin(check_verified(postgres.store())).await;
    postgres.remove().await;
    sqlite.remove().await;
}
