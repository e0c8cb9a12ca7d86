//! The orders that the shop has registered: which are not complete, and by whose word the others became so.

use harness::databases::{PAST, TestDatabase};
use serde_json::json;
use shared::fold::EntityId;
use store::Store;
use store::registrations::Gaps;

use super::given::{SOURCE, check, order, payment, row, rows, save, seconds_ago, standing, time};

on_both! {
    an_order_is_registered_once_and_its_description_stays
    a_registration_is_found_with_what_became_of_it
    an_order_that_is_not_complete_is_overdue
    an_order_is_looked_up_for_being_overdue_once
    a_repair_is_noted_once
    gaps_are_counted_for_each_source
}

async fn register(store: &dyn Store, source: &str, order: &str, description: Option<&str>) -> bool {
    let mut db = store.connect().await.unwrap();
    db.register_order(source, order, description).await.unwrap()
}

async fn an_order_is_registered_once_and_its_description_stays<D: TestDatabase>(database: &D) {
    let store = database.store();
    assert!(register(store, SOURCE, "B1", None).await);
    database.execute(&format!("UPDATE registrations SET created_at = {PAST}")).await;
    assert!(!register(store, SOURCE, "B1", Some("order \"17\"")).await);
    assert!(!register(store, SOURCE, "B1", None).await);
    let kept = row(store, "registrations", "order_ref", "B1").await;
    let expected = json!({
        "source": SOURCE, "description": "order \"17\"", "created_at": "2001-01-01T00:00:00.000000Z",
        "repaired_at": null,
    });
    check(&kept, &expected);
    assert!(!register(store, SOURCE, "B1", Some("order 18")).await);
    check(&row(store, "registrations", "order_ref", "B1").await, &json!({ "description": "order 18" }));
    assert!(register(store, "another", "B1", None).await);
    let mut db = store.connect().await.unwrap();
    db.delete_registration(SOURCE, "B1").await.unwrap();
    db.delete_registration(SOURCE, "B1").await.unwrap();
    drop(db);
    let left = rows(store, "registrations").await;
    assert_eq!((left.len(), left[0]["source"].as_str()), (1, Some("another")));
}

async fn a_registration_is_found_with_what_became_of_it<D: TestDatabase>(database: &D) {
    let store = database.store();
    register(store, SOURCE, "B1", Some("d")).await;
    let mut db = store.connect().await.unwrap();
    assert!(db.find_registration(SOURCE, "B2").await.unwrap().is_none());
    assert!(db.find_registration("another", "B1").await.unwrap().is_none());
    let found = db.find_registration(SOURCE, "B1").await.unwrap().unwrap();
    drop(db);
    assert_eq!((&*found.source, &*found.order_ref, found.description.as_deref()), (SOURCE, "B1", Some("d")));
    assert_eq!((&*found.status, found.confirmation, found.repaired_at), ("pending", None, None));
    assert!(found.registered_at > seconds_ago(60));
    let mut completed = standing("completed");
    completed["confirmation"] = json!({ "rung": { "at": "2026-05-31T10:00:00Z", "value": "completed" } });
    save(store, &[(order("B1"), completed)]).await;
    let mut db = store.connect().await.unwrap();
    assert!(db.note_repaired(SOURCE, "B1").await.unwrap());
    let found = db.find_registration(SOURCE, "B1").await.unwrap().unwrap();
    assert_eq!((&*found.status, found.confirmation.as_deref()), ("completed", Some("unconfirmed")));
    assert!(found.repaired_at.is_some_and(|at| at > seconds_ago(60)));
}

/// The overdue orders of the source, as of the year 2002.
async fn overdue(store: &dyn Store, sources: &[&str], limit: i64) -> Vec<String> {
    let sources: Vec<_> = sources.iter().map(|source| (*source).to_owned()).collect();
    let mut db = store.connect().await.unwrap();
    let found = db.find_overdue(&sources, time("2002-01-01T00:00:00Z"), limit).await.unwrap();
    found
        .into_iter()
        .map(|overdue| format!("{} {} {:?}", overdue.source, overdue.order_ref, overdue.description))
        .collect()
}

async fn an_order_that_is_not_complete_is_overdue<D: TestDatabase>(database: &D) {
    let store = database.store();
    for (day, status) in ["pending", "processing", "shipping", "completed", "failed", "cancelled"].iter().enumerate() {
        register(store, SOURCE, status, None).await;
        save(store, &[(order(status), standing(status))]).await;
        let at = format!("UPDATE registrations SET created_at = '2001-01-0{}T00:00:00.000000Z'", day + 2);
        database.execute(&format!("{at} WHERE order_ref = '{status}'")).await;
    }
    register(store, SOURCE, "unknown", Some("d")).await;
    register(store, "another", "B1", None).await;
    database
        .execute(&format!("UPDATE registrations SET created_at = {PAST} WHERE order_ref IN ('unknown', 'B1')"))
        .await;
    register(store, SOURCE, "young", None).await;
    let name = |order: &str, description: Option<&str>| format!("{SOURCE} {order} {description:?}");
    let expected =
        [name("unknown", Some("d")), name("pending", None), name("processing", None), name("shipping", None)];
    assert_eq!(overdue(store, &[SOURCE], 10).await, expected, "oldest first");
    assert_eq!(overdue(store, &[SOURCE], 2).await, expected[..2]);
    assert_eq!(overdue(store, &["another", "third"], 10).await, ["another B1 None"]);
    assert_eq!(overdue(store, &[], 10).await, [""; 0]);
}

