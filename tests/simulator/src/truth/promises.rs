//! What must have been promised, what may, and how often. All else must not.

use super::{Case, Heard, rows};
use crate::event::{Entity, Value};

/// Promises of one kind about one entity, between a least and a most number.
#[derive(Debug, Clone, PartialEq)]
pub struct Promise {
    pub kind: &'static str,
    /// `None`: about no entity.
    pub about: Option<Entity>,
    /// Fields of the payload by which it is told apart from others of its kind; empty: all of them together.
    pub payload: Vec<(&'static str, Value)>,
    pub least: usize,
    pub most: usize,
}

impl Promise {
    /// Once at most, and once at least if `must` be.
    pub(super) fn once(kind: &'static str, about: &Entity, must: bool) -> Self {
        Self { kind, about: Some(about.clone()), payload: Vec::new(), least: usize::from(must), most: 1 }
    }

    pub(super) fn saying(mut self, field: &'static str, value: impl Into<Value>) -> Self {
        self.payload.push((field, value.into()));
        self
    }
}

/// One promise for each final status that it ever had; the one that it has must be there, the others came and went, or
/// were overtaken.
fn by_status(case: &Case<'_>, kinds: &[(&str, &'static str)]) -> Vec<Promise> {
    let status = case.latest("status");
    let mut promises: Vec<Promise> = Vec::new();
    for (word, kind) in kinds.iter().filter(|(word, _)| case.was_ever("status", word)) {
        let must = status.is_some_and(|claim| claim.text() == *word);
        match promises.iter_mut().find(|promise| promise.kind == *kind) {
            Some(promise) => promise.least = promise.least.max(usize::from(must)),
            None => promises.push(Promise::once(kind, case.entity, must)),
        }
    }
    promises
}

pub(super) fn of_order(case: &Case<'_>) -> Vec<Promise> {
    let mut kinds = vec![("failed", "order_failed"), ("cancelled", "order_cancelled")];
    // That an order of eSIMs is complete is told by the eSIM that is ready.
    if case.was_ever("product", "physical_sim") {
        kinds.extend([("shipping", "sim_shipped"), ("completed", "sim_delivered")]);
    }
    let mut promises = by_status(case, &kinds);
    if rows::needs_review(case) {
        promises.push(Promise::once("order_needs_review", case.entity, true));
    }
    promises
}

/// A cancelled payment is money that does not come, as a failed one.
pub(super) fn of_payment(case: &Case<'_>) -> Vec<Promise> {
    if case.was_ever("direction", "payout") {
        let failed = "payout_failed";
        by_status(case, &[("succeeded", "payout_succeeded"), ("failed", failed), ("cancelled", failed)])
    } else {
        let failed = "payment_failed";
        by_status(case, &[("succeeded", "payment_succeeded"), ("failed", failed), ("cancelled", failed)])
    }
}

pub(super) fn of_return(case: &Case<'_>) -> Vec<Promise> {
    by_status(case, &[("approved", "return_approved"), ("rejected", "return_rejected")])
}

pub(super) fn of_credit(heard: &Heard<'_>) -> Option<Promise> {
    let (message, remaining) = heard.event.meaning.credit.as_ref()?;
    let payload = vec![("message", Value::from(message)), ("remaining", Value::from(*remaining))];
    Some(Promise { kind: "credit_low", about: None, payload, least: 1, most: 1 })
}
