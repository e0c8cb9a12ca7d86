//! The orders that the shop has registered, and which of them are not complete.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::error::StoreError;

/// An order that is not complete.
#[derive(Debug, Clone)]
pub struct Overdue {
    pub source: String,
    pub order_ref: String,
    pub description: Option<String>,
}

/// A registered order as the shop sees it.
#[derive(Debug, Clone, Serialize)]
pub struct Registered {
    pub source: String,
    pub order_ref: String,
    pub description: Option<String>,
    pub registered_at: DateTime<Utc>,
    /// As in the table `orders`; `pending` before the provider's first word.
    pub status: String,
    pub confirmation: Option<String>,
    pub repaired_at: Option<DateTime<Utc>>,
}

/// How the orders of a source became complete.
#[derive(Debug, Clone)]
pub struct Gaps {
    pub source: String,
    pub registered: i64,
    pub completed: i64,
    /// Of those completed, those that no webhook had completed.
    pub repaired: i64,
    pub last_repaired_at: Option<DateTime<Utc>>,
}

#[async_trait]
pub trait Registrations {
    /// Registers an order; without a description, one that is known stays. Answers whether it is new.
    async fn register_order(
        &mut self,
        source: &str,
        order_ref: &str,
        description: Option<&str>,
    ) -> Result<bool, StoreError>;

    /// Forgets that the order was registered.
    async fn delete_registration(&mut self, source: &str, order_ref: &str) -> Result<(), StoreError>;

    /// One registered order, with what became of it.
    async fn find_registration(&mut self, source: &str, order_ref: &str) -> Result<Option<Registered>, StoreError>;

    /// The orders of `sources` that were registered before `before`, are not complete, and were not looked up for it.
    async fn find_overdue(
        &mut self,
        sources: &[String],
        before: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<Overdue>, StoreError>;

    /// Notes that the API completed an order. Answers whether it was registered, and this was the first time.
    async fn note_repaired(&mut self, source: &str, order_ref: &str) -> Result<bool, StoreError>;

    /// How many registered orders of each source became complete, and by whose word.
    async fn count_gaps(&mut self) -> Result<Vec<Gaps>, StoreError>;
}
