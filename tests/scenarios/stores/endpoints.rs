//! Endpoints that want no more: disabled with a reason, and taken into use again.

use harness::databases::TestDatabase;

use super::given::{CHANNEL, check, row, rows};

on_both! {
    a_disabled_endpoint_is_found_with_its_reason
    all_endpoints_of_a_channel_are_enabled_at_once
}

const HERE: &str = "https://shop.example/hook?a='b'";
const THERE: &str = "https://shop.example/other";

async fn a_disabled_endpoint_is_found_with_its_reason<D: TestDatabase>(database: &D) {
    let store = database.store();
    let mut db = store.connect().await.unwrap();
    assert_eq!(db.find_disabled_endpoint(CHANNEL, HERE).await.unwrap(), None);
    db.disable_endpoint(CHANNEL, HERE, "it answered 410 \"Gone\"").await.unwrap();
    // Two relays may hear it at once; the first reason stays.
    db.disable_endpoint(CHANNEL, HERE, "again").await.unwrap();
    let found = db.find_disabled_endpoint(CHANNEL, HERE).await.unwrap();
    assert_eq!(found.as_deref(), Some("it answered 410 \"Gone\""));
    assert_eq!(db.find_disabled_endpoint(CHANNEL, THERE).await.unwrap(), None, "another address starts enabled");
    assert_eq!(db.find_disabled_endpoint("log", HERE).await.unwrap(), None);
    drop(db);
    let kept = row(store, "disabled_endpoints", "address", HERE).await;
    check(&kept, &serde_json::json!({ "channel": CHANNEL, "reason": "it answered 410 \"Gone\"" }));
}

async fn all_endpoints_of_a_channel_are_enabled_at_once<D: TestDatabase>(database: &D) {
    let store = database.store();
    let mut db = store.connect().await.unwrap();
    for (channel, address) in [(CHANNEL, HERE), (CHANNEL, THERE), ("other", HERE)] {
        db.disable_endpoint(channel, address, "410").await.unwrap();
    }
    assert_eq!(db.enable_endpoints(CHANNEL).await.unwrap(), 2);
    assert_eq!(db.enable_endpoints(CHANNEL).await.unwrap(), 0);
    assert_eq!(db.find_disabled_endpoint(CHANNEL, HERE).await.unwrap(), None);
    drop(db);
    let left = rows(store, "disabled_endpoints").await;
    assert_eq!((left.len(), left[0]["channel"].as_str()), (1, Some("other")));
}
