//! The contacts: put, replaced, found, forgotten, and found by what a promise is about.

use harness::databases::{PAST, TestDatabase};
use serde_json::json;
use shared::contact::Contact;
use store::Store;
use store::contacts::Put;
use store::outbox::ActionRow;
use uuid::Uuid;

use super::given::{SOURCE, check, esim, make, order, payment, promise, promise_about, row, save};

on_both! {
    a_contact_is_put_replaced_found_and_forgotten
    a_promise_finds_its_contact_by_its_order
    a_promise_finds_its_contact_by_the_esims_order_as_it_stands_now
    a_payment_is_found_by_its_reference_before_its_code
}

fn contact(email: &str) -> Contact {
    Contact { email: email.to_owned(), name: None, locale: None, time_zone: None, reference: None }
}

async fn put(store: &dyn Store, source: &str, order_ref: &str, email: &str) -> Put {
    let mut db = store.connect().await.unwrap();
    db.put_contact(source, order_ref, &contact(email)).await.unwrap()
}

/// Whom the promises are for, by address.
async fn recipients(store: &dyn Store, promises: &[&ActionRow<'_>]) -> Vec<(Uuid, String)> {
    let ids: Vec<_> = promises.iter().map(|made| made.id).collect();
    let mut db = store.connect().await.unwrap();
    let found = db.find_recipients(&ids).await.unwrap();
    let mut found: Vec<_> = found.into_iter().map(|(id, contact)| (id, contact.email)).collect();
    found.sort();
    found
}

fn sorted(mut expected: Vec<(Uuid, &str)>) -> Vec<(Uuid, String)> {
    expected.sort();
    expected.into_iter().map(|(id, email)| (id, email.to_owned())).collect()
}

async fn a_contact_is_put_replaced_found_and_forgotten<D: TestDatabase>(database: &D) {
    let store = database.store();
    let full = Contact {
        email: "zoë@example.com".to_owned(),
        name: Some("Zoë \"Z\" O'Neil \u{1f4f6}".to_owned()),
        locale: Some("pt-BR".to_owned()),
        time_zone: Some("Europe/Madrid".to_owned()),
        reference: Some("#17".to_owned()),
    };
    let mut db = store.connect().await.unwrap();
    assert_eq!(db.find_contact(SOURCE, "B1").await.unwrap(), None);
    assert_eq!(db.put_contact(SOURCE, "B1", &full).await.unwrap(), Put::Created);
    assert_eq!(db.find_contact(SOURCE, "B1").await.unwrap(), Some(full.clone()));
    assert_eq!(db.put_contact(SOURCE, "B1", &full).await.unwrap(), Put::Replaced);
    assert_eq!(db.find_contact(SOURCE, "B1").await.unwrap(), Some(full));
    drop(db);
    assert_eq!(put(store, "another", "B1", "else@example.com").await, Put::Created);
    assert_eq!(put(store, SOURCE, "B2", "other@example.com").await, Put::Created);

    // What is replaced is as old as before, and changed now.
    database.execute(&format!("UPDATE contacts SET created_at = {PAST}, updated_at = {PAST}")).await;
    assert_eq!(put(store, SOURCE, "B1", "new@example.com").await, Put::Replaced);
    let replaced = row(store, "contacts", "email", "new@example.com").await;
    let expected = json!({
        "source": SOURCE, "order_ref": "B1", "name": null, "locale": null, "time_zone": null, "reference": null,
        "created_at": "2001-01-01T00:00:00.000000Z",
    });
    check(&replaced, &expected);
    assert_ne!(replaced["updated_at"], "2001-01-01T00:00:00.000000Z");

    let mut db = store.connect().await.unwrap();
    assert!(db.delete_contact(SOURCE, "B1").await.unwrap());
    assert!(!db.delete_contact(SOURCE, "B1").await.unwrap());
    assert_eq!(db.find_contact(SOURCE, "B1").await.unwrap(), None);
    assert_eq!(db.find_contact(SOURCE, "B2").await.unwrap(), Some(contact("other@example.com")));
    assert_eq!(db.find_contact("another", "B1").await.unwrap(), Some(contact("else@example.com")));
}

async fn a_promise_finds_its_contact_by_its_order<D: TestDatabase>(database: &D) {
    let store = database.store();
    let (known, unknown, about_nothing) = (promise_about(&order("B1")), promise_about(&order("B2")), promise("x"));
    make(store, &[known, unknown, about_nothing], &[]).await;
    put(store, SOURCE, "B1", "b1@example.com").await;
    put(store, "another", "B2", "wrong@example.com").await;
    let promises = [&promise_about(&order("B1")), &promise_about(&order("B2")), &promise("x")];
    assert_eq!(recipients(store, &promises).await, sorted(vec![(promises[0].id, "b1@example.com")]));
    assert_eq!(recipients(store, &promises[1..]).await, []);
    assert_eq!(recipients(store, &[]).await, []);
}

async fn a_promise_finds_its_contact_by_the_esims_order_as_it_stands_now<D: TestDatabase>(database: &D) {
    let store = database.store();
    // When it was promised, the order was not known, or thought to be another.
    let orphan = promise_about(&esim("8901"));
    let moved = ActionRow { order_ref: Some("B1".to_owned()), ..promise_about(&esim("8902")) };
    let without_row = ActionRow { order_ref: Some("B1".to_owned()), ..promise_about(&esim("8903")) };
    make(store, &[orphan, moved, without_row], &[]).await;
    put(store, SOURCE, "B1", "b1@example.com").await;
    put(store, SOURCE, "B2", "b2@example.com").await;
    let ids = ["8901", "8902", "8903"].map(|reference| promise_about(&esim(reference)));
    let promises: Vec<_> = ids.iter().collect();
    save(store, &[(esim("8901"), json!({})), (esim("8902"), json!({}))]).await;
    let expected = sorted(vec![(ids[1].id, "b1@example.com"), (ids[2].id, "b1@example.com")]);
    assert_eq!(recipients(store, &promises).await, expected, "as it was promised");
    let of = |order: &str| json!({ "order_ref": { "value": order } });
    save(store, &[(esim("8901"), of("B1")), (esim("8902"), of("B2"))]).await;
    let expected =
        sorted(vec![(ids[0].id, "b1@example.com"), (ids[1].id, "b2@example.com"), (ids[2].id, "b1@example.com")]);
    assert_eq!(recipients(store, &promises).await, expected, "as it stands now");
}

async fn a_payment_is_found_by_its_reference_before_its_code<D: TestDatabase>(database: &D) {
    let store = database.store();
    let paid = |reference: &str, code: &str| ActionRow {
        payload: json!({ "payment_ref": reference, "code": code }),
        ..promise_about(&payment(reference))
    };
    let promises = [paid("P1", "C1"), paid("P2", "C2"), paid("P3", "C3"), paid("P4", "C4")];
    make(store, &promises, &[]).await;
    // One is registered under both of its names, whichever of them comes first.
    for (name, email) in [("P1", "p1@"), ("C1", "c1@"), ("C2", "c2@"), ("P2", "p2@"), ("C3", "c3@"), ("P5", "p5@")] {
        put(store, SOURCE, name, email).await;
    }
    let expected = sorted(vec![(promises[0].id, "p1@"), (promises[1].id, "p2@"), (promises[2].id, "c3@")]);
    assert_eq!(recipients(store, &promises.iter().collect::<Vec<_>>()).await, expected);
}
