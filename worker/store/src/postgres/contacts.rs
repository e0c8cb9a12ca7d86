//! The contacts in PostgreSQL.

use async_trait::async_trait;
use shared::contact::Contact;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::contacts::{Contacts, Put};
use crate::error::StoreError;

#[async_trait]
impl Contacts for PgConnection {
    async fn put_contact(&mut self, source: &str, order_ref: &str, contact: &Contact) -> Result<Put, StoreError> {
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
        .fetch_one(self)
        .await?;
        Ok(if is_new { Put::Created } else { Put::Replaced })
    }

    async fn find_contact(&mut self, source: &str, order_ref: &str) -> Result<Option<Contact>, StoreError> {
        let contact = sqlx::query_as!(
            Contact,
            "SELECT email, name, locale, time_zone, reference FROM contacts WHERE source = $1 AND order_ref = $2",
            source,
            order_ref
        )
        .fetch_optional(self)
        .await?;
        Ok(contact)
    }

    async fn delete_contact(&mut self, source: &str, order_ref: &str) -> Result<bool, StoreError> {
        let deleted = sqlx::query!("DELETE FROM contacts WHERE source = $1 AND order_ref = $2", source, order_ref)
            .execute(self)
            .await?;
        Ok(deleted.rows_affected() > 0)
    }

    async fn find_recipients(&mut self, actions: &[Uuid]) -> Result<Vec<(Uuid, Contact)>, StoreError> {
        let rows = sqlx::query_file!("src/postgres/find_contacts.sql", actions).fetch_all(self).await?;
        let contact = rows.into_iter().map(|row| {
            let (email, name, locale) = (row.email, row.name, row.locale);
            (row.id, Contact { email, name, locale, time_zone: row.time_zone, reference: row.reference })
        });
        Ok(contact.collect())
    }

    async fn release_waiting(&mut self) -> Result<u64, StoreError> {
        let released = sqlx::query_file!("src/postgres/release_waiting.sql").execute(self).await?;
        Ok(released.rows_affected())
    }
}
