//! The contacts: put, found, forgotten, and what waits for them.

use async_trait::async_trait;
use shared::contact::Contact;
use uuid::Uuid;

use crate::error::StoreError;

/// What `PUT` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    Created,
    Replaced,
}

#[async_trait]
pub trait Contacts {
    /// Registers who an order belongs to; the same again changes nothing.
    async fn put_contact(&mut self, source: &str, order_ref: &str, contact: &Contact) -> Result<Put, StoreError>;

    async fn find_contact(&mut self, source: &str, order_ref: &str) -> Result<Option<Contact>, StoreError>;

    /// Forgets the contact. Answers whether there was one.
    async fn delete_contact(&mut self, source: &str, order_ref: &str) -> Result<bool, StoreError>;

    /// Whom the actions are for, as far as it is known.
    async fn find_recipients(&mut self, actions: &[Uuid]) -> Result<Vec<(Uuid, Contact)>, StoreError>;

    /// Makes due what waits for a contact that is known by now. Answers how many.
    async fn release_waiting(&mut self) -> Result<u64, StoreError>;
}
