//! Airtm: pay-ins (purchases) and pay-outs, in two generations.

mod answer;
mod api;
mod signature;
mod webhook;

use shared::lookup::LookupKind;

use crate::answer::{SupportedLookup, deny_payment};
use crate::dialect::{Dialect, LookupPolicy};

pub(crate) static DIALECT: Dialect = Dialect {
    signature: Some(signature::SCHEME),
    read_webhook: webhook::read,
    changes_per_attempt: &[],
    lookups: &[SupportedLookup {
        kind: LookupKind::Payment,
        request: api::ask_for_payment,
        read: answer::read_payment,
        deny: deny_payment,
    }],
    api: api::API,
    lookup_policy: LookupPolicy {
        is_thin: false,
        esim_confirmed_by: LookupKind::Esim,
        esim_answer_tells_order: false,
        polled: None,
    },
};
