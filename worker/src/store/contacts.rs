//! The contacts: put, found, forgotten, and what waits for them.

use sqlx::PgConnection;
use uuid::Uuid;

use super::StoreError;
use crate::mail::Contact;

/// What `PUT` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    Created,
    Replaced,
}

/// Registers who an order belongs to; the same again changes nothing.
pub async fn put(db: &mut PgConnection, source: &str, order_ref: &str, contact: &Contact) -> Result<Put, StoreError> {
    // `xmax` is 0 on a row that this statement inserted.
    let is_new = sqlx::query_scalar!(
        "INSERT INTO contacts (source, order_ref, email, name, locale, time_zone, reference)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (source, order_ref) DO UPDATE SET
             email = EXCLUDED.email, name = EXCLUDED.name, locale = EXCLUDED.locale,
             time_zone = EXCLUDED.time_zone, reference = EXCLUDED.reference, updated_at = now()
         RETURNING xmax = 0 AS \"is_new!\"",
        source,
        order_ref,
        contact.email,
        contact.name,
        contact.locale,
        contact.time_zone,
        contact.reference
    )
    .fetch_one(db)
    .await?;
    Ok(if is_new { Put::Created } else { Put::Replaced })
}

pub async fn find(db: &mut PgConnection, source: &str, order_ref: &str) -> Result<Option<Contact>, StoreError> {
    let contact = sqlx::query_as!(
        Contact,
        "SELECT email, name, locale, time_zone, reference FROM contacts WHERE source = $1 AND order_ref = $2",
        source,
        order_ref
    )
    .fetch_optional(db)
    .await?;
    Ok(contact)
}

/// Forgets the contact. Answers whether there was one.
pub async fn delete(db: &mut PgConnection, source: &str, order_ref: &str) -> Result<bool, StoreError> {
    let deleted = sqlx::query!("DELETE FROM contacts WHERE source = $1 AND order_ref = $2", source, order_ref)
        .execute(db)
        .await?;
    Ok(deleted.rows_affected() > 0)
}

/// Whom the actions are for, as far as it is known.
pub async fn of_actions(db: &mut PgConnection, actions: &[Uuid]) -> Result<Vec<(Uuid, Contact)>, StoreError> {
    let rows = sqlx::query_file!("src/store/find_contacts.sql", actions).fetch_all(db).await?;
    let contact = rows.into_iter().map(|row| {
        let (email, name, locale) = (row.email, row.name, row.locale);
        (row.id, Contact { email, name, locale, time_zone: row.time_zone, reference: row.reference })
    });
    Ok(contact.collect())
}

/// Makes due what waits for a contact that is known by now. Answers how many.
pub async fn release_waiting(db: &mut PgConnection) -> Result<u64, StoreError> {
    let released = sqlx::query_file!("src/store/release_waiting.sql").execute(db).await?;
    Ok(released.rows_affected())
}
