//! Samples: what a provider sends ends in the rows and promises that the design names, once.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use harness::{Setup, System, tables};
use rust_decimal::Decimal;
use samples::{ALL, Sample, named, renewed};
use serde_json::Value;
use uuid::Uuid;

use crate::endings::{self, Row};

/// Each sample is a story of its own here.
fn body(sample: &Sample) -> Vec<u8> {
    static NOW: LazyLock<DateTime<Utc>> = LazyLock::new(Utc::now);
    renewed(sample, &format!("a run for {}", sample.name), *NOW)
}

fn at(body: &Value, pointer: &str) -> Value {
    body.pointer(pointer).unwrap_or_else(|| panic!("nothing at {pointer} in {body:#}")).clone()
}

/// Equal as they are meant: times as moments, numbers as amounts.
fn means_the_same(seen: &Value, expected: &Value) -> bool {
    let time = |value: &Value| DateTime::parse_from_rfc3339(value.as_str()?).ok().map(|time| time.to_utc());
    let time = |value: &Value| time(value).or_else(|| value.as_str()?.parse::<DateTime<Utc>>().ok());
    let number = |value: &Value| value.is_number().then(|| value.to_string().parse::<Decimal>().ok()).flatten();
    seen == expected
        || time(seen).is_some_and(|seen| time(expected) == Some(seen))
        || number(seen).is_some_and(|seen| number(expected) == Some(seen))
}

async fn check_row(system: &System, sample: &Sample, body: &Value, (table, reference, expected): Row) {
    let parts: Vec<_> =
        reference.iter().map(|pointer| at(body, pointer).as_str().map(str::to_owned).unwrap()).collect();
    let key = match table {
        "orders" => "order_ref",
        "esims" => "esim_ref",
        "payments" => "payment_ref",
        _ => "return_ref",
    };
    let row = tables::row(&system.pool, table, key, sample.source.name(), &parts.join("/")).await;
    for (name, expected) in expected.as_object().unwrap() {
        let expected = match expected.as_str().and_then(|text| text.strip_prefix('@')) {
            Some(pointer) => at(body, pointer),
            None => expected.clone(),
        };
        assert!(means_the_same(&row[name], &expected), "{}: {name} is not {expected} in {row:#}", sample.name);
    }
}

async fn check_actions(system: &System, sample: &Sample, id: Uuid, expected: &[&str]) {
    let kinds: Vec<String> = sqlx::query_scalar("SELECT kind FROM actions WHERE caused_by = $1 ORDER BY kind")
        .bind(id)
        .fetch_all(&system.pool)
        .await
        .unwrap();
    assert_eq!(kinds, expected, "{}", sample.name);
}

#[tokio::test]
async fn every_sample_ends_in_its_rows_and_promises() {
    let system = Setup::default().merchant().start().await;
    let endings = endings::all();
    let told: Vec<_> = endings.iter().map(|(name, _, _)| *name).collect();
    for sample in ALL {
        assert!(told.contains(&sample.name), "nothing says in what {} ends", sample.name);
    }
    let mut sent = Vec::new();
    for (name, rows, actions) in endings {
        let sample = named(name).unwrap();
        let body = body(sample);
        sent.push((sample, system.accept(sample.source, body.clone()).await, body, rows, actions));
    }
    system.settled().await;
    assert_eq!(tables::event_count(&system.pool).await, i64::try_from(sent.len()).unwrap());
    for (sample, id, body, rows, actions) in sent {
        let body = serde_json::from_slice(&body).unwrap();
        for row in rows {
            check_row(&system, sample, &body, row).await;
        }
        check_actions(&system, sample, id, actions).await;
    }
    let (told, promised) = (system.merchant().received().await.len(), system.actions().await.len());
    let not_told = tables::rows(&system.pool, "deliveries").await.iter().filter(|row| row["status"] != "sent").count();
    assert_eq!((told, not_told), (promised, 0), "the shop hears of each promise once");
    system.finish().await;
}

#[tokio::test]
async fn a_second_copy_of_every_sample_changes_nothing() {
    let system = Setup::default().merchant().start().await;
    for sample in ALL {
        system.accept(sample.source, body(sample)).await;
    }
    system.settled().await;
    let (before, events, told) = (
        tables::outcome(&system.pool).await,
        tables::event_count(&system.pool).await,
        system.merchant().received().await.len(),
    );
    for sample in ALL {
        system.accept(sample.source, body(sample)).await;
    }
    system.settled().await;
    assert_eq!(tables::outcome(&system.pool).await, before);
    assert_eq!(tables::event_count(&system.pool).await, events);
    assert_eq!(system.merchant().received().await.len(), told);
    system.finish().await;
}
