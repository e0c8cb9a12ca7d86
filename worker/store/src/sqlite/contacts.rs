//! The contacts in SQLite.

use async_trait::async_trait;
use shared::contact::Contact;
use sqlx::sqlite::SqliteRow;
use sqlx::types::Json;
use sqlx::{Connection as _, Row as _, SqliteConnection};
use uuid::Uuid;

use super::row::{id, now, text};
use crate::contacts::{Contacts, Put};
use crate::error::StoreError;

#[async_trait]
impl Contacts for SqliteConnection {
    async fn put_contact(&mut self, source: &str, order_ref: &str, contact: &Contact) -> Result<Put, StoreError> {
        let mut tx = self.begin().await?;
        let replaced = sqlx::query("DELETE FROM contacts WHERE source = ?1 AND order_ref = ?2 RETURNING created_at")
            .bind(source)
            .bind(order_ref)
            .fetch_optional(&mut *tx)
            .await?;
        let created_at: Option<String> = replaced.as_ref().map(|row| row.try_get("created_at")).transpose()?;
        sqlx::query(
            "INSERT INTO contacts (source, order_ref, email, name, locale, time_zone, reference, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, coalesce(?8, ?9), ?9)",
        )
        .bind(source)
        .bind(order_ref)
        .bind(&contact.email)
        .bind(&contact.name)
        .bind(&contact.locale)
        .bind(&contact.time_zone)
        .bind(&contact.reference)
        .bind(created_at)
        .bind(text(now()))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(if replaced.is_some() { Put::Replaced } else { Put::Created })
    }

    async fn find_contact(&mut self, source: &str, order_ref: &str) -> Result<Option<Contact>, StoreError> {
        let found = sqlx::query(
            "SELECT email, name, locale, time_zone, reference FROM contacts WHERE source = ?1 AND order_ref = ?2",
        )
        .bind(source)
        .bind(order_ref)
        .fetch_optional(self)
        .await?;
        Ok(found.as_ref().map(read).transpose()?)
    }

    async fn delete_contact(&mut self, source: &str, order_ref: &str) -> Result<bool, StoreError> {
        let deleted = sqlx::query("DELETE FROM contacts WHERE source = ?1 AND order_ref = ?2")
            .bind(source)
            .bind(order_ref)
            .execute(self)
            .await?;
        Ok(deleted.rows_affected() > 0)
    }

    async fn find_recipients(&mut self, actions: &[Uuid]) -> Result<Vec<(Uuid, Contact)>, StoreError> {
        let rows = sqlx::query(include_str!("find_recipients.sql")).bind(Json(actions)).fetch_all(self).await?;
        let found: Result<_, sqlx::Error> = rows.iter().map(|row| Ok((id(row, "action_id")?, read(row)?))).collect();
        Ok(found?)
    }

    async fn release_waiting(&mut self) -> Result<u64, StoreError> {
        let released = sqlx::query(
            "UPDATE deliveries SET status = 'pending', next_attempt_at = ?1
             WHERE status = 'waiting_contact' AND action_id IN (SELECT action_id FROM recipients)",
        )
        .bind(text(now()))
        .execute(self)
        .await?;
        Ok(released.rows_affected())
    }
}

fn read(row: &SqliteRow) -> Result<Contact, sqlx::Error> {
    Ok(Contact {
        email: row.try_get("email")?,
        name: row.try_get("name")?,
        locale: row.try_get("locale")?,
        time_zone: row.try_get("time_zone")?,
        reference: row.try_get("reference")?,
    })
}
