//! The entities' rows: locked and read, written back.

use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};

use shared::fact::{EntityKey, State};
use shared::fold::EntityId;
use shared::origin::Provider;

use crate::error::StoreError;

/// The tables of entities, in the order in which they are locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    Orders,
    Esims,
    Payments,
    Returns,
}

impl Table {
    pub const ALL: [Self; 4] = [Self::Orders, Self::Esims, Self::Payments, Self::Returns];

    pub fn of(key: &EntityKey) -> Self {
        match key {
            EntityKey::Order(_) => Self::Orders,
            EntityKey::Esim(_) => Self::Esims,
            EntityKey::Payment(_) => Self::Payments,
            EntityKey::Return(_) => Self::Returns,
        }
    }

    /// The table's own name, and that of the column which, with `source`, is its key.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Orders => ("orders", "order_ref"),
            Self::Esims => ("esims", "esim_ref"),
            Self::Payments => ("payments", "payment_ref"),
            Self::Returns => ("returns", "return_ref"),
        }
    }

    pub(super) fn key(self, reference: String) -> EntityKey {
        match self {
            Self::Orders => EntityKey::Order(reference),
            Self::Esims => EntityKey::Esim(reference),
            Self::Payments => EntityKey::Payment(reference),
            Self::Returns => EntityKey::Return(reference),
        }
    }
}

#[async_trait]
pub trait Entities {
    /// Locks the rows until the transaction ends, and reads them; a row that is missing is made first, because only a row
    /// can be locked. Tables and keys come in one order everywhere, so that no two transactions deadlock.
    async fn lock_entities(
        &mut self,
        ids: &BTreeMap<EntityId, Provider>,
    ) -> Result<BTreeMap<EntityId, State>, StoreError>;

    /// Reads the rows as they stand, without a lock. What has no row is left out.
    async fn read_entities(&mut self, ids: &BTreeSet<EntityId>) -> Result<BTreeMap<EntityId, State>, StoreError>;

    /// Writes rows back that are locked.
    async fn save_entities(&mut self, states: &BTreeMap<EntityId, State>) -> Result<(), StoreError>;
}
