//! The entities' rows: locked and read, written back.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use shared::fact::State;
use shared::fold::EntityId;
use shared::origin::Provider;

use crate::error::StoreError;

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
