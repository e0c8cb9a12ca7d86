//! eSIM Access (Redtea): orders, and the life of each eSIM: plan, profile, usage, validity.

mod answer;
mod api;
pub mod subscriptions;
mod webhook;

use shared::lookup::LookupKind;

use crate::answer::{SupportedLookup, deny_esim, deny_order};
use crate::dialect::{Dialect, LookupPolicy};

pub(crate) static DIALECT: Dialect = Dialect {
    signature: None,
    read_webhook: webhook::read,
    changes_per_attempt: &[],
    lookups: &[
        SupportedLookup {
            kind: LookupKind::Order,
            request: api::ask_for_order,
            read: answer::read_order,
            deny: deny_order,
        },
        SupportedLookup {
            kind: LookupKind::Esim,
            request: api::ask_for_esim,
            read: answer::read_esim,
            deny: deny_esim,
        },
    ],
    api: api::API,
    lookup_policy: LookupPolicy {
        is_thin: true,
        esim_confirmed_by: LookupKind::Esim,
        esim_answer_tells_order: false,
        polled: None,
    },
};