async fn an_order_is_looked_up_for_being_overdue_once<D: TestDatabase>(database: &D) {
    let store = database.store();
    // (status, reason, what the question was told) → whether it is asked about as overdue, described as "new".
    let cases = [
        ("pending", "thin", None, false),
        ("asking", "overdue", None, false),
        ("done", "overdue", None, false),
        ("done", "unconfirmed", None, true),
        ("failed", "overdue", None, true),
        ("failed", "overdue", Some("new"), false),
        ("failed", "overdue", Some("old"), true),
    ];
    for (number, (status, reason, description, _)) in cases.iter().enumerate() {
        register(store, SOURCE, &format!("B{number}"), Some("new")).await;
        let hints = description.map(|description| json!({ "description": description })).unwrap_or(json!({}));
        let lookup =
            json!({ "about": { "entity": "order", "ref": format!("B{number}") }, "question": "order", "hints": hints });
        let lease = if *status == "asking" { PAST } else { "NULL" };
        let insert = "INSERT INTO fetch_tasks (source, question, reference, lookup, reason, status, next_attempt_at, lease_until)";
        let values = format!("'{SOURCE}', 'order', 'B{number}', '{lookup}', '{reason}', '{status}', {PAST}, {lease}");
        database.execute(&format!("{insert} VALUES ({values})")).await;
    }
    // One that was not described, and could not be asked about: nothing new is known of it.
    register(store, SOURCE, "B9", None).await;
    let copy = "INSERT INTO fetch_tasks (source, question, reference, lookup, reason, status, next_attempt_at)
                SELECT source, question, 'B9', lookup, reason, status, next_attempt_at FROM fetch_tasks WHERE reference = 'B4'";
    assert_eq!(database.execute(copy).await, 1);
    // A question about something else of the same name says nothing of the order.
    register(store, SOURCE, "8901", None).await;
    let other = "INSERT INTO fetch_tasks (source, question, reference, lookup, reason, next_attempt_at)
                 SELECT source, 'esim', '8901', lookup, 'thin', next_attempt_at FROM fetch_tasks WHERE reference = 'B4'";
    assert_eq!(database.execute(other).await, 1);
    database.execute(&format!("UPDATE registrations SET created_at = {PAST}")).await;
    let mut found = overdue(store, &[SOURCE], 20).await;
    found.sort();
    let asked = cases.iter().enumerate().filter(|(_, case)| case.3);
    let mut expected: Vec<_> = asked.map(|(number, _)| format!("{SOURCE} B{number} Some(\"new\")")).collect();
    expected.insert(0, format!("{SOURCE} 8901 None"));
    assert_eq!(found, expected);
}

async fn a_repair_is_noted_once<D: TestDatabase>(database: &D) {
    let store = database.store();
    register(store, SOURCE, "B1", None).await;
    let mut db = store.connect().await.unwrap();
    assert!(db.note_repaired(SOURCE, "B1").await.unwrap());
    assert!(!db.note_repaired(SOURCE, "B1").await.unwrap());
    assert!(!db.note_repaired(SOURCE, "B2").await.unwrap(), "it was not registered");
    assert!(!db.note_repaired("another", "B1").await.unwrap());
}

async fn gaps_are_counted_for_each_source<D: TestDatabase>(database: &D) {
    let store = database.store();
    let statuses = ["completed", "failed", "cancelled", "processing"];
    for status in statuses {
        register(store, SOURCE, status, None).await;
        save(store, &[(order(status), standing(status))]).await;
    }
    register(store, SOURCE, "unknown", None).await;
    register(store, "b", "completed", None).await;
    register(store, "pays", "P1", None).await;
    save(store, &[(EntityId { source: "pays".to_owned(), ..payment("P1") }, json!({}))]).await;
    let mut db = store.connect().await.unwrap();
    for repaired in ["failed", "completed"] {
        db.note_repaired(SOURCE, repaired).await.unwrap();
    }
    drop(db);
    let at = format!("UPDATE registrations SET repaired_at = {PAST} WHERE order_ref = 'failed'");
    assert_eq!(database.execute(&at).await, 1);
    let mut db = store.connect().await.unwrap();
    let gaps = db.count_gaps().await.unwrap();
    let told = |gaps: &Gaps| (gaps.source.clone(), gaps.registered, gaps.completed, gaps.repaired);
    let expected = [("b".to_owned(), 1, 0, 0), (SOURCE.to_owned(), 5, 3, 2)];
    assert_eq!(gaps.iter().map(told).collect::<Vec<_>>(), expected);
    assert_eq!(gaps[0].last_repaired_at, None);
    assert!(gaps[1].last_repaired_at.is_some_and(|at| at > seconds_ago(60)));
}
