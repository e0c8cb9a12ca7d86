//! What nobody asked for and should have: orders that no webhook completed in time.

use chrono::{TimeDelta, Utc};
use shared::lookup::{LookupKind, LookupReason, LookupRequest, order_lookup};
use store::StoreError;

use crate::context::Context;

/// How many overdue orders are taken up in one sweep of one worker; the next sweep finds the rest.
const PAGE: i64 = 500;

pub(super) async fn run(context: &Context, sources: &[String]) -> Result<(), StoreError> {
    let patience = TimeDelta::from_std(context.limits.overdue_after).unwrap_or(TimeDelta::MAX);
    let mut tx = context.store.begin().await?;
    if let Some(before) = Utc::now().checked_sub_signed(patience) {
        let has_orders =
            |source: &&String| context.apis.find(source).is_some_and(|api| api.dialect().supports(LookupKind::Order));
        let sources: Vec<_> = sources.iter().filter(has_orders).cloned().collect();
        let overdue = tx.find_overdue(&sources, before, PAGE).await?;
        let wants: Vec<_> = overdue
            .iter()
            .map(|order| {
                let lookup = order_lookup(&order.order_ref, order.description.clone());
                (
                    order.source.as_str(),
                    LookupRequest { lookup, reason: LookupReason::Overdue, after: TimeDelta::zero() },
                )
            })
            .collect();
        tx.want_lookups(&wants).await?;
        if !wants.is_empty() {
            tracing::info!(orders = wants.len(), "orders are overdue and are looked up");
        }
    }
    tx.commit().await
}
