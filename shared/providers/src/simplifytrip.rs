//! SimplifyTrip: orders of eSIMs and of physical SIMs, and returns.

mod answer;
mod api;
mod flatten;
mod signature;
mod webhook;

use shared::lookup::LookupKind;

use crate::answer::{SupportedLookup, deny_nothing, deny_order};
use crate::dialect::{Dialect, LookupPolicy};

pub(crate) static DIALECT: Dialect = Dialect {
    signature: Some(signature::SCHEME),
    read_webhook: webhook::read,
    changes_per_attempt: webhook::CHANGES_PER_ATTEMPT,
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
            deny: deny_nothing,
        },
    ],
    api: api::API,
    lookup_policy: LookupPolicy {
        is_thin: false,
        esim_confirmed_by: LookupKind::Order,
        esim_answer_tells_order: false,
        polled: Some(LookupKind::Esim),
    },
};
