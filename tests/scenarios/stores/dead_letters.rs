//! The dead letters: kept whole, once, until somebody replays them.

use chrono::{DateTime, TimeDelta, Utc};
use harness::databases::{PAST, TestDatabase};
use serde_json::{Value, json};
use store::Store;
use store::dead_letters::DeadLetter;
use uuid::Uuid;

use super::given::{check, now, row, rows, time};

on_both! {
    a_dead_letter_is_kept_whole
    a_copy_changes_nothing
    what_was_replayed_and_died_again_waits_again
    the_newest_are_listed_first
}

fn letter(number: u128, reason: &str) -> DeadLetter {
    DeadLetter {
        id: Uuid::from_u128(number),
        source: Some("yoni".to_owned()),
        provider: Some("yoni".to_owned()),
        received_at: Some(time("2026-05-31T10:00:00.000001Z")),
        reason: reason.to_owned(),
        detail: format!("because of \"{reason}\" – it's \\ so \u{1f4f6}"),
        headers: json!({ "id": Uuid::from_u128(number), "headers": { "a": "\"b\" \\ 'c'" }, "n": [1, null, true] }),
        body: (0..=255).collect(),
    }
}

async fn bury(store: &dyn Store, letter: &DeadLetter) {
    let mut db = store.connect().await.unwrap();
    db.bury(letter).await.unwrap();
}

/// The numbers of those that are listed.
async fn listed(store: &dyn Store, reason: Option<&str>, with_replayed: bool, limit: i64) -> Vec<u128> {
    let mut db = store.connect().await.unwrap();
    let letters = db.list_dead_letters(reason, with_replayed, limit).await.unwrap();
    letters.into_iter().map(|letter| letter.id.as_u128()).collect()
}

#[track_caller]
fn is_recent(at: DateTime<Utc>) {
    assert!((now() - at).abs() < TimeDelta::seconds(60), "{at}");
}

async fn a_dead_letter_is_kept_whole<D: TestDatabase>(database: &D) {
    let store = database.store();
    let full = letter(1, "unparseable");
    let bare = DeadLetter {
        source: None,
        provider: None,
        received_at: None,
        headers: Value::Null,
        body: Vec::new(),
        ..letter(2, "not_an_envelope")
    };
    let mut db = store.connect().await.unwrap();
    for letter in [&full, &bare] {
        db.bury(letter).await.unwrap();
        let found = db.find_dead_letter(letter.id).await.unwrap().unwrap();
        let named =
            |letter: &DeadLetter| (letter.id, letter.source.clone(), letter.provider.clone(), letter.received_at);
        assert_eq!(named(&found), named(letter));
        assert_eq!((&found.reason, &found.detail, &found.headers), (&letter.reason, &letter.detail, &letter.headers));
        assert_eq!(found.body, letter.body);
    }
    assert!(db.find_dead_letter(Uuid::from_u128(3)).await.unwrap().is_none());
    let listed = db.list_dead_letters(Some("unparseable"), false, 10).await.unwrap().remove(0);
    assert_eq!((listed.id, listed.source.as_deref(), listed.received_at), (full.id, Some("yoni"), full.received_at));
    assert_eq!((listed.reason, listed.detail, listed.replayed_at), (full.reason, full.detail, None));
    is_recent(listed.died_at);
}

async fn a_copy_changes_nothing<D: TestDatabase>(database: &D) {
    let store = database.store();
    bury(store, &letter(1, "unparseable")).await;
    database.execute(&format!("UPDATE dead_letters SET died_at = {PAST}")).await;
    let before = rows(store, "dead_letters").await;
    bury(store, &DeadLetter { detail: "another".to_owned(), ..letter(1, "delivery_limit") }).await;
    assert_eq!(rows(store, "dead_letters").await, before);
}

async fn what_was_replayed_and_died_again_waits_again<D: TestDatabase>(database: &D) {
    let store = database.store();
    for number in [1, 2] {
        bury(store, &letter(number, "unparseable")).await;
    }
    database.execute(&format!("UPDATE dead_letters SET died_at = {PAST}")).await;
    let mut db = store.connect().await.unwrap();
    db.mark_replayed(Uuid::from_u128(1)).await.unwrap();
    // One that is not there is no error.
    db.mark_replayed(Uuid::from_u128(3)).await.unwrap();
    drop(db);
    assert_eq!(listed(store, None, false, 10).await, [2]);
    let marked = row(store, "dead_letters", "id", &Uuid::from_u128(1).to_string()).await;
    is_recent(time(marked["replayed_at"].as_str().unwrap()));
    check(&marked, &json!({ "died_at": "2001-01-01T00:00:00.000000Z" }));
    bury(store, &DeadLetter { detail: "again".to_owned(), ..letter(1, "store_rejected") }).await;
    assert_eq!(listed(store, None, false, 10).await, [1, 2]);
    let again = row(store, "dead_letters", "id", &Uuid::from_u128(1).to_string()).await;
    check(&again, &json!({ "reason": "store_rejected", "detail": "again", "replayed_at": null, "source": "yoni" }));
    is_recent(time(again["died_at"].as_str().unwrap()));
}

async fn the_newest_are_listed_first<D: TestDatabase>(database: &D) {
    let store = database.store();
    for (number, reason) in [(1, "unparseable"), (2, "stale_replay"), (3, "unparseable"), (4, "unparseable")] {
        bury(store, &letter(number, reason)).await;
        let day = [3, 1, 4, 2][usize::try_from(number).unwrap() - 1];
        let died = format!("UPDATE dead_letters SET died_at = '2001-01-0{day}T00:00:00.000000Z'");
        let id = Uuid::from_u128(number);
        assert_eq!(database.execute(&format!("{died} WHERE id = '{id}'")).await, 1);
    }
    let mut db = store.connect().await.unwrap();
    db.mark_replayed(Uuid::from_u128(4)).await.unwrap();
    drop(db);
    assert_eq!(listed(store, None, false, 10).await, [3, 1, 2]);
    assert_eq!(listed(store, None, true, 10).await, [3, 1, 4, 2]);
    assert_eq!(listed(store, Some("unparseable"), false, 10).await, [3, 1]);
    assert_eq!(listed(store, Some("unparseable"), true, 2).await, [3, 1]);
    assert_eq!(listed(store, Some("unidentified"), true, 10).await, [0_u128; 0]);
    assert_eq!(listed(store, None, false, i64::MAX).await, [3, 1, 2]);
}
