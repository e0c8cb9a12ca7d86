//! The entities' rows in PostgreSQL.

use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use shared::fact::{EntityKey, State};
use shared::fold::EntityId;
use shared::origin::Provider;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::entities::Entities;
use crate::error::StoreError;
use crate::view::{EsimRow, OrderRow, PaymentRow, ReturnRow};

#[async_trait]
impl Entities for PgConnection {
    async fn lock_entities(
        &mut self,
        ids: &BTreeMap<EntityId, Provider>,
    ) -> Result<BTreeMap<EntityId, State>, StoreError> {
        let touched = Touched::new(ids.iter().map(|(id, provider)| (id, Some(*provider))));
        let mut states = BTreeMap::new();
        orders::lock(self, &touched.orders, &mut states).await?;
        esims::lock(self, &touched.esims, &mut states).await?;
        payments::lock(self, &touched.payments, &mut states).await?;
        returns::lock(self, &touched.returns, &mut states).await?;
        Ok(states)
    }

    async fn read_entities(&mut self, ids: &BTreeSet<EntityId>) -> Result<BTreeMap<EntityId, State>, StoreError> {
        let touched = Touched::new(ids.iter().map(|id| (id, None)));
        let mut states = BTreeMap::new();
        orders::read(self, &touched.orders, &mut states).await?;
        esims::read(self, &touched.esims, &mut states).await?;
        payments::read(self, &touched.payments, &mut states).await?;
        returns::read(self, &touched.returns, &mut states).await?;
        Ok(states)
    }

    async fn save_entities(&mut self, states: &BTreeMap<EntityId, State>) -> Result<(), StoreError> {
        let (mut orders, mut esims, mut payments, mut returns) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (id, state) in states {
            let source = id.source.as_str();
            match (&id.key, state) {
                (EntityKey::Order(reference), State::Order(order)) => {
                    orders.push(OrderRow::new(source, reference, order))
                }
                (EntityKey::Esim(reference), State::Esim(esim)) => esims.push(EsimRow::new(source, reference, esim)),
                (EntityKey::Payment(reference), State::Payment(payment)) => {
                    payments.push(PaymentRow::new(source, reference, payment));
                }
                (EntityKey::Return(reference), State::Return(state)) => {
                    returns.push(ReturnRow::new(source, reference, state));
                }
                _ => debug_assert!(false, "a state under the key of another kind"),
            }
        }
        if !orders.is_empty() {
            sqlx::query_file!("src/postgres/save_orders.sql", Json(&orders) as _).execute(&mut *self).await?;
        }
        if !esims.is_empty() {
            sqlx::query_file!("src/postgres/save_esims.sql", Json(&esims) as _).execute(&mut *self).await?;
        }
        if !payments.is_empty() {
            sqlx::query_file!("src/postgres/save_payments.sql", Json(&payments) as _).execute(&mut *self).await?;
        }
        if !returns.is_empty() {
            sqlx::query_file!("src/postgres/save_returns.sql", Json(&returns) as _).execute(&mut *self).await?;
        }
        Ok(())
    }
}

/// References of one table's rows, column by column, in key order.
#[derive(Default)]
struct References {
    source: Vec<String>,
    reference: Vec<String>,
    provider: Vec<String>,
}

/// References of all four tables.
#[derive(Default)]
struct Touched {
    orders: References,
    esims: References,
    payments: References,
    returns: References,
}

impl Touched {
    fn new<'a>(ids: impl IntoIterator<Item = (&'a EntityId, Option<Provider>)>) -> Self {
        let mut touched = Self::default();
        for (id, provider) in ids {
            let (table, reference) = match &id.key {
                EntityKey::Order(reference) => (&mut touched.orders, reference),
                EntityKey::Esim(reference) => (&mut touched.esims, reference),
                EntityKey::Payment(reference) => (&mut touched.payments, reference),
                EntityKey::Return(reference) => (&mut touched.returns, reference),
            };
            table.source.push(id.source.clone());
            table.reference.push(reference.clone());
            table.provider.extend(provider.map(|provider| provider.as_str().to_owned()));
        }
        touched
    }
}

/// The statements that are the same for each of the four tables but for its names.
macro_rules! table {
    ($module:ident, $table:tt, $reference:tt, $kind:ident) => {
        mod $module {
            use super::*;

            pub(super) async fn lock(
                db: &mut PgConnection,
                rows: &References,
                states: &mut BTreeMap<EntityId, State>,
            ) -> Result<(), StoreError> {
                if rows.source.is_empty() {
                    return Ok(());
                }
                sqlx::query!(
                    "INSERT INTO "
                        + $table
                        + " (source, "
                        + $reference
                        + ", provider)
                     SELECT source, reference, provider
                     FROM UNNEST($1::text[], $2::text[], $3::text[]) AS wanted (source, reference, provider)
                     ORDER BY source, reference
                     ON CONFLICT DO NOTHING",
                    &rows.source,
                    &rows.reference,
                    &rows.provider
                )
                .execute(&mut *db)
                .await?;
                let found = sqlx::query!(
                    "SELECT source, "
                        + $reference
                        + " AS reference, blocks FROM "
                        + $table
                        + "
                     WHERE (source, "
                        + $reference
                        + ") IN (SELECT * FROM UNNEST($1::text[], $2::text[]))
                     ORDER BY source, "
                        + $reference
                        + "
                     FOR UPDATE",
                    &rows.source,
                    &rows.reference
                )
                .fetch_all(db)
                .await?;
                for row in found {
                    insert(states, row.source, row.reference, row.blocks)?;
                }
                Ok(())
            }

            pub(super) async fn read(
                db: &mut PgConnection,
                rows: &References,
                states: &mut BTreeMap<EntityId, State>,
            ) -> Result<(), StoreError> {
                if rows.source.is_empty() {
                    return Ok(());
                }
                let found = sqlx::query!(
                    "SELECT source, "
                        + $reference
                        + " AS reference, blocks FROM "
                        + $table
                        + "
                     WHERE (source, "
                        + $reference
                        + ") IN (SELECT * FROM UNNEST($1::text[], $2::text[]))",
                    &rows.source,
                    &rows.reference
                )
                .fetch_all(db)
                .await?;
                for row in found {
                    insert(states, row.source, row.reference, row.blocks)?;
                }
                Ok(())
            }

            fn insert(
                states: &mut BTreeMap<EntityId, State>,
                source: String,
                reference: String,
                blocks: Value,
            ) -> Result<(), StoreError> {
                let state = serde_json::from_value(blocks).map_err(|error| sqlx::Error::Decode(error.into()))?;
                states.insert(EntityId { source, key: EntityKey::$kind(reference) }, State::$kind(state));
                Ok(())
            }
        }
    };
}

table!(orders, "orders", "order_ref", Order);
table!(esims, "esims", "esim_ref", Esim);
table!(payments, "payments", "payment_ref", Payment);
table!(returns, "returns", "return_ref", Return);
